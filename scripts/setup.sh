#!/usr/bin/env bash
# Readies a Debian or Ubuntu machine to build, run and test Banter. Safe to run again.
# Run it as root or as a user with sudo. It asks nothing and never installs a Rust toolchain.
set -euo pipefail
cd "$(dirname "$0")/.."

BUILD_PACKAGES=(build-essential pkg-config libasound2-dev libpocketsphinx-dev)
RUN_PACKAGES=(ca-certificates libasound2 libasound2-plugins pocketsphinx-en-us flite espeak-ng)

main() {
    if [ $# -gt 0 ]; then
        fail "scripts/setup.sh takes no arguments, but was given: $*"
    fi
    check_rust
    command -v apt-get >/dev/null || explain_other_systems
    install_packages "${BUILD_PACKAGES[@]}" "${RUN_PACKAGES[@]}"
    say "done"
}

check_rust() {
    local wanted found
    wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
    find_rust || fail "Rust is missing: Banter needs $wanted or later. Install it from https://rustup.rs:
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
    found=$(rustc --version | cut -d ' ' -f 2)
    if [ "$(printf '%s\n' "$wanted" "$found" | sort -V | head -n 1)" != "$wanted" ]; then
        fail "Rust $found is too old: Banter needs $wanted or later. Renew it with: rustup update stable
    (or, if Rust came from a package, install it from https://rustup.rs)"
    fi
    say "Rust $found: already there ($wanted or later is needed)"
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

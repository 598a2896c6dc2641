#!/usr/bin/env bash
# Runs what the authors of the Model Context Protocol ask of its clients: those of their scenarios
# that need no authorisation server. `make slow` calls it; `scripts/setup.sh --slow` installs them.
set -euo pipefail
cd "$(dirname "$0")/.."

FOLDER=tests/mcp/conformance
NODE=$(echo $FOLDER/node_modules/node-*-*/bin/node)
SUITE=$FOLDER/node_modules/@modelcontextprotocol/conformance/dist/index.js
BANTER=$PWD/target/debug/banter
RESULTS=$(mktemp -d)
FAILED=0

main() {
    trap 'rm -r "$RESULTS"' EXIT
    cargo build --locked
    # The suite adds the address of its server as the last word.
    scenario initialize "mcp list --url"
    scenario tools_call "mcp call add_numbers '{\"a\": 5, \"b\": 3}' --url"
    scenario sse-retry "mcp call test_reconnection --url"
    # The user is not asked: Banter says that it cannot, and declines when it is asked all the same.
    scenario elicitation-sep1034-client-defaults "mcp call test_client_elicitation_defaults --url" \
        --expected-failures $FOLDER/declined.yml
    exit $FAILED
}

scenario() {
    local name=$1 command=$2
    shift 2
    printf '%s: ' "$name"
    if "$NODE" $SUITE client --scenario "$name" --command "$BANTER $command" --output-dir "$RESULTS" \
        "$@" >"$RESULTS/told" 2>&1; then
        grep -E '^Passed:' "$RESULTS/told"
    else
        FAILED=1
        echo FAILED
        cat "$RESULTS/told"
    fi
}

main "$@"

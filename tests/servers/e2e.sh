#!/bin/sh
# Runs the corso binary against real servers, after install.sh: starts them, tests, stops them.
# e2e.sh [unittest arguments], for example: e2e.sh -k seaweedfs
set -eu
. "$(dirname "$0")/lib.sh"
servers=$PWD/tests/servers

stop_all() {
    for server in seaweedfs moto azurite rclone; do
        "$servers/$server.sh" stop
    done
}
trap stop_all EXIT
trap 'exit 130' INT TERM

# With the tests: alone they would want other features of what they share with these, and build it once more.
cargo test --workspace --no-run --locked --quiet
export CORSO_BINARY="$PWD/target/debug/corso" CORSO_TEST_GRAPH_SIM="$PWD/target/debug/graph-sim"
export CORSO_TEST_SEAWEEDFS=18433 CORSO_TEST_MOTO=15101 CORSO_TEST_AZURITE=20100 CORSO_TEST_RCLONE=15103
for server in seaweedfs moto azurite rclone; do
    port=$(printenv "CORSO_TEST_$(echo $server | tr a-z A-Z)")
    "$servers/$server.sh" start "$port"
done

"$home/venv/bin/python" -m unittest discover --start-directory "$servers/e2e" "$@"

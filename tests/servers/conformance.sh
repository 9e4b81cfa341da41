#!/bin/sh
# Runs the storage suite against real servers, after install.sh: starts them, tests, stops them.
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

"$servers/seaweedfs.sh" start 18333
"$servers/moto.sh" start 15001
"$servers/azurite.sh" start 20000
"$servers/rclone.sh" start 15003

here="http://127.0.0.1"
export CORSO_TEST_STORAGES="s3://corso/sea/weed?endpoint=$here:18333
    s3://corso?endpoint=$here:15001
    azure://devstoreaccount1/corso/azurite?endpoint=$here:20000/devstoreaccount1"
export CORSO_TEST_STORAGES_REFUSED="s3://corso?endpoint=$here:15003"
cargo test --package repo-format --test storage servers -- --nocapture --test-threads 1

#!/usr/bin/env bash
# The corso binary on disks that fail: one that is full, and one whose system calls are refused.
#
#   tests/disk/run.sh [unittest arguments], for example: -k full
set -euo pipefail
cd "$(dirname "$0")/../.."
source scripts/tools.sh

debian strace strace
commands
export CORSO_BINARY=$PWD/target/debug/corso
# A namespace of its own: the small file system is seen by the test alone, and goes with it.
private=(--mount)
[[ $(id -u) == 0 ]] || private=(--user --map-root-user --mount)
exec unshare "${private[@]}" python3 -m unittest discover --start-directory tests/disk "$@"

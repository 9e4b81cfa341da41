#!/usr/bin/env bash
# Counts the instructions of some steps of a backup, and fails where one takes more than it did: the same on
# every machine and under any load, as times are not.
#
#   bench/counts.sh            compares with bench/counts.txt
#   bench/counts.sh --accept   writes it anew, for a change that is worth what it costs, or another compiler
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/tools.sh

# More than this share of instructions on top is a regression; compilers and libraries cause less.
tolerated_percent=3
kept=bench/counts.txt
counted=target/release/counted

debian valgrind valgrind
# Together with the command: alone it would want other features of what they share, and build it once more.
cargo build --release --locked --quiet --package corso --package corso-micro --bin corso --bin counted

# instructions STEP TIMES: of a whole run.
instructions() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$counted" "$1" "$2" 2>&1 |
        sed -n 's/.*Collected *: *//p'
}

failed=0
counts=()
for step in splitter index map footer; do
    count=$((($(instructions "$step" 5) - $(instructions "$step" 1)) / 4))
    counts+=("$step $count")
    [[ ${1:-} != --accept ]] || continue
    before=$(sed -n "s/^$step //p" "$kept")
    printf '%-9s %12d instructions, %12d before (%+.2f %%)\n' "$step" "$count" "$before" \
        "$(awk "BEGIN { print 100 * ($count / $before - 1) }")"
    if ((count * 100 > before * (100 + tolerated_percent))); then
        echo "$step takes more instructions than it did: mend it, or accept it with bench/counts.sh --accept" >&2
        failed=1
    fi
done
[[ ${1:-} != --accept ]] || printf '%s\n' "${counts[@]}" >"$kept"
exit "$failed"

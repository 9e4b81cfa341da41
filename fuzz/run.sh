#!/usr/bin/env bash
# Fuzzes on the stable toolchain.
#
#   fuzz/run.sh TARGET SECONDS     one target
#   fuzz/run.sh --all SECONDS      each target that long
#   fuzz/run.sh --keep TARGET      adds to fuzz/corpus what reaches code that is not reached yet
#
# What is found while fuzzing grows in .work/fuzz/TARGET. An input that crashes is written to
# .work/fuzz/found: give it a name that tells the fact, move it to fuzz/corpus/TARGET, mend the code.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/tools.sh

[[ $# == 2 ]] || { sed -n '4,6s/^# *//p' "$0" >&2; exit 2; }
cargo_tool cargo-fuzz 0.13.2
export PATH=$work/tools/bin:$PATH
cargo run --quiet --package fuzz-targets --example seeds --locked -- .work/fuzz/seeds
cargo fuzz build --sanitizer none --target-dir .work/fuzz/build any
fuzzer=$(find .work/fuzz/build -path '*/release/any' -type f -perm -u+x)

# fuzz TARGET FLAGS...: in memory and time that no honest input needs.
fuzz() {
    local target=$1 && shift
    mkdir -p ".work/fuzz/$target" ".work/fuzz/found" "fuzz/corpus/$target"
    FUZZ_TARGET=$target "$fuzzer" -max_len=8192 -rss_limit_mb=512 -malloc_limit_mb=256 -timeout=10 \
        -artifact_prefix=".work/fuzz/found/$target-" -verbosity=1 "$@"
}

# cpu_seconds LOG: of a run, which may have waited for the processor.
cpu_seconds() {
    awk '$1 == "user" || $1 == "sys" { split($2, parts, /[ms]/); sum += parts[1] * 60 + parts[2] } END { printf "%.0f", sum }' "$1"
}

# stat NAME LOG: one of the figures that libFuzzer ends with.
stat() {
    sed -n "s/^stat::$1: *//p" "$2"
}

case $1 in
    --keep) fuzz "$2" -set_cover_merge=1 -use_counters=0 "fuzz/corpus/$2" ".work/fuzz/$2" ;;
    --all) targets=$(ls .work/fuzz/seeds) ;;
    *) targets=$1 ;;
esac
for target in ${targets:-}; do
    log=.work/fuzz/$target.log
    if { time fuzz "$target" -max_total_time="$2" -print_final_stats=1 \
        ".work/fuzz/$target" ".work/fuzz/seeds/$target" "fuzz/corpus/$target" 2>&1; } >"$log" 2>"$log.time"; then
        printf '%-18s %4d s %5d CPU s %11d runs %8d a second %4d MiB %6d inputs\n' "$target" "$2" \
            "$(cpu_seconds "$log.time")" \
            "$(stat number_of_executed_units "$log")" "$(stat average_exec_per_sec "$log")" \
            "$(stat peak_rss_mb "$log")" "$(ls ".work/fuzz/$target" | wc -l)"
    else
        tail -n 30 "$log"
        echo "$target: found something, see .work/fuzz/found" >&2
        exit 1
    fi
done

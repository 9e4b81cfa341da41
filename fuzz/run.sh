#!/usr/bin/env bash
# Fuzzes on the stable toolchain.
#
#   fuzz/run.sh TARGET SECONDS     one target
#   fuzz/run.sh --all SECONDS      each target that long
#   fuzz/run.sh --keep TARGET      adds to fuzz/corpus what reaches code that is not reached yet
#   fuzz/run.sh --campaign SECONDS goes on until each target has had so many seconds of a processor
#   fuzz/run.sh --table SECONDS    what the campaign gave, and which targets have not had them yet
#
# What is found while fuzzing grows in .work/fuzz/TARGET. An input that crashes is written to
# .work/fuzz/found: give it a name that tells the fact, move it to fuzz/corpus/TARGET, mend the code.
#
# A campaign takes a day, and may be stopped at any time: each slice of it is a row of fuzz/ledger.tsv, and
# the next slice is the target's that has had the least. Several may run at once.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/tools.sh

ledger=fuzz/ledger.tsv

# rows: of each target in the campaign, its seconds of a processor, runs, MiB at most and finds.
rows() {
    awk -F '\t' 'NR > 1 { cpu[$3] += $4; runs[$3] += $5; found[$3] += $7; if ($6 > most[$3]) most[$3] = $6 }
        END { for (name in cpu) print name, cpu[name], runs[name], most[name], found[name] }' $ledger
}

[[ $# == 2 ]] || { sed -n '4,8s/^# *//p' "$0" >&2; exit 2; }
if [[ $1 == --table ]]; then
    rows | sort | awk -v goal="$2" '
        BEGIN { print "| target | CPU seconds | runs | MiB at most | finds |"; print "|---|---:|---:|---:|---:|" }
        { printf "| `%s` | %d%s | %d | %d | %d |\n", $1, $2, $2 < goal ? " of " goal : "", $3, $4, $5; cpu += $2; runs += $3 }
        END { printf "| %d targets | %d | %d | | |\n", NR, cpu, runs }'
    exit
fi
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

# run TARGET SECONDS: fuzzes, and leaves libFuzzer's words in TARGET.log and the time it took beside them.
run() {
    local log=.work/fuzz/$1.log
    { time fuzz "$1" -max_total_time="$2" -print_final_stats=1 \
        ".work/fuzz/$1" ".work/fuzz/seeds/$1" "fuzz/corpus/$1" 2>&1; } >"$log" 2>"$log.time"
}

# least: the target that has had the least of the campaign, with its seconds; not one that another run has.
least() {
    { rows; sed 's/$/ 0/' <(ls .work/fuzz/seeds); } |
        awk '{ cpu[$1] += $2 } END { for (name in cpu) print cpu[name], name }' | sort -n |
        while read -r cpu name; do
            flock --nonblock ".work/fuzz/$name.lock" true && echo "$name $cpu" && break
        done
}

campaign() {
    local target cpu found log commit
    commit=$(git rev-parse --short HEAD)
    [[ -e $ledger ]] || printf 'date\tcommit\ttarget\tcpu_s\truns\tmib\tfinds\n' >$ledger
    while read -r target cpu < <(least) && ((cpu < $1)); do
        log=.work/fuzz/$target.log found=0
        exec {lock}>".work/fuzz/$target.lock"
        flock --nonblock "$lock" || continue
        run "$target" 300 || found=1
        printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$(date -u +%F)" "$commit" "$target" \
            "$(cpu_seconds "$log.time")" "$(stat number_of_executed_units "$log")" "$(stat peak_rss_mb "$log")" $found |
            tee -a $ledger
        exec {lock}>&-
        ((found == 0)) || { tail -n 30 "$log"; exit 1; }
    done
}

case $1 in
    --keep) fuzz "$2" -set_cover_merge=1 -use_counters=0 "fuzz/corpus/$2" ".work/fuzz/$2" ;;
    --campaign) campaign "$2" ;;
    --all) targets=$(ls .work/fuzz/seeds) ;;
    *) targets=$1 ;;
esac
for target in ${targets:-}; do
    log=.work/fuzz/$target.log
    if run "$target" "$2"; then
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

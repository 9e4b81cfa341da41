#!/usr/bin/env bash
# rclone judges a restore: what Corso backed up from one drive and restored into another is what the first
# one holds, by hash, by time and by byte. What is missing is what Corso said is missing, and nothing else.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

place=$run/restore
destination="From A"

# A tenant with notebooks, shortcuts and malware in it.
cat >"$run/restore-profile.json" <<'JSON'
{"packages": 0.01, "shortcuts": 0.01, "malware": 0.01, "shared": 0.05}
JSON

# judge CODE SIMULATOR-OPTIONS...: a backup and a restore that end with this code, and the comparison.
judge() {
    local code=$1 begun=$SECONDS
    shift
    simulate --users 2 --items 500 --size-max 3000000 --profile "$run/restore-profile.json" "$@"
    sim_api=$(url api)
    rm -rf "$place" && mkdir -p "$place"
    (umask 077 && head -c 64 /dev/urandom >"$place/key")
    { remote a 0 && remote b 1; } >"$run/restore.conf"

    local from to
    from=$(truth user 0) to=$(truth user 1)
    ends_with 0 init repo init filesystem --path "$place/repository" --no-recovery-key
    ends_with "$code" backup backup create onedrive --user "$from"
    ends_with "$code" restore restore onedrive --backup latest --user "$from" --to-resource "$to" --destination "$destination"
    echo "backed up and restored in $((SECONDS - begun)) s; $(truth counters)"
    truth violations

    truth poisoned 0 >"$place/poisoned.txt"
    # From here on nothing goes wrong: rclone is to judge the drives, and not to live through faults.
    truth heal
    compare_listings
    compare_bytes
    # rclone decorates nothing, so it breaks those two rules.
    truth violations undecorated_user_agent missing_request_id
}

compare_listings() {
    truth filters 0 >"$place/filters.txt"
    # It ends with 1 if anything is missing, which the next step looks into.
    clone check a: "b:$destination" --filter-from "$place/filters.txt" --match "$place/same.txt" \
        --missing-on-dst "$place/missing.txt" --missing-on-src "$place/extra.txt" \
        --differ "$place/differ.txt" --error "$place/unread.txt" 2>"$place/check.log" || true
    local list
    for list in extra differ unread; do
        [[ ! -s $place/$list.txt ]] || fails "rclone finds what is $list: $(head -5 "$place/$list.txt")"
    done
    [[ -s $place/same.txt ]] || fails "rclone compared nothing: $(tail -n 3 "$place/check.log")"
    "$home/bin/python" tests/clients/accounts.py "$sim_api" 0 "$place"

    truth filters 0 "$place/missing.txt" >"$place/filters.txt"
    same_output hashsum quickxor
    same_output lsf --recursive --files-only --hash quickxor --format hstp --separator '|'
    same_output lsf --recursive --dirs-only
    echo "rclone check, hashsum and lsf: $(wc -l <"$place/same.txt") files have the same hash, size and time"
}

compare_bytes() {
    clone check a: "b:$destination" --download --filter-from "$place/filters.txt" 2>"$place/download.log" ||
        fails "bytes differ: $(tail -n 3 "$place/download.log")"
    echo "rclone check --download: all bytes are the same"
}

# same_output RCLONE-COMMAND...: of one drive and of the folder in the other.
same_output() {
    clone "$@" --filter-from "$place/filters.txt" a: | sort >"$place/a.txt"
    clone "$@" "b:$destination" | sort >"$place/b.txt"
    diff "$place/a.txt" "$place/b.txt" >"$place/diff.txt" || fails "rclone $* differs: $(head -5 "$place/diff.txt")"
}

# ends_with CODE NAME COMMAND...: runs Corso, in a place of its own and pointed at the simulator; its lines
# go into a file of that name.
ends_with() {
    local expected=$1 name=$2 code=0
    shift 2
    env -i PATH="$PATH" HOME="$place" CORSO_KEY_FILE="$place/key" CORSO_UNITS_PER_SECOND=100000 \
        CORSO_GRAPH_URL="$sim_api" CORSO_LOGIN_URL="$sim_api" AZURE_TENANT_ID="$(url tenant)" \
        AZURE_CLIENT_ID="$(url client_id)" AZURE_CLIENT_SECRET=sim-secret \
        timeout 300 target/debug/corso "$@" --json --no-progress >"$place/$name.json" 2>"$place/$name.err" || code=$?
    [[ $code == "$expected" ]] || fails "corso $name ended with $code: $(tail -n 3 "$place/$name.err")"
}

clone() {
    timeout 300 "$home/bin/rclone" --config "$run/restore.conf" --retries 1 --low-level-retries 3 --timeout 20s "$@"
}

echo "without faults:"
judge 0

# The families that cost no long waits on the wall's clock, and one file poisoned in each of four ways.
for family in errors reset truncate expired; do target/debug/graph-sim faults "$family"; done |
    "$home/bin/python" tests/clients/faults.py 4 0.3 >"$run/restore-faults.json"
echo "with faults:"
judge 3 --faults "$run/restore-faults.json"

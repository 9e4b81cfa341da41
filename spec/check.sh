#!/usr/bin/env bash
# Makes a repository with the command and reads it with the reader: lists, verifies and restores it, and
# compares what comes back, byte for byte, mode for mode, time for time.
#
#   check.sh CORSO PYTHON
#
# PYTHON has what reader/requirements.txt names.
set -euo pipefail
corso=$(realpath "$1")
python=$2
cd "$(dirname "$0")/.."
scratch=$(mktemp --directory)
trap 'rm -rf "$scratch"' EXIT

# reader FOLDER ARGUMENTS...: reads the repository that make.sh put into FOLDER.
reader() { "$python" spec/reader/corso_reader.py --repo "$1/repository" --key-file "$1/key" "${@:2}"; }

# check FOLDER: everything the reader can do, with segments and without.
check() {
    reader "$1" verify --check-splitter
    reader "$1" list --json >"$scratch/list"
    mapfile -t ids < <(sed -n 's/.*"id": "\([0-9a-f]*\)".*/\1/p' "$scratch/list")
    [[ ${#ids[@]} == 2 ]] || { echo "the reader lists ${#ids[@]} snapshots of $1, not 2" >&2; return 1; }
    restored "$1" "${ids[0]}" first
    restored "$1" "${ids[1]}" last
    restored "$1" "${ids[1]}" last --from-packs
}

# restored FOLDER ID LISTING [OPTION]: restores a snapshot and compares it with its source's listing.
restored() {
    rm -rf "$scratch/out"
    reader "$1" "${@:4}" restore "$2" "$scratch/out"
    tests/fixtures/listing.py "$scratch/out" | diff "$1/$3.jsonl" -
    wanted=$(($(wc -l <"$1/$3.jsonl") - 1))
    found=$(reader "$1" "${@:4}" ls --json "$2" | wc -l)
    [[ $found == "$wanted" ]] || { echo "ls tells $found entries, not $wanted" >&2; return 1; }
}

tests/fixtures/make.sh "$corso" "$scratch/made" --large
# So that there is a verification map to read, changed once.
for share in 30% 40%; do
    XDG_CACHE_HOME=$scratch/cache XDG_STATE_HOME=$scratch/state CORSO_KEY_FILE=$scratch/made/key \
        "$corso" --quiet --repo "$scratch/made/repository" repo verify --read-data "$share" >"$scratch/verified"
done
[[ -n $(ls "$scratch/made/repository/catalog") ]] || { echo "there is no catalog to read" >&2; exit 1; }
check "$scratch/made"
for folder in tests/fixtures/format-*; do
    check "$folder"
done
echo "the reader gives back what the command stored"

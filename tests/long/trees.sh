#!/usr/bin/env bash
# Large trees there and back: each folder is backed up twice, verified, restored, and compared by rsync:
# bytes, times, modes, owners, extended attributes, access lists and hard links.
#
#   tests/long/trees.sh [FOLDER…]     /usr and 200,000 generated files, unless others are named
#
# Takes some minutes and, below .work/long, as much room as the folders and half as much again.
set -euo pipefail
cd "$(dirname "$0")/../.."
source scripts/tools.sh

debian rsync rsync
cargo build --release --locked --package corso
program=$PWD/target/release/corso
here=$PWD/.work/long
mkdir -p "$here/home"

# corso WORDS…: the program, with a home, a cache and a key of its own.
corso() {
    HOME=$here/home CORSO_KEY_FILE=$here/key CORSO_NO_PROGRESS=1 "$program" "$@"
}

[[ -f $here/key ]] || (umask 077 && head -c 64 /dev/urandom >"$here/key")

folders=("$@")
if [[ $# == 0 ]]; then
    [[ -x $here/gen ]] || rustc --edition 2021 -O -o "$here/gen" bench/gen/main.rs
    [[ -d $here/small ]] || "$here/gen" small "$here/small" 1 200000
    folders=(/usr "$here/small")
fi

failed=0
for folder in "${folders[@]}"; do
    echo "== $folder: $(find "$folder" | wc -l) entries"
    rm -rf "$here/repository" "$here/restored"
    corso --quiet repo init filesystem --path "$here/repository" --name long --no-recovery-key >/dev/null
    corso --repo long snapshot create "$folder"
    corso --repo long snapshot create "$folder"
    corso --repo long repo verify --level data
    corso --repo long snapshot restore latest --target "$here/restored"
    rsync -aHAXc --dry-run --delete --itemize-changes "$folder/" "$here/restored/" >"$here/differences"
    echo "differences: $(wc -l <"$here/differences")"
    echo "KiB on disk: source $(du -s "$folder" | cut -f1), restored $(du -s "$here/restored" | cut -f1)"
    [[ ! -s $here/differences ]] || { head -n 20 "$here/differences"; failed=1; }
    corso --repo long repo disconnect >/dev/null
done
exit $failed

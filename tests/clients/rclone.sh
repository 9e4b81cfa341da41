#!/usr/bin/env bash
# rclone judges the simulator: both of its listings, its hashes, a copy there and back, and a check.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

# rclone's listing by delta loses what is told before its parent, so it is given an ordered feed.
simulate --items 300 --users 2 --size-max 3000000 --ordered-feed
truth listing 0 >"$run/truth.txt"
remote sim 0 >"$run/rclone.conf"

clone() {
    timeout 300 "$home/bin/rclone" --config "$run/rclone.conf" --retries 1 --low-level-retries 3 --timeout 20s "$@"
}

# Hash, size and path of every file, three ways: by children, by delta, and as it truly is.
for way in "" --onedrive-delta; do
    clone lsf sim: --recursive --files-only --format hsp --hash quickxor --separator '|' $way | sort >"$run/listing.txt"
    diff "$run/truth.txt" "$run/listing.txt" >"$run/diff.txt" || fails "the listing ($way) differs: $(head -5 "$run/diff.txt")"
done
echo "listings: $(wc -l <"$run/truth.txt") files, by children and by delta"

# Every file's bytes: rclone computes the hash of what it received.
rm -rf "$run/copy" && mkdir "$run/copy"
clone copy sim: "$run/copy"
clone check sim: "$run/copy"
clone check --download sim: "$run/copy"
echo "copied and checked: $(find "$run/copy" -type f | wc -l) files"

# Uploads of all sizes: empty, small, in one session of several ranges; then what was there before again.
rm -rf "$run/up" && mkdir -p "$run/up/deep/er"
: >"$run/up/empty.txt"
head -c 1000 /dev/urandom >"$run/up/deep/small.bin"
head -c 25000000 /dev/urandom >"$run/up/deep/er/large.bin"
clone copy "$run/up" sim:uploaded
clone check --download "$run/up" sim:uploaded
head -c 2000 /dev/urandom >"$run/up/deep/small.bin"
clone copy "$run/up" sim:uploaded
clone moveto sim:uploaded/deep/small.bin sim:uploaded/moved.bin
mv "$run/up/deep/small.bin" "$run/up/moved.bin"
clone check --download "$run/up" sim:uploaded
clone purge sim:uploaded/deep
clone lsf sim:uploaded | sort | tr '\n' ' ' | grep --quiet '^empty.txt moved.bin $' || fails "the purge left something"
echo "uploaded, changed, moved and purged"

# rclone decorates nothing, so it breaks those two rules; it must break no other.
truth violations undecorated_user_agent missing_request_id

#!/usr/bin/env bash
# Installs the peers that Corso is measured beside, at pinned versions, below .work/peers. Run it as root on Debian;
# what is there already is left alone. The three in Rust take some 20 minutes to build on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/tools.sh

peers=$work/peers
mkdir -p "$peers/bin"
debian /usr/bin/time time
debian zstd zstd
debian openssl openssl

# built NAME VERSION FLAGS...: a peer in Rust, from its own lock file.
built() {
    local name=$1 version=$2 stamp=$peers/$1-$2
    shift 2
    [[ -e $stamp ]] && return
    cargo install "$name" --version "$version" --locked --root "$peers" --quiet "$@"
    touch "$stamp"
}

# newest_restic: the one of Debian's unstable suite, unpacked and not installed; it is linked statically. The lists
# are apt's own, with the suite's name changed.
newest_restic() {
    [[ -x $peers/bin/restic ]] && return
    local lists=$peers/apt
    mkdir -p "$lists/lists/partial"
    sed -E -e 's/^(Suites:).*/\1 sid/' -e 's/^(Components:).*/\1 main/' /etc/apt/sources.list.d/debian.sources |
        awk 'BEGIN { RS = ""; ORS = "\n\n" } !/security/ { print }' >"$lists/sid.sources"
    local apt=(-o "Dir::Etc::sourcelist=$lists/sid.sources" -o Dir::Etc::sourceparts=/nonexistent
        -o "Dir::State::lists=$lists/lists" -o APT::Get::List-Cleanup=0)
    apt-get --quiet=2 "${apt[@]}" update
    (cd "$lists" && apt-get --quiet=2 "${apt[@]}" download restic)
    dpkg-deb --extract "$lists"/restic_*.deb "$lists/restic"
    cp "$lists/restic/usr/bin/restic" "$peers/bin/restic"
}

# What borg and bupstash are linked with.
libraries=(libacl1-dev libssl-dev liblz4-dev libzstd-dev libxxhash-dev libsodium-dev pkg-config python3-dev python3-venv)
if ! dpkg --status "${libraries[@]}" >/dev/null 2>&1; then
    apt-get update --quiet=2
    DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends "${libraries[@]}" >/dev/null
fi
newest_restic
python_venv peers/borg bench/borg.txt
ln -sf ../borg/bin/borg "$peers/bin/borg"
built rustic-rs 0.11.4 --no-default-features
built bupstash 0.12.0
built conserve 24.8.0 --no-default-features
for peer in restic borg rustic bupstash conserve; do
    [[ -x $peers/bin/$peer ]] || { echo "not installed: $peer" >&2; exit 1; }
done

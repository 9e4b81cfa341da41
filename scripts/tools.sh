# Sourced by ./test and its kin: tools at pinned versions, installed below .work when they are missing.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$root/.work

# commands: builds target/debug/corso and target/debug/graph-sim, together with the tests. Alone they would want
# other features of what they share with these, and build it once more.
commands() {
    cargo test --workspace --no-run --locked --quiet
}

# cargo_tool NAME VERSION: builds a cargo tool from its own lock file, once.
cargo_tool() {
    local stamp=$work/tools/$1-$2
    [[ -e $stamp ]] && return
    cargo install "$1" --version "$2" --locked --root "$work/tools" --quiet
    touch "$stamp"
}

# python_venv NAME REQUIREMENTS: a virtual environment of its own, made anew when the file changes.
python_venv() {
    local home=$work/$1 wanted=$root/$2
    cmp --silent "$wanted" "$home/installed.txt" && return
    python3 -m venv --clear "$home"
    "$home/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted"
    cp "$wanted" "$home/installed.txt"
}

# debian COMMAND PACKAGE: installs a Debian package if the command is missing; needs to be root.
debian() {
    command -v "$1" >/dev/null && return
    if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
        echo "needed and missing: $1 (Debian package $2)" >&2
        return 1
    fi
    [[ -n $(find /var/lib/apt/lists -name '*Packages*' -mmin -1440 -print -quit 2>/dev/null) ]] ||
        apt-get update --quiet=2
    DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends "$2" >/dev/null
}

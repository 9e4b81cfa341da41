# What the scripts of the clients share: the simulator is started and stopped, and its answers are read.

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# Bytes are sorted as bytes.
export LC_ALL=C
root=$PWD
home=$root/.work/clients
run=$home/run
mkdir -p "$run"
[[ -x $home/bin/python ]] || tests/clients/install.sh

# simulate [OPTIONS]: starts graph-sim; its URLs are in $run/urls.json. It ends with the script.
simulate() {
    [[ -n ${sim_pid:-} ]] && end_simulation
    # With the tests: alone they would want other features of what they share with these, and build it once more.
    nice -n 5 cargo test --workspace --no-run --locked --quiet
    # Those of the one before are not its.
    rm -f "$run/urls.json"
    target/debug/graph-sim serve "$@" >"$run/urls.json" 2>"$run/graph-sim.log" &
    sim_pid=$!
    trap end_simulation EXIT
    for _ in $(seq 100); do
        [[ -s $run/urls.json ]] && return 0
        kill -0 "$sim_pid" 2>/dev/null || break
        sleep 0.1
    done
    cat "$run/graph-sim.log" >&2
    return 1
}

end_simulation() {
    kill -INT "$sim_pid" 2>/dev/null || true
    wait "$sim_pid" 2>/dev/null || true
    sim_pid=
}

# url NAME: one of api, login, content, graph, tenant, client_id, ca.
url() {
    "$home/bin/python" -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$run/urls.json" "$1"
}

# truth WHAT [MORE...]: what the simulator knows (truth.py).
truth() {
    "$home/bin/python" tests/clients/truth.py "$1" "$(url api)" "${@:2}"
}

# remote NAME DRIVE: a drive of the simulator in rclone's configuration.
remote() {
    local sim_api
    sim_api=$(url api)
    cat <<CONF
[$1]
type = onedrive
tenant_url = ${sim_api}_api
token_url = ${sim_api}$(url tenant)/oauth2/v2.0/token
client_credentials = true
tenant = $(url tenant)
client_id = $(url client_id)
client_secret = sim-secret
drive_id = $(truth drive "$2")
drive_type = business
CONF
}

# fails MESSAGE
fails() {
    echo "FAILED: $1" >&2
    exit 1
}

# What the server scripts share: where things are, and how a server is started and stopped.

cd "$(dirname "$0")/../.."
home=$PWD/.work/servers
mkdir -p "$home/run"

# Not secrets: the keys that the servers here are started with.
export AWS_ACCESS_KEY_ID=testkey AWS_SECRET_ACCESS_KEY=testsecret AWS_REGION=us-east-1
export AZURE_STORAGE_KEY=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==

# launch NAME COMMAND...: in the background, with a log and a process ID below .work/servers/run.
launch() {
    name=$1
    shift
    setsid "$@" >"$home/run/$name.log" 2>&1 </dev/null &
    echo $! >"$home/run/$name.pid"
}

# halt NAME: ends the server and waits until it is gone.
halt() {
    pid_file=$home/run/$1.pid
    [ -f "$pid_file" ] || return 0
    pid=$(cat "$pid_file")
    kill -TERM "-$pid" 2>/dev/null || true
    for _ in $(seq 100); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "-$pid" 2>/dev/null || true
    rm -f "$pid_file"
}

# await NAME COMMAND...: until the command succeeds, for at most a minute.
await() {
    name=$1
    shift
    for _ in $(seq 240); do
        if "$@" >/dev/null 2>&1; then return 0; fi
        if ! kill -0 "$(cat "$home/run/$name.pid")" 2>/dev/null; then break; fi
        sleep 0.25
    done
    echo "$name did not start; see $home/run/$name.log" >&2
    return 1
}

# answers URL: whether anything speaks HTTP there.
answers() {
    "$home/venv/bin/python" -c '
import sys, urllib.error, urllib.request
try:
    urllib.request.urlopen(sys.argv[1], timeout=2)
except urllib.error.HTTPError:
    pass
' "$1"
}

# bucket URL NAME: creates a bucket on an S3 server.
bucket() {
    "$home/venv/bin/python" tests/servers/bucket.py "$1" "$2"
}

usage() {
    echo "usage: $0 start|stop [PORT]" >&2
    exit 2
}

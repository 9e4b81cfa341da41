#!/bin/sh
# SeaweedFS, an S3 server: seaweedfs.sh start|stop|restart [PORT]. It takes PORT to PORT+3, each of
# these +10000 too, on loopback. The bucket `corso` is made; `restart` kills and keeps the data.
set -eu
. "$(dirname "$0")/lib.sh"
port=${2:-8333}
data=$home/run/seaweedfs

run() {
    launch seaweedfs "$home/venv/bin/weed" server -dir="$data" -ip=127.0.0.1 -ip.bind=127.0.0.1 \
        -master.telemetry=false -master.volumeSizeLimitMB=64 -volume.max=0 \
        -master.port=$((port + 1)) -volume.port=$((port + 2)) \
        -filer -filer.port=$((port + 3)) \
        -s3 -s3.port="$port" -s3.port.iceberg=0 -s3.port.lance=0 -s3.config="$data/s3.json"
    await seaweedfs bucket "http://127.0.0.1:$port" corso
}

case ${1:-} in
start)
    rm -rf "$data"
    mkdir -p "$data"
    python3 tests/servers/rights.py >"$data/s3.json"
    run
    ;;
stop)
    halt seaweedfs
    ;;
restart)
    kill -KILL "-$(cat "$home/run/seaweedfs.pid")"
    run
    ;;
*) usage ;;
esac

#!/bin/sh
# moto, an S3 server in memory: moto.sh start|stop [PORT]. The bucket `corso` is made.
set -eu
. "$(dirname "$0")/lib.sh"
port=${2:-5001}

case ${1:-} in
start)
    launch moto "$home/venv/bin/moto_server" -H 127.0.0.1 -p "$port"
    await moto bucket "http://127.0.0.1:$port" corso
    ;;
stop)
    halt moto
    ;;
*) usage ;;
esac

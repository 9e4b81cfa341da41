#!/bin/sh
# Azurite, an emulator of Azure Blob Storage: azurite.sh start|stop [PORT]. The container `corso`
# of the account `devstoreaccount1` is made.
set -eu
. "$(dirname "$0")/lib.sh"
port=${2:-10000}

case ${1:-} in
start)
    data=$home/run/azurite
    rm -rf "$data"
    launch azurite "$home/npm/node_modules/.bin/azurite-blob" --silent --disableTelemetry \
        --blobHost 127.0.0.1 --blobPort "$port" --location "$data" --skipApiVersionCheck
    await azurite "$home/venv/bin/python" tests/servers/container.py \
        "http://127.0.0.1:$port/devstoreaccount1" corso
    ;;
stop)
    halt azurite
    ;;
*) usage ;;
esac

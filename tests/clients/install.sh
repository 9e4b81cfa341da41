#!/usr/bin/env bash
# Installs the clients that judge the simulator, below .work/clients. With --sdk, the official SDK, too.
set -euo pipefail
cd "$(dirname "$0")/../.."
source scripts/tools.sh

python_venv clients tests/clients/requirements.txt
if [[ ${1:-} == --sdk ]]; then
    python_venv clients-sdk tests/clients/requirements-sdk.txt
fi

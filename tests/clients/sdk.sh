#!/usr/bin/env bash
# The official SDK judges the simulator: users, delta in its own spelling, 429 retried, content. Long to
# install (400 MB), so it is not part of the lanes: tests/clients/install.sh --sdk, once.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

cat >"$run/sdk-faults.json" <<'JSON'
{"rules": [{"name": "one 429", "rate": 1.0, "on": ["children"], "attempts": 1,
  "fault": {"kind": "status", "status": 429, "retry_after": {"seconds": 1}}}]}
JSON
simulate --items 450 --faults "$run/sdk-faults.json"
"$root/.work/clients-sdk/bin/python" tests/clients/sdk.py "$run/urls.json"

#!/usr/bin/env bash
# Mutation testing of sealing, log and maintenance: tests/mutants/run.py, with what it needs installed below .work.
#
#   tests/mutants/run.sh [--area sealing|log|maintenance]... [--every N] [--only REGEX] [--stages N] [--built]
set -euo pipefail
cd "$(dirname "$0")/../.."
source scripts/tools.sh
cargo_tool cargo-mutants 27.1.0
python_venv mutants-venv tests/mutants/requirements.txt
exec .work/mutants-venv/bin/python -u tests/mutants/run.py "$@"

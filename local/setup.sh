#!/usr/bin/env bash
# Sets up everything that `make run` and `make test` need, once: uv, Python 3.13, the virtual environment,
# the object store's environment, the Lambda emulator and the system packages of the local parts.
# A second call finds it all in place and ends in a moment.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly TOOLS=.local/tools STAMPS=.local/stamps OBJECT_STORE=.local/venvs/object-store
readonly PACKAGES=(activemq libxstream-java libjettison-java mariadb-server-core)
mkdir -p "$TOOLS" "$STAMPS"
# A busy machine takes longer than uv's minute to compile a package of thousands of modules.
export UV_COMPILE_BYTECODE_TIMEOUT=${UV_COMPILE_BYTECODE_TIMEOUT:-600}

say() { printf '  %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }
is_root() { [ "$(id -u)" = 0 ]; }

# done_with NAME FILE...: true if NAME was set up from these very files before.
fingerprint() { cat "$@" | sha256sum | cut -d' ' -f1; }
done_with() { local name=$1; shift; [ "$(cat "$STAMPS/$name" 2>/dev/null)" = "$(fingerprint "$@")" ]; }
stamp() { local name=$1; shift; fingerprint "$@" > "$STAMPS/$name"; }

# Installs packages without starting what they bring: the platform runs its own on its own ports.
apt_install() {
    say "installing with apt: $*"
    local policy=/usr/sbin/policy-rc.d placed=""
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' > "$policy"; chmod +x "$policy"; placed=yes
    fi
    local status=0
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } \
        > .local/apt.log 2>&1 || status=$?
    [ -z "$placed" ] || rm -f "$policy"
    [ "$status" = 0 ] || { tail -n 20 .local/apt.log >&2; fail "apt could not install: $*"; }
}

has_mariadb() { PATH=$PATH:/usr/sbin:/usr/local/sbin command -v mariadbd > /dev/null; }
has_activemq() { [ -e /usr/share/java/activemq-stomp.jar ] && [ -e /usr/share/java/xstream.jar ] && [ -e /usr/share/java/jettison.jar ]; }
has_java() { command -v java > /dev/null; }

system_packages() {
    local missing=()
    has_activemq || missing+=("${PACKAGES[@]:0:3}")
    has_mariadb || missing+=("${PACKAGES[3]}")
    has_java || missing+=(default-jre-headless)
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get > /dev/null || fail "ActiveMQ, MariaDB and Java are needed, and this system has no apt-get"
    is_root || fail "these packages are missing; install them with one command and run make again:
    sudo apt-get install -y --no-install-recommends ${missing[*]}"
    apt_install "${missing[@]}"
}

# A python3.13 may be a shim that only says which versions it has: it must run.
runs_313() { "$1" -c 'import sys, venv; sys.exit(sys.version_info[:2] != (3, 13))' > /dev/null 2>&1; }

find_python() {
    local candidate
    for candidate in "$(command -v python3.13 || true)" "$HOME"/.pyenv/versions/3.13*/bin/python /usr/bin/python3.13; do
        if [ -x "$candidate" ] && runs_313 "$candidate"; then printf '%s' "$candidate"; return; fi
    done
    if is_root && command -v apt-cache > /dev/null && apt-cache show python3.13-venv > /dev/null 2>&1; then
        apt_install python3.13 python3.13-venv python3.13-dev >&2
        printf /usr/bin/python3.13
        return
    fi
    # uv brings a Python of its own where it can reach one.
    "$UV" python install -q 3.13 > .local/python.log 2>&1 && "$UV" python find 3.13 \
        || fail "Python 3.13 was not found and could not be installed; install it (python3.13 and python3.13-venv) and run make again"
}

find_uv() {
    UV=$(command -v uv || true)
    [ -n "$UV" ] || UV=$TOOLS/uv/bin/uv
    if [ ! -x "$UV" ]; then
        say "installing uv"
        command -v python3 > /dev/null || fail "python3 was not found; install it and run make again"
        if python3 -m venv "$TOOLS/uv" > .local/uv.log 2>&1; then
            "$TOOLS/uv/bin/python" -m pip install -q uv >> .local/uv.log 2>&1 || fail "uv could not be installed: $(tail -n 3 .local/uv.log)"
        else
            rm -rf "$TOOLS/uv"
            if is_root && command -v apt-get > /dev/null; then
                apt_install python3-venv
                python3 -m venv "$TOOLS/uv" && "$TOOLS/uv/bin/python" -m pip install -q uv
            else
                python3 -m pip install -q --target "$TOOLS/uv" uv > .local/uv.log 2>&1 \
                    || fail "uv could not be installed; install it (pip install uv) or python3-venv and run make again"
            fi
        fi
    fi
}

environment() {
    local lock=requirements/development.txt
    if [ -x .venv/bin/python ] && done_with venv "$lock" .python-version; then return; fi
    find_uv
    if ! { [ -x .venv/bin/python ] && runs_313 .venv/bin/python; }; then
        local python
        python=$(find_python)
        say "making .venv with $("$python" --version)"
        rm -rf .venv
        "$UV" venv -q --python "$python" .venv
    fi
    say "installing $lock"
    "$UV" pip sync -q --require-hashes --compile-bytecode --python .venv/bin/python "$lock"
    stamp venv "$lock" .python-version
}

object_store() {
    local lock=requirements/object-store.txt
    if [ -x "$OBJECT_STORE/bin/python" ] && done_with object-store "$lock" .python-version; then return; fi
    find_uv
    say "installing the object store"
    rm -rf "$OBJECT_STORE"
    "$UV" venv -q --python .venv/bin/python "$OBJECT_STORE"
    "$UV" pip sync -q --require-hashes --compile-bytecode --python "$OBJECT_STORE/bin/python" "$lock"
    stamp object-store "$lock" .python-version
}

# The official Lambda runtime interface emulator comes inside the wheel of aws-sam-cli.
lambda_emulator() {
    local lock=requirements/lambda-emulator.txt
    if [ -x "$TOOLS/aws-lambda-rie" ] && done_with lambda-emulator "$lock"; then return; fi
    find_uv
    say "installing the Lambda emulator"
    local architecture folder=$TOOLS/aws-sam-cli
    case "$(uname -m)" in
        x86_64) architecture=x86_64 ;;
        aarch64 | arm64) architecture=arm64 ;;
        *) fail "there is no Lambda emulator for $(uname -m); supported are x86_64 and arm64" ;;
    esac
    rm -rf "$folder"
    "$UV" pip install -q --require-hashes --no-deps --python .venv/bin/python --target "$folder" -r "$lock"
    install -m 755 "$folder/samcli/local/rapid/aws-lambda-rie-$architecture" "$TOOLS/aws-lambda-rie"
    rm -rf "$folder"
    stamp lambda-emulator "$lock"
}

# Inner loops in C. Without them reports are made by the same loops in Python.
native_modules() {
    local sources=(lambdas/*/_*.c) source module
    for source in "${sources[@]}"; do [ -e "${source%.c}.abi3.so" ] || rm -f "$STAMPS/native"; done
    if done_with native "${sources[@]}" constructs_lib/c_module.py requirements/development.txt; then return; fi
    say "compiling inner loops in C"
    for source in "${sources[@]}"; do
        module=${source%.c}.abi3.so
        if ! .venv/bin/python constructs_lib/c_module.py "$source" "$module" 2> .local/native.log; then
            rm -f "$module"
            say "reports are made without $source, more slowly: $(head -n 1 .local/native.log)"
            return
        fi
    done
    stamp native "${sources[@]}" constructs_lib/c_module.py requirements/development.txt
}

# What the engine is measured beside.
benchmarks() {
    local lock=requirements/benchmarks.txt folder=.local/venvs/benchmarks
    if [ -x "$folder/bin/python" ] && done_with benchmarks "$lock" .python-version; then return; fi
    find_uv
    say "installing $lock"
    rm -rf "$folder"
    "$UV" venv -q --python .venv/bin/python "$folder"
    "$UV" pip sync -q --require-hashes --compile-bytecode --python "$folder/bin/python" "$lock"
    stamp benchmarks "$lock" .python-version
}

# What asks about known vulnerabilities. It needs nothing of the rest.
audit() {
    local lock=requirements/audit.txt folder=.local/venvs/audit python
    if [ -x "$folder/bin/python" ] && done_with audit "$lock" .python-version; then return; fi
    find_uv
    python=$(find_python)
    say "installing $lock"
    rm -rf "$folder"
    "$UV" venv -q --python "$python" "$folder"
    "$UV" pip sync -q --require-hashes --python "$folder/bin/python" "$lock"
    stamp audit "$lock" .python-version
}

case "${1:-}" in
    benchmarks | audit) "$1"; exit ;;
esac
system_packages
environment
native_modules
object_store
lambda_emulator

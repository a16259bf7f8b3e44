"""``python -m local``: the local platform's commands."""

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

from local import cloud, processes
from local.credentials import Credentials
from local.demo import DemoFailed, make_first_reports
from local.gateway.tokens import issue_token
from local.home import Home, HomeInUse, HomeLock, lock_owner, read_json
from local.parts.broker import JarsMissing
from local.parts.database import ServerMissing
from local.parts.storage import StoreMissing
from local.platform import Choices, Platform, SetupFailed, serve_edge
from local.ports import DEFAULT_BASE, PortTaken, choose_ports
from local.signals import until_stopped
from local.status import status_rows, table
from local.supervisor import PartFailed
from local.synthesis import SynthesisFailed
from local.templates import Unresolved

SCOPES = ("reports/read", "reports/write")
_UP_SECONDS = 240
_STOP_SECONDS = 60
_KNOWN = (
    HomeInUse,
    PortTaken,
    PartFailed,
    SetupFailed,
    DemoFailed,
    JarsMissing,
    ServerMissing,
    StoreMissing,
    SynthesisFailed,
    Unresolved,
)


def main() -> int:
    """Run one command; an error that a person can act on is one line, not a traceback."""
    arguments = _parser().parse_args()
    home = Home.from_argument(arguments.home, os.environ)
    try:
        code: int = _COMMANDS[arguments.command](home, arguments)
    except* (*_KNOWN, ValueError) as group:
        for error in _leaves(group):
            print(f"local: {error}", file=sys.stderr)
        code = 1
    return code


def _up(home: Home, arguments: argparse.Namespace) -> int:
    if arguments.detach:
        return _detach(home)
    ports = choose_ports(_port_base(arguments))
    overrides = dict(pair.split("=", 1) for pair in arguments.set)
    choices = Choices(
        sample=not arguments.no_sample, relay_interval=arguments.relay_interval, overrides=overrides
    )
    started = time.monotonic()

    def when_ready() -> None:
        print(f"Ready after {time.monotonic() - started:.1f} s.", flush=True)
        if not (arguments.no_demo or arguments.no_sample):
            _demo(home)

    print(f"Starting Prensa in {home.path}", flush=True)
    platform = Platform(home, ports, choices, say=lambda line: print(line, flush=True))
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(until_stopped(platform.run(when_ready)))
    return 0


def _demo(home: Home) -> None:
    endpoints = read_json(home.endpoints) or {}
    api = str(endpoints["api"])
    token = issue_token(
        Credentials.of(home).token_private_key, tenant="demo", scopes=SCOPES, ttl_seconds=86_400
    )
    print("\nFirst reports:", flush=True)
    make_first_reports(api, token, say=lambda line: print(line, flush=True))
    option = "" if home == Home.from_argument(None, {}) else f" --home {home.path}"
    print(
        f"""
Ask for one yourself:
  TOKEN=$(.venv/bin/python -m local{option} token --tenant demo --scope reports/write --scope reports/read)
  curl -s {api}/generate -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\
    -d '{{"report_type": "customer_list", "format": "xlsx"}}'
  curl -s {api}/status/ID -H "Authorization: Bearer $TOKEN"
API documentation: {api}/docs
Ctrl-C stops everything.""",
        flush=True,
    )


def _detach(home: Home) -> int:
    """Start a supervisor in the background and wait until it is ready."""
    home.create()
    # A platform that runs here keeps its addresses and its log.
    HomeLock(home).release()
    home.endpoints.unlink(missing_ok=True)
    command = [sys.executable, "-m", "local", *(word for word in sys.argv[1:] if word != "--detach")]
    with home.log("supervisor").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
        )
    deadline = time.monotonic() + _UP_SECONDS
    while not home.endpoints.exists():
        try:
            process.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            if time.monotonic() < deadline:
                continue
        print(home.log("supervisor").read_text(errors="replace"), file=sys.stderr)
        return 1
    print(home.endpoints)
    return 0


def _down(home: Home, _: argparse.Namespace) -> int:
    owner = lock_owner(home)
    if owner is not None:
        processes.send(owner, signal.SIGTERM)
        if not processes.wait_until_gone(owner, timeout_seconds=_STOP_SECONDS):
            processes.kill_all([owner])
    left = processes.clean_up(home.pids)
    home.endpoints.unlink(missing_ok=True)
    if left:
        print(f"Ended what was left: {', '.join(left)}.")
    print("Stopped." if owner or left else "Nothing was running.")
    return 0


def _status(home: Home, arguments: argparse.Namespace) -> int:
    rows = status_rows(home)
    print(table(rows, as_json=arguments.json))
    return 0 if rows else 1


def _logs(home: Home, arguments: argparse.Namespace) -> int:
    names = [arguments.part] if arguments.part else sorted(file.stem for file in home.logs.glob("*.log"))
    for name in names:
        if not home.log(name).exists():
            known = ", ".join(sorted(file.stem for file in home.logs.glob("*.log"))) or "none"
            raise ValueError(f"there is no log of {name!r}; there are: {known}")
        print(f"==> {name} <==", flush=True)
        with home.log(name).open(errors="replace") as file:
            shutil.copyfileobj(file, sys.stdout)
    return 0


def _token(home: Home, arguments: argparse.Namespace) -> int:
    key = Credentials.of(home).token_private_key
    scopes = arguments.scope or list(SCOPES)
    print(issue_token(key, tenant=arguments.tenant, scopes=scopes, ttl_seconds=arguments.ttl))
    return 0


def _reset(home: Home, arguments: argparse.Namespace) -> int:
    _down(home, arguments)
    home.reset()
    print(f"Deleted the data in {home.path}.")
    return 0


def _serve(home: Home, arguments: argparse.Namespace) -> int:
    ports = choose_ports(_port_base(arguments))
    {"cloud": cloud.run, "edge": serve_edge}[arguments.part](home, ports)
    return 0


_COMMANDS = {
    "up": _up,
    "down": _down,
    "status": _status,
    "logs": _logs,
    "token": _token,
    "reset": _reset,
    "serve": _serve,
}


def _port_base(arguments: argparse.Namespace) -> int:
    text = arguments.port_base or os.environ.get("PRENSA_PORT_BASE") or str(DEFAULT_BASE)
    if not text.isdigit():
        raise ValueError(f"the port base must be a number, got {text!r}")
    return int(text)


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="The local platform of Prensa.")
    parser.add_argument("--home", help="folder of data, logs and secrets (PRENSA_HOME, default .local)")
    parser.add_argument(
        "--port-base", help="first of 100 ports (PRENSA_PORT_BASE, default 17100; 0: free ones)"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start everything, make two reports, stay until Ctrl-C")
    up.add_argument("--detach", action="store_true", help="return as soon as everything is ready")
    up.add_argument("--no-sample", action="store_true", help="without the sample data")
    up.add_argument("--no-demo", action="store_true", help="without the first reports")
    up.add_argument("--relay-interval", type=float, metavar="SECONDS")
    up.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the functions"
    )
    commands.add_parser("down", help="stop everything")
    status = commands.add_parser("status", help="show the parts")
    status.add_argument("--json", action="store_true")
    logs = commands.add_parser("logs", help="print the logs, or that of one part or function")
    logs.add_argument("part", nargs="?")
    token = commands.add_parser("token", help="print an access token")
    token.add_argument("--tenant", required=True)
    token.add_argument("--scope", action="append", help=f"default: {' '.join(SCOPES)}")
    token.add_argument("--ttl", type=int, default=3600, metavar="SECONDS")
    commands.add_parser("reset", help="stop everything and delete the data")
    serve = commands.add_parser("serve", help="run one of our own parts (started by up)")
    serve.add_argument("part", choices=("cloud", "edge"))
    return parser


if __name__ == "__main__":
    sys.exit(main())

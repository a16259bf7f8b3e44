"""Deploys the app of environment dev to an emulator of AWS, uses it, changes it and destroys it.

``python -m tests.smoke.run``, by `make deploy-smoke`. A smoke test of packaging, handlers' imports,
environment variables, custom resources, routes, tokens, update and destroy, without Docker or an account.

It is **no evidence that AWS accepts the app**. ministack takes templates that AWS refuses; it enforces no
IAM policy, network, memory limit, firewall or signed link; it never polls a broker. What it lacks is replaced
by :mod:`tests.smoke.app`: Amazon MQ, RDS (by a MariaDB), CloudFront's keys, rules of security groups, alarms
on expressions, and those custom resources of the CDK's own that need more of Node's SDK. Six environment
variables hold addresses and paths of this machine: one of them that is missing in the template goes unseen.
"""

import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic
from types import FrameType

import pytest

from tests.smoke import checks
from tests.smoke.cdk import Cdk, CdkFailed
from tests.smoke.client import Client
from tests.smoke.database import Database, database
from tests.smoke.emulator import Emulator, EmulatorFailed, emulator
from tests.smoke.settings import SmokeSettings

_CAVEAT = (
    "A smoke test of packaging, imports, settings, custom resources, routes, tokens, update and destroy.\n"
    "An emulator stood in for AWS: this is no evidence that AWS accepts the app."
)
_LOOPBACK = {"127.0.0.1", "::1"}


def main() -> int:
    """Run all steps. Returns the exit status; logs are kept only after a failure."""
    # A shell starts what runs behind it with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    started = monotonic()
    folder = Path(tempfile.mkdtemp(prefix="prensa-smoke-"))
    try:
        _run(folder)
    except (AssertionError, CdkFailed, EmulatorFailed, pytest.fail.Exception) as error:
        print(f"FAILED: {error}\nLogs are in {folder}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        print(f"Stopped; everything was ended. Logs are in {folder}", file=sys.stderr)  # noqa: T201
        return 130
    except Exception:
        print(f"FAILED. Logs are in {folder}", file=sys.stderr)  # noqa: T201
        raise
    shutil.rmtree(folder)
    _say(f"All steps: {monotonic() - started:.1f} s")
    _say(_CAVEAT)
    return 0


def _run(folder: Path) -> None:
    with ExitStack() as ends:
        with _step("start a database and the emulator"):
            server = ends.enter_context(database())
            running = ends.enter_context(emulator(folder))
        _steps(folder, running, server)
        processes = running.processes()
        with _step("end everything that was started"):
            ends.close()
    left = [process for process in processes if process.is_running()]
    assert not left, f"processes are left: {left}"


def _steps(folder: Path, running: Emulator, server: Database) -> None:
    cdk = Cdk(emulator=running, folder=folder)
    client = Client(emulator=running, outputs={})
    settings = SmokeSettings(
        outdir=str(folder / "first"),
        database_port=server.port,
        admin_secret_arn=_administrator(client, server),
        authorities=str(server.authorities),
        max_attempts=3,
    )

    def logs() -> list[str]:
        return [cdk.log(), running.log.read_text("utf-8", errors="replace")]

    with _step("bundle and synthesize"):
        cdk.synthesize(settings)
    with _step("cdk bootstrap"):
        cdk.bootstrap()
    with _step("cdk deploy: six stacks, signing key, migration"):
        client = replace(client, outputs=cdk.deploy(settings.outdir))
    with _step("cdk diff finds nothing"):
        differences = cdk.differences(settings.outdir)
        assert differences == 0, f"{differences} stacks differ from what was just deployed"
    with _step("open routes answer"):
        checks.routes_answer(client)
    with _step("tokens and scopes are asked for"):
        token = checks.tokens_are_asked_for(client)
    with _step("a report is accepted, made and linked"):
        checks.report_is_made(client, token, max_attempts=settings.max_attempts)
    with _step("relay and dead letters run"):
        checks.other_functions_run(client)
    with _step("the signing key is in its secret only"):
        key = checks.key_is_secret(client, logs=logs())
    changed = replace(settings, outdir=str(folder / "second"), max_attempts=5)
    with _step("cdk deploy: a changed setting arrives"):
        cdk.synthesize(changed)
        assert cdk.differences(changed.outdir) > 0, "cdk diff does not see a changed setting"
        client = replace(client, outputs=cdk.deploy(changed.outdir))
        checks.report_is_made(client, token, max_attempts=changed.max_attempts)
        assert checks.key_is_secret(client, logs=logs()) == key, "the update changed the signing key"
    with _step("only the loopback interface is listened on"):
        assert running.listeners() <= _LOOPBACK, running.listeners()
    with _step("cdk destroy"):
        checks.empty_buckets(client)
        cdk.destroy(changed.outdir)
        checks.nothing_is_left(client)


def _administrator(client: Client, server: Database) -> str:
    made = client.aws("secretsmanager").create_secret(
        Name="rds-administrator", SecretString=server.administrator
    )
    return str(made["ARN"])


@contextmanager
def _step(what: str) -> Iterator[None]:
    started = monotonic()
    yield
    _say(f"{monotonic() - started:6.1f} s  {what}")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    # As Ctrl-C does: everything that was started is ended on the way out.
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

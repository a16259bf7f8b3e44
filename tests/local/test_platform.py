"""The platform as a whole: what dies comes back, and nothing is left behind."""

import contextlib
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from local import ports as module
from local import processes
from local.credentials import Credentials
from local.home import Home, lock_owner
from local.parts.broker import APP_USER
from local.paths import REPOSITORY
from local.ports import BLOCK, PortTaken, choose_ports
from local.status import status_rows
from local.testing import PlatformHandle, start_platform
from reporting.broker import OutgoingMessage, StompBroker, parse_endpoints
from tests.e2e.client import Client

DEADLINE_SECONDS = 60
TABLE = {"title": "t", "columns": [{"key": "a"}], "rows": [["1"]]}


def wait_until(condition: Callable[[], bool], *, what: str) -> None:
    give_up_at = time.monotonic() + DEADLINE_SECONDS
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < give_up_at, f"not within {DEADLINE_SECONDS} s: {what}"
        pause.wait(0.05)


@pytest.fixture
def client(local_platform: PlatformHandle) -> Client:
    token = local_platform.token("platform", ["reports/read", "reports/write"])
    return Client(local_platform.endpoints["api"], token)


def restarts(platform: PlatformHandle, part: str) -> int:
    return next(int(row["restarts"]) for row in status_rows(platform.home) if row["part"] == part)


@pytest.mark.parametrize("part", ["broker", "cache", "database", "storage", "edge", "cloud"])
def test_a_part_that_dies_is_started_again_and_the_service_goes_on(
    part: str, local_platform: PlatformHandle, client: Client
) -> None:
    before = restarts(local_platform, part)
    local_platform.kill(part)
    wait_until(
        lambda: any(
            row["part"] == part and row["restarts"] > before and row["state"] == "running"
            for row in status_rows(local_platform.home)
        ),
        what=f"{part} runs again",
    )
    assert client.make({"table": TABLE, "format": "csv"})[0]["status"] == "succeeded"


def test_a_report_whose_worker_is_killed_is_made_by_another(
    local_platform: PlatformHandle, client: Client
) -> None:
    # Case C07.
    # Pages take a worker long enough to be met at work also by a client that was held up.
    report = client.generate({"report_type": "order_ledger", "format": "pdf"})
    assert client.wait(report["id"], until="running")["status"] == "running"
    local_platform.kill("worker")
    done = client.wait(report["id"])
    assert (done["status"], done["attempt"]) == ("succeeded", 2)
    assert done["result"]["row_count"] == 200_000


def test_a_message_that_is_not_ours_is_kept_and_the_queue_goes_on(
    local_platform: PlatformHandle, client: Client
) -> None:
    foreign = f"not one of ours {uuid.uuid4()}"
    credentials = Credentials.of(local_platform.home)
    broker = StompBroker(
        endpoints=parse_endpoints(local_platform.endpoints["broker"]),
        username=APP_USER,
        password=credentials.broker_app_password,
        ca_file=str(local_platform.home.tls / "ca.pem"),
        # A busy machine holds a message up for longer than the usual times.
        connect_timeout=60.0,
        receipt_timeout=60.0,
    )
    broker.publish(OutgoingMessage(queue="reports-interactive-0", body=foreign, correlation_id="foreign"))
    broker.close()
    kept = f"SELECT queue, report_id FROM prensa.dead_letters WHERE body = '{foreign}'"
    wait_until(lambda: local_platform.query(kept) != (), what="the message is kept")
    assert local_platform.query(kept) == (("reports-interactive-0", None),)
    assert client.make({"table": TABLE, "format": "csv"})[0]["status"] == "succeeded"


def test_everything_listens_on_the_loopback_interface_only(local_platform: PlatformHandle) -> None:
    listening = set()
    for process in processes.recorded(local_platform.home.pids).values():
        for member in [process, *process.children(recursive=True)]:
            # An environment may just be coming to its end.
            with contextlib.suppress(psutil.NoSuchProcess):
                listening |= {
                    connection.laddr.ip
                    for connection in member.net_connections("inet")
                    if connection.status == psutil.CONN_LISTEN
                }
    assert listening == {"127.0.0.1"}


def run(home: Home, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "local", "--home", str(home.path), *words]
    return subprocess.run(
        command, cwd=REPOSITORY, check=False, capture_output=True, text=True, timeout=DEADLINE_SECONDS
    )


def test_a_second_start_in_one_home_says_who_is_there(local_platform: PlatformHandle) -> None:
    second = run(local_platform.home, "--port-base", "0", "up", "--no-demo")
    assert second.returncode == 1
    assert f"process {lock_owner(local_platform.home)}" in second.stderr


def test_a_second_start_in_the_background_leaves_the_addresses_of_the_first(
    local_platform: PlatformHandle,
) -> None:
    second = run(local_platform.home, "--port-base", "0", "up", "--detach", "--no-demo")
    assert second.returncode == 1
    assert "already runs" in second.stderr
    assert local_platform.home.endpoints.exists()


def test_a_taken_port_is_named_with_its_part_and_the_way_out(tmp_path: Path) -> None:
    ports = choose_ports(0)
    with socket.create_server(("127.0.0.1", ports.broker)):
        refused = run(Home(tmp_path), "--port-base", str(ports.base), "up", "--no-demo")
    assert refused.returncode == 1
    assert f"{ports.broker} (broker)" in refused.stderr
    assert "PRENSA_PORT_BASE" in refused.stderr


def test_a_block_of_ports_is_given_to_one_platform_only(monkeypatch: pytest.MonkeyPatch) -> None:
    first = choose_ports(0)
    monkeypatch.setattr(module, "_FREE_BASES", range(first.base, first.base + BLOCK, BLOCK))
    with pytest.raises(PortTaken):
        choose_ports(0)


def test_what_a_killed_supervisor_leaves_is_cleaned_by_the_next_start(tmp_path: Path) -> None:
    first = start_platform(tmp_path, sample=False, relay_interval=60)
    left = [
        member
        for process in processes.recorded(first.home.pids).values()
        for member in [process, *process.children(recursive=True)]
    ]
    owner = lock_owner(first.home)
    assert owner is not None
    psutil.Process(owner).kill()
    second = start_platform(tmp_path, sample=False, relay_interval=60)
    second.stop()
    wait_until(lambda: not any(process.is_running() for process in left), what="all of the first run ended")
    assert processes.recorded(first.home.pids) == {}

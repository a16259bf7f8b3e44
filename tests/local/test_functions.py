"""The pools of the Lambda emulator, with small handlers of their own."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from local import functions as module
from local.credentials import Credentials
from local.deployment import Function
from local.functions import Functions
from local.home import Home
from local.ports import choose_ports
from tests.local.deployments import small_deployment

HANDLER = """
import os, time
from pathlib import Path

def handler(event, context):
    if "sleep" in event:
        time.sleep(event["sleep"])
    while "until" in event and not Path(event["until"]).exists():
        time.sleep(0.01)
    if "fail" in event:
        raise ValueError(event["fail"])
    if "exit" in event:
        os._exit(event["exit"])
    return {"pid": os.getpid(), "home": os.environ.get("PRENSA_SECRET_OF_THE_PARENT")}
"""
CREDENTIALS = Credentials.generate()


def run(
    work: Callable[[Functions], Awaitable[None]], folder: Path, *, timeout: int = 100, ports: int = 20
) -> None:
    async def main() -> None:
        async with started(folder, timeout=timeout, ports=ports) as functions:
            await work(functions)

    asyncio.run(main())


@asynccontextmanager
async def started(folder: Path, *, timeout: int, ports: int) -> AsyncIterator[Functions]:
    home = Home(folder / "home")
    home.create()
    function = Function(
        name="trial",
        handler="trial_handler.handler",
        timeout_seconds=timeout,
        memory_mb=128,
        concurrency=2,
        environment={"PYTHONPATH": str(folder)},
    )
    block = choose_ports(0).emulators[:ports]
    functions = Functions(small_deployment(function), home=home, credentials=CREDENTIALS, ports=block)
    try:
        yield functions
    finally:
        await functions.close()
        assert not list(home.pids.glob("*.json"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "trial_handler.py").write_text(HANDLER)
    return tmp_path


async def call(functions: Functions, **event: object) -> tuple[dict[str, object], bool]:
    answer = await functions.invoke("trial", json.dumps(event).encode())
    return json.loads(answer.payload), answer.failed


def test_a_warm_environment_is_used_again(folder: Path) -> None:
    async def work(functions: Functions) -> None:
        first, _ = await call(functions)
        second, _ = await call(functions)
        assert first["pid"] == second["pid"]

    run(work, folder)


def test_calls_at_the_same_time_get_environments_of_their_own(folder: Path) -> None:
    async def work(functions: Functions) -> None:
        answers = await asyncio.gather(*(call(functions, sleep=0.3) for _ in range(4)))
        assert len({answer["pid"] for answer, _ in answers}) == 2

    run(work, folder)


def test_an_environment_whose_caller_gave_up_is_not_used_before_it_has_answered(folder: Path) -> None:
    over = folder / "over"

    async def work(functions: Functions) -> None:
        first, _ = await call(functions)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await call(functions, until=str(over))
        during, failed = await call(functions)
        over.touch()
        assert not failed
        assert during["pid"] != first["pid"]

    run(work, folder)


def test_an_exception_is_a_failed_answer_with_its_type_and_text(folder: Path) -> None:
    async def work(functions: Functions) -> None:
        answer, failed = await call(functions, fail="no such month")
        assert failed
        assert (answer["errorType"], answer["errorMessage"]) == ("ValueError", "no such month")

    run(work, folder)


def test_after_a_crash_and_after_a_time_out_the_function_answers_again(folder: Path) -> None:
    async def work(functions: Functions) -> None:
        assert (await call(functions, exit=3))[1]
        assert not (await call(functions))[1]
        timed_out, failed = await call(functions, sleep=90)
        assert failed
        assert timed_out["errorType"] == "Sandbox.Timedout"
        assert not (await call(functions))[1]

    # As long as a runtime may take to start on a busy machine, which counts.
    run(work, folder, timeout=8)


def test_an_environment_that_can_not_start_is_a_failed_answer(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LAMBDA_EMULATOR", Path("/bin/false"))

    async def work(functions: Functions) -> None:
        answer, failed = await call(functions)
        assert failed
        assert answer["errorType"] == "Runtime.StartFailed"

    run(work, folder)


def test_without_a_free_port_a_call_fails_and_the_next_one_is_not_harmed(folder: Path) -> None:
    async def work(functions: Functions) -> None:
        answers = await asyncio.gather(*(call(functions, sleep=0.3) for _ in range(2)))
        assert sorted(failed for _, failed in answers) == [False, True]
        assert not (await call(functions))[1]

    run(work, folder, ports=2)


def test_nothing_of_the_parents_environment_reaches_a_function(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRENSA_SECRET_OF_THE_PARENT", "x")

    async def work(functions: Functions) -> None:
        assert (await call(functions))[0]["home"] is None

    run(work, folder)

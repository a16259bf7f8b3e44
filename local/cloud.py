"""One process for what AWS runs itself: Lambda, API Gateway, event source mappings and the schedule.

They share a process so that a request takes one hop less; each function still runs in processes of its own.
"""

import asyncio
import contextlib
import logging
import ssl

from aiohttp import web

from local.certificates import Certificates
from local.credentials import Credentials
from local.deployment import Deployment, Schedule, machine_environment
from local.functions import Functions, UnknownFunction
from local.gateway.server import Gateway
from local.gateway.tokens import Authorizer
from local.home import Home, read_json
from local.parts.broker import MAPPING_USER
from local.ports import LOOPBACK, Ports
from local.queues.poller import BrokerAddress, Poller

_log = logging.getLogger(__name__)
#: Clients keep connections open; a stop does not wait for them.
_SHUTDOWN_SECONDS = 1.0
_INVOKE_PATH = "/2015-03-31/functions/{name}/invocations"


async def serve(home: Home, ports: Ports) -> None:
    """Run until the task is cancelled."""
    stored = read_json(home.deployment)
    if stored is None:
        raise FileNotFoundError(f"There is no deployment in {home.path}; start it with `python -m local up`.")
    deployment = Deployment.from_json(stored)
    credentials = Credentials.of(home)
    certificates = Certificates.of(home, keystore_password=credentials.keystore_password)
    functions = Functions(
        deployment,
        home=home,
        credentials=credentials,
        ports=ports.emulators,
        machine=machine_environment(ports, certificates),
    )
    gateway = Gateway(deployment, functions=functions, authorizer=Authorizer(credentials.token_private_key))
    broker = BrokerAddress(
        host=LOOPBACK,
        port=ports.broker,
        username=MAPPING_USER,
        password=credentials.broker_mapping_password,
        context=ssl.create_default_context(cafile=certificates.ca),
    )
    runners = [
        web.ServerRunner(gateway.server(), shutdown_timeout=_SHUTDOWN_SECONDS),
        web.AppRunner(_invoke_api(functions), shutdown_timeout=_SHUTDOWN_SECONDS),
    ]
    try:
        for runner, port in zip(runners, (ports.api, ports.functions), strict=True):
            await runner.setup()
            await web.TCPSite(runner, LOOPBACK, port).start()
        async with asyncio.TaskGroup() as group:
            for mapping in deployment.mappings:
                group.create_task(Poller(mapping, broker=broker, functions=functions).run())
            for schedule in deployment.schedules:
                group.create_task(_keep_calling(schedule, functions))
    finally:
        for runner in runners:
            await runner.cleanup()
        await functions.close()


def _invoke_api(functions: Functions) -> web.Application:
    """Lambda's own Invoke API, as far as a synchronous call needs it."""

    async def invoke(request: web.Request) -> web.Response:
        try:
            answer = await functions.invoke(request.match_info["name"], await request.read() or b"{}")
        except UnknownFunction as error:
            return web.json_response({"Message": str(error)}, status=404)
        headers = {"X-Amz-Function-Error": "Unhandled"} if answer.failed else {}
        return web.Response(body=answer.payload, content_type="application/json", headers=headers)

    application = web.Application(client_max_size=16 * 1024 * 1024)
    application.router.add_post(_INVOKE_PATH, invoke)
    return application


async def _keep_calling(schedule: Schedule, functions: Functions) -> None:
    """Call a function at a fixed rate. A call that takes longer than the rate meets the next one."""
    calls: set[asyncio.Task[None]] = set()

    async def call() -> None:
        answer = await functions.invoke(schedule.function, b'{"source": "aws.scheduler"}')
        if answer.failed:
            _log.error("%s failed: %.500s", schedule.function, answer.payload)

    while True:
        await asyncio.sleep(schedule.every_seconds)
        if len(calls) < 2:
            task = asyncio.create_task(call())
            calls.add(task)
            task.add_done_callback(calls.discard)


def run(home: Home, ports: Ports) -> None:
    """The process's main function."""
    import uvloop  # noqa: PLC0415 - only this process needs it

    from local.signals import until_stopped  # noqa: PLC0415

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    with contextlib.suppress(asyncio.CancelledError):
        uvloop.run(until_stopped(serve(home, ports)))

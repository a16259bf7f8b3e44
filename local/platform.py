"""The whole platform: which parts there are, and the order in which they start."""

import asyncio
import contextlib
import json
import logging
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local import processes, sample
from local.certificates import Certificates
from local.credentials import Credentials, public_key_pem
from local.deployment import Deployment, read_deployment
from local.home import Home, HomeLock, read_json, write_json
from local.parts import broker, cache, database, storage
from local.parts.part import Part
from local.paths import REPOSITORY
from local.ports import LOOPBACK, Ports
from local.resources import BUCKET, LocalResources
from local.supervisor import Supervisor
from local.synthesis import is_cached, synthesized
from local.templates import Templates

type Say = Callable[[str], None]


class SetupFailed(RuntimeError):
    """A step after the start of the parts did not work."""


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What a start can be told. ``overrides`` are settings of the functions, by variable name; without
    ``relay_interval`` (seconds) the relay runs as it is scheduled."""

    sample: bool = True
    relay_interval: float | None = None
    overrides: Mapping[str, str] = field(default_factory=dict)


class Platform:
    """One platform in one home."""

    def __init__(self, home: Home, ports: Ports, choices: Choices, *, say: Say) -> None:
        self._home = home
        self._ports = ports
        self._choices = choices
        self._say = say
        self._supervisor = Supervisor(home, report=say)

    async def run(self, when_ready: Callable[[], None]) -> None:
        """Start everything, call ``when_ready`` in a thread, and stay until the task is cancelled."""
        self._home.create()
        lock = HomeLock(self._home)
        try:
            await self._start()
            await asyncio.to_thread(when_ready)
            await asyncio.Event().wait()
        finally:
            self._home.endpoints.unlink(missing_ok=True)
            self._say("Stopping.")
            await asyncio.shield(self._supervisor.stop())
            processes.clean_up(self._home.pids)
            lock.release()

    async def _start(self) -> None:
        home, ports = self._home, self._ports
        for name in processes.clean_up(home.pids):
            self._say(f"  {name}: ended what an earlier run had left")
        ports.check()
        credentials = Credentials.of(home)
        certificates = Certificates.of(home, keystore_password=credentials.keystore_password)
        templates = Templates(await asyncio.to_thread(self._synthesize))
        resources = LocalResources(templates, ports, credentials)
        deployment = read_deployment(
            templates,
            resources,
            ports,
            certificates,
            relay_interval=self._choices.relay_interval,
            overrides=self._choices.overrides,
        )
        write_json(home.deployment, deployment.to_json())
        await self._supervisor.start_all(
            [
                broker.broker(
                    home, ports, credentials, certificates, configuration=deployment.broker_configuration
                ),
                database.database(home, ports, credentials, certificates),
                cache.cache(home, ports, credentials),
                storage.storage(
                    home,
                    ports,
                    credentials,
                    bucket=BUCKET,
                    lifecycle=deployment.files.lifecycle,
                    secrets=resources.secrets(),
                ),
                self._own("edge", "CloudFront, signed links", ports.edge),
            ]
        )
        # What AWS runs needs the secrets and the broker: it starts when they are there.
        await self._supervisor.start(self._own("cloud", "API Gateway, Lambda, mappings, schedule", ports.api))
        await asyncio.gather(self._call_triggers(deployment), self._load_sample(credentials, certificates))
        write_json(
            home.endpoints,
            {
                "api": f"http://{LOOPBACK}:{ports.api}",
                "edge": f"http://{LOOPBACK}:{ports.edge}",
                "functions": f"http://{LOOPBACK}:{ports.functions}",
                "storage": storage.endpoint(ports),
                "database": f"{LOOPBACK}:{ports.database}",
                "broker": f"stomp+ssl://{LOOPBACK}:{ports.broker}",
                "cache": f"{LOOPBACK}:{ports.cache}",
            },
        )

    def _own(self, name: str, what: str, port: int) -> Part:
        """A part that is our own code, ready when it accepts a request."""

        async def probe() -> None:
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            try:
                writer.write(b"OPTIONS / HTTP/1.1\r\nHost: local\r\nConnection: close\r\n\r\n")
                if not (await reader.readline()).startswith(b"HTTP/1.1"):
                    raise ConnectionError(f"{name} does not speak HTTP")
            finally:
                writer.close()

        return Part(
            name=name,
            what=what,
            address=f"http://{LOOPBACK}:{port}",
            command=[
                sys.executable,
                "-m",
                "local",
                "--home",
                str(self._home.path),
                "--port-base",
                str(self._ports.base),
                "serve",
                name,
            ],
            environment={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(REPOSITORY)},
            directory=REPOSITORY,
            probe=probe,
        )

    def _synthesize(self) -> Path:
        started = time.monotonic()
        cached = is_cached()
        folder = synthesized()
        if not cached:
            self._say(f"  {'templates':<10} synthesized from the CDK app{'':<45} {_since(started)}")
        return folder

    async def _call_triggers(self, deployment: Deployment) -> None:
        for function in deployment.triggers:
            await self._call(function)

    async def _call(self, function: str) -> None:
        started = time.monotonic()
        url = f"http://{LOOPBACK}:{self._ports.functions}/2015-03-31/functions/{function}/invocations"
        answer = await asyncio.to_thread(_post, url)
        if "revision" not in answer:
            raise SetupFailed(f"The {function} failed: {answer}")
        self._say(f"  {'schema':<10} revision {answer['revision']:<64} {_since(started)}")

    async def _load_sample(self, credentials: Credentials, certificates: Certificates) -> None:
        if not self._choices.sample:
            return
        started = time.monotonic()
        loaded = await asyncio.to_thread(
            sample.ensure,
            host=LOOPBACK,
            port=self._ports.database,
            user=database.LOADER_USER,
            password=credentials.loader_password,
            ca_file=str(certificates.ca),
            schema=database.SAMPLE_SCHEMA,
        )
        what = "a shop with 200,000 order items" if loaded else "there already"
        self._say(f"  {'sample':<10} {what:<73} {_since(started)}")


def _since(started: float) -> str:
    return f"{time.monotonic() - started:5.1f} s"


def serve_edge(home: Home, ports: Ports) -> None:
    """The main function of the edge's process."""
    from local.edge.server import Edge, serve  # noqa: PLC0415 - only that process needs it
    from local.edge.signatures import LinkVerifier  # noqa: PLC0415
    from local.signals import until_stopped  # noqa: PLC0415

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    credentials = Credentials.of(home)
    verifier = LinkVerifier({credentials.link_key_pair_id: public_key_pem(credentials.link_private_key)})
    stored = read_json(home.deployment)
    if stored is None:
        raise FileNotFoundError(f"There is no deployment in {home.path}; start it with `python -m local up`.")
    edge = Edge(
        verifier=verifier,
        s3=storage.s3_client(ports, credentials),
        bucket=BUCKET,
        port=ports.edge,
        files=Deployment.from_json(stored).files,
    )
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(until_stopped(serve(edge, port=ports.edge)))


def _post(url: str) -> dict[str, object]:
    request = urllib.request.Request(url, data=b"{}", method="POST")  # noqa: S310 - our own address
    try:
        with urllib.request.urlopen(request, timeout=310) as response:  # noqa: S310
            answer: dict[str, object] = json.load(response)
            return answer
    except urllib.error.HTTPError as error:
        raise SetupFailed(f"{url} answered {error.code}: {error.read().decode()[:500]}") from error

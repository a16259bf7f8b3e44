"""Deployments for tests: the real one, and small ones with its API."""

import dataclasses
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from local.certificates import Certificates
from local.credentials import Credentials
from local.deployment import Deployment, Function, Route, read_deployment
from local.home import Home
from local.ports import Ports
from local.resources import LocalResources
from local.synthesis import synthesized
from local.templates import Templates

PORTS = Ports(base=17100)


def read(
    assembly: Path,
    home: Home,
    *,
    relay_interval: float | None = None,
    overrides: Mapping[str, str] | None = None,
) -> Deployment:
    """What a platform in ``home`` takes from the templates of ``assembly``."""
    credentials = Credentials.of(home)
    certificates = Certificates.of(home, keystore_password=credentials.keystore_password)
    templates = Templates(assembly)
    return read_deployment(
        templates,
        LocalResources(templates, PORTS, credentials),
        PORTS,
        certificates,
        relay_interval=relay_interval,
        overrides=overrides or {},
    )


def small_deployment(*functions: Function, routes: tuple[Route, ...] = ()) -> Deployment:
    """The real API in front of other functions and routes; nothing else runs."""
    return dataclasses.replace(
        _real(), functions=functions, routes=routes, mappings=(), schedules=(), triggers=()
    )


@cache
def _real() -> Deployment:
    home = Home(Path(mkdtemp(prefix="prensa-deployment-")))
    try:
        return read(synthesized(), home)
    finally:
        home.reset()
        home.path.rmdir()

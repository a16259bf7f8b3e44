"""Each environment is synthesized once for all tests."""

import pytest

from stacks.environments import ENVIRONMENTS
from tests.stacks.assembly import NAMES, Assembly, read, synthesize


@pytest.fixture(scope="session")
def assemblies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Assembly]:
    return {
        name: read(ENVIRONMENTS[name], synthesize(ENVIRONMENTS[name], tmp_path_factory.mktemp(name)))
        for name in NAMES
    }


@pytest.fixture(params=NAMES)
def assembly(request: pytest.FixtureRequest, assemblies: dict[str, Assembly]) -> Assembly:
    return assemblies[request.param]


@pytest.fixture(scope="session")
def prod(assemblies: dict[str, Assembly]) -> Assembly:
    return assemblies["prod"]

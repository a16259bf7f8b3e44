"""What the local platform says is deployed fits what the functions ask for."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from api.routes import app
from local.certificates import Certificates
from local.credentials import Credentials
from local.deployment import Deployment, local_deployment
from local.home import Home
from local.ports import Ports
from reporting.settings import Settings

MODELS = {
    "api": "ApiSettings",
    "worker": "WorkerSettings",
    "relay": "RelaySettings",
    "dead_letters": "DeadLetterSettings",
    "migrator": "MigratorSettings",
}


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    home = Home(tmp_path_factory.mktemp("home"))
    home.create()
    credentials = Credentials.of(home)
    certificates = Certificates.of(home, keystore_password=credentials.keystore_password)
    ports = Ports(base=17100)
    return local_deployment(ports, credentials, certificates, relay_interval=60, overrides={})


def test_every_function_of_the_tree_is_deployed_with_the_settings_that_it_reads(
    deployment: Deployment,
) -> None:
    lambdas = Path(__file__).parents[2] / "lambdas"
    with_handler = {file.parent.name for file in lambdas.glob("*/handler.py")}
    assert {function.name for function in deployment.functions} == with_handler == set(MODELS)
    for function in deployment.functions:
        model = getattr(import_module(f"{function.name}.settings"), MODELS[function.name])
        assert issubclass(model, Settings)
        model.from_environment(function.environment)
        known = {name.upper() for name in model.model_fields}
        own = {key for key in function.environment if not key.startswith(("POWERTOOLS_", "AWS_"))}
        assert own <= known, f"{function.name} gets {own - known}, which it does not read"


def test_no_secret_stands_in_an_environment(deployment: Deployment, tmp_path: Path) -> None:
    for function in deployment.functions:
        for key, value in function.environment.items():
            assert "PRIVATE KEY" not in value
            assert not re.search("PASSWORD|TOKEN", key)


def test_the_gateways_routes_are_those_of_the_api(deployment: Deployment) -> None:
    def wildcards(path: str) -> str:
        return re.sub(r"[<{]\w+[>}]", "*", path)

    served = {
        (route.method, wildcards(str(route.path))) for route in app._static_routes + app._dynamic_routes
    }
    assert {(route.method, wildcards(route.path)) for route in deployment.routes} == served


def test_every_queue_has_its_dead_letter_queue_consumed(deployment: Deployment) -> None:
    queues = {mapping.queue: mapping.function for mapping in deployment.mappings}
    lanes = {queue for queue in queues if not queue.startswith("DLQ.")}
    assert {queues[queue] for queue in lanes} == {"worker"}
    assert {queue: queues[f"DLQ.{queue}"] for queue in lanes} == dict.fromkeys(lanes, "dead_letters")


def test_a_deployment_comes_back_from_its_file(deployment: Deployment) -> None:
    assert Deployment.from_json(deployment.to_json()) == deployment

"""The local platform takes what it runs from the synthesized templates, and nothing from elsewhere."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.credentials import Credentials
from local.deployment import Deployment
from local.home import Home
from local.parts.broker import combined
from local.paths import ACTIVEMQ_XML
from local.resources import LocalResources
from local.synthesis import synthesized
from local.templates import Templates, Unresolved
from tests.local.deployments import PORTS, read


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("home"))
    home.create()
    return home


@pytest.fixture(scope="module")
def deployment(home: Home) -> Deployment:
    return read(synthesized(), home)


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[Callable[[dict[str, Any]], object]], Path]:
    """A copy of the assembly, with every resource of every template passed to a function that changes it."""

    def change(work: Callable[[dict[str, Any]], object]) -> Path:
        for file in synthesized().glob("*.json"):
            content = json.loads(file.read_text())
            for resource in copy.copy(content.get("Resources", {})).values():
                work(resource)
            (tmp_path / file.name).write_text(json.dumps(content))
        return tmp_path

    return change


def test_every_function_that_something_calls_is_there(deployment: Deployment) -> None:
    assert {f.name: f.handler for f in deployment.functions} == {
        name: f"{name}.handler.handler" for name in ("api", "worker", "relay", "dead_letters", "migrator")
    }


def test_addresses_are_local_and_settings_are_the_templates(deployment: Deployment) -> None:
    [api] = [function for function in deployment.functions if function.name == "api"]
    environment = api.environment
    assert environment["BROKER_ENDPOINTS"] == f"stomp+ssl://127.0.0.1:{PORTS.broker}"
    assert environment["CACHE_ENDPOINT"] == f"127.0.0.1:{PORTS.cache}"
    assert (environment["DATABASE_HOST"], environment["DATABASE_PORT"]) == ("127.0.0.1", str(PORTS.database))
    assert environment["MAX_BODY_BYTES"] == "4500000"
    assert json.loads(environment["LANE_QUEUES"])["bulk"] == ["reports-bulk-0"]


def test_no_secret_stands_in_an_environment(deployment: Deployment, home: Home) -> None:
    values = [v for function in deployment.functions for v in function.environment.values()]
    secrets = [str(value) for value in json.loads(home.credentials.read_text()).values()]
    identifiers = {Credentials.of(home).link_key_pair_id, Credentials.of(home).access_key_id}
    assert not [secret for secret in secrets if secret in values and secret not in identifiers]


def test_every_queue_has_its_dead_letter_queue_consumed(deployment: Deployment) -> None:
    queues = {mapping.queue: mapping.function for mapping in deployment.mappings}
    lanes = {queue for queue in queues if not queue.startswith("DLQ.")}
    assert {queues[queue] for queue in lanes} == {"worker"}
    assert {queue: queues[f"DLQ.{queue}"] for queue in lanes} == dict.fromkeys(lanes, "dead_letters")


def test_the_relay_runs_each_minute_unless_it_is_told_otherwise(home: Home, deployment: Deployment) -> None:
    assert [(s.function, s.every_seconds) for s in deployment.schedules] == [("relay", 60)]
    assert read(synthesized(), home, relay_interval=0.5).schedules[0].every_seconds == 0.5


def test_the_migrator_is_called_before_the_rest(deployment: Deployment) -> None:
    assert deployment.triggers == ("migrator",)


def test_an_override_replaces_a_setting(home: Home) -> None:
    changed = read(synthesized(), home, overrides={"LEASE_SECONDS": "7"})
    assert {function.environment["LEASE_SECONDS"] for function in changed.functions} == {"7"}


def test_a_deployment_comes_back_from_its_file(deployment: Deployment) -> None:
    assert Deployment.from_json(deployment.to_json()) == deployment


def test_the_brokers_rights_are_those_of_the_template(deployment: Deployment) -> None:
    xml = combined(ACTIVEMQ_XML.read_text(), deployment.broker_configuration)
    assert re.findall(r'authorizationEntry queue="([^"]+)"', xml) == [
        *("reports-interactive-0", "DLQ.reports-interactive-0", "reports-bulk-0", "DLQ.reports-bulk-0"),
    ]
    assert 'prioritizedMessages="true"' in xml
    assert xml.count("<amq:authorizationPlugin") == xml.count("<amq:destinationPolicy") == 1


def test_a_variable_of_the_template_reaches_its_function_and_no_other_does(
    home: Home, changed: Callable[..., Path]
) -> None:
    def add(resource: dict[str, Any]) -> None:
        if resource["Type"] == "AWS::Lambda::Function" and resource["Properties"].get("Environment"):
            resource["Properties"]["Environment"]["Variables"]["ONE_MORE"] = "yes"

    for function in read(changed(add), home).functions:
        assert function.environment.pop("ONE_MORE") == "yes"


def test_a_route_that_the_template_loses_is_not_served(home: Home, changed: Callable[..., Path]) -> None:
    def rename(resource: dict[str, Any]) -> None:
        if resource["Type"] == "AWS::ApiGateway::Resource" and resource["Properties"]["PathPart"] == "docs":
            resource["Properties"]["PathPart"] = "papers"

    paths = {route.path for route in read(changed(rename), home).routes}
    assert "/papers" in paths
    assert "/docs" not in paths


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        (
            "AWS::Lambda::Function",
            {"Environment": {"Variables": {"X": {"Fn::GetAtt": ["NoSuchThing", "Arn"]}}}},
            "no resource 'NoSuchThing'",
        ),
        ("AWS::Lambda::EventSourceMapping", {"BatchSize": 100}, "has batches"),
        ("AWS::Events::Rule", {"ScheduleExpression": "cron(0 * * * ? *)"}, "is no rate"),
        ("AWS::ApiGateway::Method", {"AuthorizationType": "AWS_IAM"}, "is authorized by AWS_IAM"),
        (
            "AWS::SecretsManager::Secret",
            {"GenerateSecretString": {"SecretStringTemplate": '{"username": "stranger"}'}},
            "a user 'stranger'",
        ),
    ],
)
def test_what_has_no_local_value_stops_the_start_with_its_name(
    kind: str, change: dict[str, Any], message: str, home: Home, changed: Callable[..., Path]
) -> None:
    def work(resource: dict[str, Any]) -> None:
        if resource["Type"] == kind:
            resource["Properties"].update(change)

    assembly = changed(work)

    def start() -> None:
        read(assembly, home)
        LocalResources(Templates(assembly), PORTS, Credentials.of(home)).secrets()

    with pytest.raises(Unresolved, match=message):
        start()

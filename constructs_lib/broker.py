"""Amazon MQ for ActiveMQ."""

import re
from collections.abc import Sequence
from typing import Any

import jsii
from aws_cdk import Fn, Names, RemovalPolicy, Stack, Token
from aws_cdk import aws_amazonmq as amazonmq
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from constructs_lib.broker_configuration import CONSUMERS, PUBLISHERS, QUEUE_NAME, configuration_xml
from constructs_lib.client_access import client_group, let_in, store_group
from constructs_lib.lanes import DEAD_LETTER_PREFIX
from constructs_lib.network import private_subnets, token_of_subnets
from constructs_lib.props import Checks
from constructs_lib.user_secret import user_secret

STOMP_PORT = 61614
OPENWIRE_PORT = 61617
HTTPS_PORT = 443
#: Versions have no patch number: Amazon MQ upgrades patches itself, and requires to.
ENGINE_VERSIONS = ("5.18", "5.19")
_LONGEST_NAME = 50
_PUBLISHER, _CONSUMER = "app", "mapping"


@jsii.implements(ec2.IConnectable)
class ActiveMqBroker(Construct):
    """An Amazon MQ for ActiveMQ broker in private subnets, with STOMP over TLS.

    One instance in ``vpc``'s first private subnet by default; ``multi_az=True`` makes an active/standby pair
    in two zones. ``queues`` are all that its users may use, with ``DLQ.<queue>`` beside each: the publisher
    sends and the consumer receives. Their passwords are generated and kept in ``publisher_secret`` and
    ``consumer_secret``. A change of users or configuration waits for a reboot or the maintenance window.

    What attaches ``client_security_group`` reaches the broker; ``grant_publish`` and ``grant_consume`` let it
    read the password.

    Example::

        broker = ActiveMqBroker(stack, "Broker", vpc=network.vpc, queues=["reports"])
        broker.grant_publish(function)
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        queues: Sequence[str],
        multi_az: bool = False,
        instance_type: str = "mq.t3.micro",
        engine_version: str = "5.19",
        log_resource_policy: bool = True,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        check = Checks(scope, construct_id)
        check.one_of("engine_version", engine_version, ENGINE_VERSIONS)
        check.matching(
            "instance_type",
            instance_type,
            pattern=r"mq\.(t3\.micro|m5\.(x|2x|4x)?large)",
            meaning="'mq.t3.micro' or 'mq.m5.large' and larger",
        )
        check.names(
            "queues",
            queues,
            most=100,
            pattern=QUEUE_NAME,
            meaning="names of letters, digits, '_', '.' and '-' that start with no sign",
        )
        check.kept_or_destroyed(removal_policy)
        check.interface("vpc", vpc, "IVpc", "private_subnets")
        subnet_ids = _broker_subnets(check, vpc, multi_az=multi_az)
        super().__init__(scope, construct_id)
        self.queues = tuple(queues)
        self.vpc = vpc
        self._multi_az = multi_az

        self.publisher_secret, self.consumer_secret = (
            user_secret(self, name, username=user, of="The broker's", removal_policy=removal_policy)
            for name, user in (("PublisherSecret", _PUBLISHER), ("ConsumerSecret", _CONSUMER))
        )
        self.client_security_group = client_group(self, vpc, of="the broker")
        self._connections = ec2.Connections(
            security_groups=[self._security_group(vpc)], default_port=ec2.Port.tcp(STOMP_PORT)
        )
        # Its name is the dimension of its metrics, so it is told rather than asked for.
        self.broker_name = Names.unique_resource_name(
            self, max_length=_LONGEST_NAME, allowed_special_characters="-"
        )
        configuration = amazonmq.CfnConfiguration(
            self,
            "Configuration",
            name=self.broker_name,
            engine_type="ACTIVEMQ",
            engine_version=engine_version,
            data=Fn.base64(configuration_xml(self.queues)),
        )
        broker = amazonmq.CfnBroker(
            self,
            "Broker",
            broker_name=self.broker_name,
            engine_type="ACTIVEMQ",
            engine_version=engine_version,
            auto_minor_version_upgrade=True,
            deployment_mode="ACTIVE_STANDBY_MULTI_AZ" if multi_az else "SINGLE_INSTANCE",
            host_instance_type=instance_type,
            publicly_accessible=False,
            subnet_ids=subnet_ids,
            security_groups=[group.security_group_id for group in self.connections.security_groups],
            configuration=amazonmq.CfnBroker.ConfigurationIdProperty(
                id=configuration.ref, revision=Token.as_number(configuration.get_att("Revision"))
            ),
            encryption_options=amazonmq.CfnBroker.EncryptionOptionsProperty(use_aws_owned_key=False),
            logs=amazonmq.CfnBroker.LogListProperty(general=True, audit=True),
            maintenance_window_start_time=amazonmq.CfnBroker.MaintenanceWindowProperty(
                day_of_week="SUNDAY", time_of_day="03:00", time_zone="UTC"
            ),
            users=[
                _user(_PUBLISHER, self.publisher_secret, PUBLISHERS),
                _user(_CONSUMER, self.consumer_secret, CONSUMERS),
            ],
        )
        broker.apply_removal_policy(removal_policy)
        if log_resource_policy:
            broker.node.add_dependency(_log_policy(Stack.of(self)))
        self.broker_id = broker.ref
        self.broker_arn = broker.attr_arn
        #: The addresses of STOMP over TLS, comma separated: two for a pair, of which one answers.
        self.stomp_endpoints = Fn.join(",", broker.attr_stomp_endpoints)

    @property
    def connections(self) -> ec2.Connections:
        return self._connections

    def grant_publish(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let ``grantee`` read the publisher's user name and password."""
        return self.publisher_secret.grant_read(grantee)

    def grant_consume(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let ``grantee`` describe the broker and read the consumer's user name and password."""
        grant = iam.Grant.add_to_principal(
            grantee=grantee, actions=["mq:DescribeBroker"], resource_arns=[self.broker_arn]
        )
        return grant.combine(self.consumer_secret.grant_read(grantee))

    def metric(self, name: str, *, queue: str | None = None, **options: Any) -> cloudwatch.IMetric:
        """A metric of the broker, or of one of its queues; of a pair the larger of both instances'.

        The dimension is the broker's name with the instance's number, and not its id.
        https://docs.aws.amazon.com/amazon-mq/latest/developer-guide/activemq-logging-monitoring.html
        """
        instances = [
            cloudwatch.Metric(
                namespace="AWS/AmazonMQ",
                metric_name=name,
                dimensions_map={
                    "Broker": f"{self.broker_name}-{number}",
                    **({"Queue": queue} if queue is not None else {}),
                },
                **{"statistic": "Maximum", **options},
            )
            for number in ((1, 2) if self._multi_az else (1,))
        ]
        if len(instances) == 1:
            return instances[0]
        # A graph shows several of these: their ids must differ.
        own = re.sub(r"\W", "_", f"{name}_{queue or ''}")
        first, second = f"first_{own}", f"second_{own}"
        # The expression's own period and label are what counts: it passes the metrics' over.
        own_options = {key: options[key] for key in ("period", "label", "color") if key in options}
        return cloudwatch.MathExpression(
            expression=f"MAX([FILL({first}, 0), FILL({second}, 0)])",
            using_metrics={first: instances[0], second: instances[1]},
            **{"label": f"{queue} {name}" if queue else name, **own_options},
        )

    def metric_queue_size(self, queue: str, **options: Any) -> cloudwatch.IMetric:
        """How many messages wait in ``queue``."""
        return self.metric("QueueSize", queue=self._known(queue), **options)

    def metric_consumer_count(self, queue: str, **options: Any) -> cloudwatch.IMetric:
        """How many consumers ``queue`` has."""
        return self.metric("ConsumerCount", queue=self._known(queue), **options)

    def metric_store_usage(self, **options: Any) -> cloudwatch.IMetric:
        """How full the store of messages is, in percent. At 100 publishers are held up."""
        return self.metric("StorePercentUsage", **options)

    def metric_cpu(self, **options: Any) -> cloudwatch.IMetric:
        """The CPU in use, in percent."""
        return self.metric("CpuUtilization", **options)

    def _known(self, queue: str) -> str:
        known = [*self.queues, *(f"{DEAD_LETTER_PREFIX}{name}" for name in self.queues)]
        if queue not in known:
            raise ValueError(f"{self.node.path}: queue must be one of {', '.join(known)}, got {queue!r}.")
        return queue

    def _security_group(self, vpc: ec2.IVpc) -> ec2.SecurityGroup:
        group = store_group(self, vpc, of="The broker and its mappings")
        # An event source mapping's interfaces carry the broker's own group.
        group.add_ingress_rule(group, ec2.Port.tcp(OPENWIRE_PORT), "Event source mappings")
        group.add_egress_rule(group, ec2.Port.tcp(OPENWIRE_PORT), "Event source mappings")
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(HTTPS_PORT), "Mappings to the endpoints")
        let_in(self.client_security_group, to=group, port=STOMP_PORT, who="STOMP clients", protocol="STOMP")
        return group


def _broker_subnets(check: Checks, vpc: ec2.IVpc, *, multi_az: bool) -> list[str]:
    """The ids of one subnet for an instance, of two in different zones for a pair, as Amazon MQ demands."""
    subnets = private_subnets(vpc).subnets or []
    wanted = 2 if multi_az else 1
    token = token_of_subnets(subnets)
    if token is not None:
        # Their zones are known at deployment only; a network lists one subnet after another zone's.
        return [Fn.select(number, token) for number in range(wanted)]
    first_of_zone: dict[str, str] = {}
    for subnet in subnets:
        first_of_zone.setdefault(subnet.availability_zone, subnet.subnet_id)
    if len(first_of_zone) < wanted:
        raise check.refusal(
            f"multi_az needs private subnets in 2 zones; the VPC has them in {len(first_of_zone)}."
        )
    return list(first_of_zone.values())[:wanted]


def _user(username: str, secret: secretsmanager.Secret, group: str) -> amazonmq.CfnBroker.UserProperty:
    # A dynamic reference: the password is in no template.
    password = secret.secret_value_from_json("password").unsafe_unwrap()
    return amazonmq.CfnBroker.UserProperty(
        username=username, password=password, groups=[group], console_access=False
    )


def _log_policy(stack: Stack) -> logs.ResourcePolicy:
    """Amazon MQ's right to write logs; one a stack, since an account has ten such policies at most."""
    existing = stack.node.try_find_child("AmazonMqLogPolicy")
    if isinstance(existing, logs.ResourcePolicy):
        return existing
    arn = stack.format_arn(service="logs", resource="log-group:/aws/amazonmq/*")
    return logs.ResourcePolicy(
        stack,
        "AmazonMqLogPolicy",
        # The CDK's own name is made of ids only, which stacks of two projects may share.
        resource_policy_name=f"{Names.unique_resource_name(stack, max_length=100)}-AmazonMq",
        policy_statements=[
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("mq.amazonaws.com")],
                actions=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[arn],
            )
        ],
    )

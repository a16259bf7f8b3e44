"""A function that gets the messages of a queue of Amazon MQ."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from constructs_lib.broker import ActiveMqBroker
from constructs_lib.lanes import DEAD_LETTER_PREFIX
from constructs_lib.props import Checks
from constructs_lib.python_function import PythonFunction

#: What a mapping waits for a function, at most: https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html
_LONGEST_CALL_SECONDS = 840
#: What the mapping does with the execution role, beside reading the broker and its secret.
_NETWORK_ACTIONS = [
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeVpcs",
    "ec2:DescribeSubnets",
    "ec2:DescribeSecurityGroups",
]


class ActiveMqQueueConsumer(Construct):
    """Calls ``function`` for each message of ``queue``, and ``dead_letters`` for those it could not take.

    One message a call, without a batching window, five calls at once. The mapping is created after its
    permissions and deleted before them: Lambda removes a mapping's network interfaces with the function's
    role, and a role that goes first leaves them behind.

    Alarms: a message in the dead letter queue, and a queue without a consumer.

    Example::

        ActiveMqQueueConsumer(stack, "Consumer", broker=broker, queue="reports", function=function)
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        broker: ActiveMqBroker,
        queue: str,
        function: PythonFunction,
        dead_letters: PythonFunction | None = None,
        batch_size: int = 1,
    ) -> None:
        check = Checks(scope, construct_id)
        check.instance("broker", broker, ActiveMqBroker)
        check.instance("function", function, PythonFunction)
        if dead_letters is not None:
            check.instance("dead_letters", dead_letters, PythonFunction)
        check.one_of("queue", queue, broker.queues)
        check.number("batch_size", batch_size, low=1, high=100)
        for consumer in (function, *([dead_letters] if dead_letters is not None else [])):
            timeout = consumer.function.timeout
            if timeout is not None and timeout.to_seconds() > _LONGEST_CALL_SECONDS:
                got = f"{timeout.to_seconds():g} s"
                raise check.refusal(
                    f"a consumer's timeout must be at most {_LONGEST_CALL_SECONDS} s, got {got}."
                )
        super().__init__(scope, construct_id)
        self.mapping = self._map("Mapping", broker, queue, function, batch_size)
        self.dead_letter_mapping: lambda_.CfnEventSourceMapping | None = None
        dead_letter_queue = f"{DEAD_LETTER_PREFIX}{queue}"
        if dead_letters is not None:
            self.dead_letter_mapping = self._map(
                "DeadLetterMapping", broker, dead_letter_queue, dead_letters, 1
            )
        self.alarms = [
            self._alarm(
                "DeadLettersAlarm",
                broker.metric("EnqueueCount", queue=dead_letter_queue, statistic="Sum"),
                cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
                periods=1,
                description=f"A message went to {dead_letter_queue}: no worker could take it.",
            ),
            self._alarm(
                "NoConsumerAlarm",
                broker.metric_consumer_count(queue),
                cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
                periods=3,
                description=f"Nothing consumes {queue}: its mapping is off or can't reach the broker.",
            ),
        ]

    def _map(
        self, construct_id: str, broker: ActiveMqBroker, queue: str, consumer: PythonFunction, batch_size: int
    ) -> lambda_.CfnEventSourceMapping:
        mapping = lambda_.CfnEventSourceMapping(
            self,
            construct_id,
            function_name=consumer.function.function_name,
            event_source_arn=broker.broker_arn,
            queues=[queue],
            batch_size=batch_size,
            maximum_batching_window_in_seconds=0,
            source_access_configurations=[
                lambda_.CfnEventSourceMapping.SourceAccessConfigurationProperty(
                    type="BASIC_AUTH", uri=broker.consumer_secret.secret_arn
                )
            ],
        )
        permissions = broker.grant_consume(consumer.role)
        describe = iam.Grant.add_to_principal(
            grantee=consumer.role,
            # These take no resource.
            actions=_NETWORK_ACTIONS,
            resource_arns=["*"],
        )  # fmt: skip
        for grant in (permissions, describe):
            grant.apply_before(mapping)
        mapping.node.add_dependency(consumer.role)
        return mapping

    def _alarm(
        self,
        construct_id: str,
        metric: cloudwatch.IMetric,
        operator: cloudwatch.ComparisonOperator,
        *,
        periods: int,
        description: str,
    ) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            construct_id,
            metric=metric,
            threshold=1,
            evaluation_periods=periods,
            comparison_operator=operator,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=description,
        )

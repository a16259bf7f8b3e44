"""One dashboard and the alarms that someone is told of: on symptoms, each with its runbook."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from constructs_lib import ActiveMqBroker, MySqlDatabase, PythonFunction, ReportService, StatusCache
from stacks.environments import Environment
from stacks.stack import PrensaStack

_RUNBOOKS = "docs/operations.md"
_ABOVE = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
_BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
_MINUTES = cdk.Duration.minutes
_GIGABYTE = 1024**3
#: USD a GB-second of arm64 and a million calls in us-east-1; a graph of cost needs a price, not a bill.
_PRICE_GB_SECOND = 0.0000133334


class ObservabilityStack(PrensaStack):
    """Answers "is it healthy, what waits, what failed, what does it cost"."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        service: ReportService,
        broker: ActiveMqBroker,
        database: MySqlDatabase,
        cache: StatusCache,
    ) -> None:
        super().__init__(scope, construct_id, environment=environment)
        self._service = service
        self._broker = broker
        self._database = database
        self._cache = cache
        self.topic = self._topic(environment.alarm_email)
        self.alarms = self._symptoms(environment)
        self.alarms.append(self._parts())
        for alarm in self.alarms:
            alarm.add_alarm_action(actions.SnsAction(self.topic))
            if isinstance(alarm, cloudwatch.Alarm):
                alarm.add_ok_action(actions.SnsAction(self.topic))
        self._dashboard()

    def _topic(self, email: str | None) -> sns.Topic:
        key = kms.Key(
            self,
            "TopicKey",
            description="Alarms of Prensa",
            enable_key_rotation=True,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        # CloudWatch can't use the key that AWS manages for SNS.
        key.grant(
            iam.ServicePrincipal(
                "cloudwatch.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": self.account}}
            ),
            "kms:Decrypt",
            "kms:GenerateDataKey*",
        )
        topic = sns.Topic(self, "Alarms", master_key=key, enforce_ssl=True)
        if email is not None:
            topic.add_subscription(subscriptions.EmailSubscription(email))
        return topic

    def _symptoms(self, environment: Environment) -> list[cloudwatch.AlarmBase]:
        service, broker, database, cache = self._service, self._broker, self._database, self._cache
        lanes = [f"DLQ.{queue}" for queue in service.lanes.names]
        return [
            self._alarm(
                "OldestReportWaiting",
                service.metric("OldestReportWaiting", function="relay", statistic="Maximum"),
                threshold=600,
                periods=2,
                what="The oldest waiting report has waited for more than 10 minutes.",
                runbook="reports-wait-too-long",
            ),
            self._alarm(
                "RelaySilent",
                service.relay.function.metric_invocations(period=_MINUTES(5), statistic="Sum"),
                threshold=1,
                operator=_BELOW,
                missing=cloudwatch.TreatMissingData.BREACHING,
                periods=2,
                what="The relay has not run for 10 minutes: nothing recovers what gets stuck.",
                runbook="the-relay-does-not-run",
            ),
            self._alarm(
                "ReportsFailed",
                service.metric("ReportsFailed", function="worker"),
                threshold=5,
                what="5 or more reports failed within 5 minutes.",
                runbook="reports-fail",
            ),
            self._alarm(
                "DeadLetters",
                service.metric("DeadLetters", function="dead_letters"),
                threshold=1,
                what="A message became a dead letter: no worker could even begin.",
                runbook="dead-letters",
            ),
            self._alarm(
                "DeadLettersLeft",
                self._sum([broker.metric_queue_size(queue) for queue in lanes]),
                threshold=1,
                periods=3,
                what="Messages stay in a dead letter queue: the function that keeps them does not.",
                runbook="dead-letters",
            ),
            self._alarm(
                "ApiErrors",
                service.api.metric_errors(),
                threshold=5,
                what="The API answered 5 or more requests with 500 or above within 5 minutes.",
                runbook="the-api-fails-or-is-slow",
            ),
            self._alarm(
                "ApiLatency",
                service.api.metric_latency(statistic="p95"),
                threshold=2000,
                periods=3,
                what="One request in twenty takes longer than 2 seconds.",
                runbook="the-api-fails-or-is-slow",
            ),
            self._alarm(
                "BrokerStore",
                broker.metric_store_usage(),
                threshold=70,
                what="The broker's store is 70 % full. At 100 % it takes no more messages.",
                runbook="the-brokers-store-fills",
            ),
            self._alarm(
                "BrokerCpu",
                broker.metric_cpu(),
                threshold=80,
                periods=6,
                what="The broker's CPU has been above 80 % for 30 minutes.",
                runbook="the-brokers-store-fills",
            ),
            self._alarm(
                "DatabaseCpu",
                database.metric_cpu(),
                threshold=80,
                periods=6,
                what="The database's CPU has been above 80 % for 30 minutes.",
                runbook="the-database-is-busy-or-full",
            ),
            self._alarm(
                "DatabaseStorage",
                database.metric_free_storage(),
                threshold=0.15 * environment.database_storage_gb * _GIGABYTE,
                operator=_BELOW,
                what="Less than 15 % of the database's first storage is free.",
                runbook="the-database-is-busy-or-full",
            ),
            self._alarm(
                "CacheMemory",
                cache.metric("DatabaseMemoryUsagePercentage", statistic="Maximum"),
                threshold=90,
                periods=3,
                what="The cache is 90 % full.",
                runbook="the-cache-is-full-or-away",
            ),
            self._alarm(
                "CacheEngineCpu",
                cache.metric("EngineCPUUtilization", statistic="Maximum"),
                threshold=80,
                periods=3,
                what="The cache's CPU has been above 80 % for 15 minutes.",
                runbook="the-cache-is-full-or-away",
            ),
        ]

    def _parts(self) -> cloudwatch.CompositeAlarm:
        """One alarm over those that each function and consumer brings."""
        return cloudwatch.CompositeAlarm(
            self,
            "Parts",
            alarm_description=_description(
                "A function fails, is throttled or nears its time-out, or a queue has no consumer.",
                "a-part-fails",
            ),
            alarm_rule=cloudwatch.AlarmRule.any_of(
                *(
                    cloudwatch.AlarmRule.from_alarm(alarm, cloudwatch.AlarmState.ALARM)
                    for alarm in self._service.alarms
                )
            ),
        )

    def _alarm(
        self,
        construct_id: str,
        metric: cloudwatch.IMetric,
        *,
        threshold: float,
        what: str,
        runbook: str,
        operator: cloudwatch.ComparisonOperator = _ABOVE,
        periods: int = 1,
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
    ) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            construct_id,
            metric=metric,
            threshold=threshold,
            comparison_operator=operator,
            evaluation_periods=periods,
            treat_missing_data=missing,
            alarm_description=_description(what, runbook),
        )

    def _sum(self, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.MathExpression:
        names = {f"m{number}": metric for number, metric in enumerate(metrics)}
        return cloudwatch.MathExpression(
            expression=" + ".join(f"FILL({name}, 0)" for name in names), using_metrics=names, label="Messages"
        )

    def _dashboard(self) -> None:
        service, broker, database, cache = self._service, self._broker, self._database, self._cache
        dashboard = cloudwatch.Dashboard(self, "Dashboard", default_interval=cdk.Duration.hours(6))

        def graph(
            title: str, *left: cloudwatch.IMetric, right: Sequence[cloudwatch.IMetric] = ()
        ) -> cloudwatch.GraphWidget:
            return cloudwatch.GraphWidget(
                title=title, left=list(left), right=list(right), width=8, height=6, live_data=True
            )

        def of(name: str, function: str, statistic: str = "Sum") -> cloudwatch.Metric:
            return service.metric(name, function=function, statistic=statistic)

        def heading(text: str) -> cloudwatch.TextWidget:
            return cloudwatch.TextWidget(markdown=f"## {text}", width=24, height=1)

        dashboard.add_widgets(heading("Is it healthy?"))
        dashboard.add_widgets(
            cloudwatch.AlarmStatusWidget(title="Alarms", alarms=self.alarms, width=24, height=4)
        )
        dashboard.add_widgets(
            graph("Requests and errors", service.api.metric_count(), service.api.metric_client_errors(),
                  right=[service.api.metric_errors()]),
            graph("Latency of the API (ms)", service.api.metric_latency(statistic="p50"),
                  service.api.metric_latency(statistic="p99")),
            graph("Time to make a report (ms)", of("ReportDuration", "worker", "p50"),
                  of("ReportDuration", "worker", "p99"), right=[of("RowsRendered", "worker")]),
        )  # fmt: skip
        dashboard.add_widgets(heading("What waits?"))
        dashboard.add_widgets(
            graph("Oldest waiting report (s)", of("OldestReportWaiting", "relay", "Maximum"),
                  right=[of("ReportsWaiting", "relay", "Maximum")]),
            graph("Messages in the lanes", *(broker.metric_queue_size(q) for q in service.lanes.names)),
            graph("Accepted and done", of("ReportsAccepted", "api"), of("ReportsSucceeded", "worker"),
                  of("ReportsReplayed", "api")),
        )  # fmt: skip
        dashboard.add_widgets(heading("What failed?"))
        dashboard.add_widgets(
            graph("Failed and tried again", of("ReportsFailed", "worker"), of("ReportsRetried", "worker"),
                  of("LeasesLost", "relay")),
            graph("Dead letters", of("DeadLetters", "dead_letters"),
                  right=[broker.metric_queue_size(f"DLQ.{queue}") for queue in service.lanes.names]),
            graph("Errors of functions", *(f.metric_errors(period=_MINUTES(5)) for f in self._functions())),
        )  # fmt: skip
        dashboard.add_widgets(heading("The parts"))
        dashboard.add_widgets(
            graph("Broker (%)", broker.metric_cpu(), broker.metric_store_usage()),
            graph("Database", database.metric_cpu(), right=[database.metric_connections()]),
            graph(
                "Cache (%)",
                cache.metric("EngineCPUUtilization"),
                cache.metric("DatabaseMemoryUsagePercentage"),
            ),
        )
        dashboard.add_widgets(heading("What does it cost?"))
        dashboard.add_widgets(
            graph("Functions (USD an hour, by GB-seconds in us-east-1)", *self._cost()),
            graph("Log data in (bytes)", *(
                cloudwatch.Metric(namespace="AWS/Logs", metric_name="IncomingBytes", statistic="Sum",
                                  dimensions_map={"LogGroupName": f.log_group.log_group_name})
                for f in self._functions()
            )),
            cloudwatch.TextWidget(
                markdown="Broker, database, cache and endpoints cost the same each hour, whatever they do: "
                "docs/deploying.md has the figures of each environment.",
                width=8, height=6,
            ),
        )  # fmt: skip

    def _functions(self) -> list[PythonFunction]:
        service = self._service
        return [service.api_function, service.worker, service.relay, service.dead_letters]

    def _cost(self) -> list[cloudwatch.IMetric]:
        """What each function's time costs: milliseconds of an hour x GB x price."""
        return [
            cloudwatch.MathExpression(
                # An id has to be the graph's only one of its name.
                expression=f"duration{number} / 1000 * {function.memory_size / 1024 * _PRICE_GB_SECOND:.12f}",
                using_metrics={
                    f"duration{number}": function.metric_duration(
                        period=cdk.Duration.hours(1), statistic="Sum"
                    )
                },
                label=function.node.id,
                period=cdk.Duration.hours(1),
            )
            for number, function in enumerate(self._functions())
        ]


def _description(what: str, runbook: str) -> str:
    return f"{what} Runbook: {_RUNBOOKS}#{runbook}"

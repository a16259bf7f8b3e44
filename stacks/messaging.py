"""The broker."""

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from constructs_lib import ActiveMqBroker
from stacks.environments import Environment
from stacks.stack import PrensaStack


class MessagingStack(PrensaStack):
    """Amazon MQ. Its messages can be sent again from the database: it is not where the truth is."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, vpc: ec2.IVpc
    ) -> None:
        super().__init__(scope, construct_id, environment=environment, keeps_data=True)
        self.broker = ActiveMqBroker(
            self,
            "Broker",
            vpc=vpc,
            queues=environment.lanes.names,
            multi_az=environment.multi_az,
            instance_type=environment.broker_instance,
            removal_policy=environment.removal_policy,
        )

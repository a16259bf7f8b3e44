"""The network, which everything else is in."""

from constructs import Construct

from constructs_lib import PrivateNetwork
from stacks.environments import RETENTION, Environment
from stacks.stack import PrensaStack


class NetworkStack(PrensaStack):
    """A VPC without a way to the internet."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(scope, construct_id, environment=environment)
        self.vpc = PrivateNetwork(
            self,
            "Network",
            cidr=environment.cidr,
            endpoint_zones=environment.endpoint_zones,
            flow_logs=environment.flow_logs,
            log_retention=RETENTION[environment.log_days],
        ).vpc

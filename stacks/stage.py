"""One environment: wires the stacks and nothing else."""

from constructs import Construct

from stacks.data import DataStack
from stacks.delivery import DeliveryStack
from stacks.environments import Environment
from stacks.messaging import MessagingStack
from stacks.network import NetworkStack
from stacks.observability import ObservabilityStack
from stacks.service import ServiceStack


class PrensaStage(Construct):
    """The stacks of one environment.

    A construct and no ``cdk.Stage``: `cdk deploy --all` knows only the stacks of the app's own assembly, and
    those of a ``cdk.Stage`` are in another (ADR 18).
    """

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(scope, construct_id)
        self.network = NetworkStack(self, "Network", environment=environment)
        self.data = DataStack(self, "Data", environment=environment, vpc=self.network.vpc)
        self.messaging = MessagingStack(self, "Messaging", environment=environment, vpc=self.network.vpc)
        self.delivery = DeliveryStack(self, "Delivery", environment=environment)
        self.service = ServiceStack(
            self,
            "Service",
            environment=environment,
            vpc=self.network.vpc,
            broker=self.messaging.broker,
            database=self.data.database,
            cache=self.data.cache,
            files=self.delivery.files,
            user_pool=self.data.identity.user_pool,
        )
        self.observability = ObservabilityStack(
            self,
            "Observability",
            environment=environment,
            service=self.service.service,
            broker=self.messaging.broker,
            database=self.data.database,
            cache=self.data.cache,
        )

"""What the stacks have in common."""

import aws_cdk as cdk
from constructs import Construct

from stacks.environments import Environment


class PrensaStack(cdk.Stack):
    """A stack of one environment. ``keeps_data`` protects it from deletion where data is kept."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, keeps_data: bool = False
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            env=environment.place,
            stack_name=f"Prensa-{environment.name}-{construct_id}",
            termination_protection=keeps_data and environment.keep_data,
        )

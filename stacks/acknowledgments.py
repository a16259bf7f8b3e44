"""Findings of cdk-nag that stay, each with its reason."""

from stacks.stage import PrensaStage


def acknowledge(stage: PrensaStage) -> None:
    """Put the reasons on the constructs that they are about."""

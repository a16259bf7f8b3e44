"""Templates that several modules look at, each synthesized once."""

from stacks.node import use_packaged_node

# jsii chooses its Node.js when aws_cdk is imported.
use_packaged_node()

import pytest  # noqa: E402 - after Node.js is chosen

from constructs_lib import ReportService  # noqa: E402
from tests.constructs_lib.support import Json, new_stack, synthesized  # noqa: E402


@pytest.fixture(scope="session")
def default_service() -> Json:
    """The template of a stack with one :class:`ReportService` and nothing else."""
    stack = new_stack()
    ReportService(stack, "Reports")
    return synthesized(stack)

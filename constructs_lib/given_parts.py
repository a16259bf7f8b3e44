"""What is given to :class:`~constructs_lib.ReportService` in place of its own parts must fit together."""

from collections.abc import Mapping, Sequence

from aws_cdk import Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_s3 as s3

from constructs_lib.distribution import SignedDistribution
from constructs_lib.props import Checks


def common_network(check: Checks, networks: Mapping[str, ec2.IVpc | None]) -> ec2.IVpc | None:
    """The one network of all parts that are given, by the props that name them.

    A function takes security groups of its own network only. Raises ``ValueError``.
    https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html
    """
    given = [(name, vpc) for name, vpc in networks.items() if vpc is not None]
    if not given:
        return None
    first, chosen = given[0]
    for name, vpc in given[1:]:
        if _are_different(chosen, vpc):
            raise check.refusal(
                f"{first} and {name} must be in one VPC, got {chosen.node.path} and {vpc.node.path}."
            )
    return chosen


def _are_different(one: ec2.IVpc, other: ec2.IVpc) -> bool:
    ids = (one.vpc_id, other.vpc_id)
    if ids[0] == ids[1]:
        return False
    # An imported network's id may be a token that turns out to be the same.
    known = not any(Token.is_unresolved(vpc_id) for vpc_id in ids)
    return known or all(isinstance(vpc, ec2.Vpc) for vpc in (one, other))


def files_fit(
    check: Checks,
    files: SignedDistribution | None,
    bucket: s3.IBucket | None,
    cors_origins: Sequence[str],
    **days: float,
) -> None:
    """Nothing is said of files twice, and their bucket deletes nothing that a limit keeps.

    Raises ``ValueError``.
    """
    if files is None:
        return
    if bucket is not None:
        raise check.refusal("files and bucket are two ways to say the same; give one.")
    if cors_origins:
        raise check.refusal("cors_origins are those of files where files are given; give them there.")
    for name, wanted in days.items():
        kept = getattr(files, name)
        if kept is not None and not Token.is_unresolved(wanted) and wanted > kept:
            raise check.refusal(
                f"limits.{name} must be at most the {name} of files, {kept}, got {wanted}: "
                "the bucket deletes objects after that."
            )

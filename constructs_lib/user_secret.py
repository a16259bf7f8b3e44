"""A user's name with a generated password."""

import json

from aws_cdk import RemovalPolicy
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct


def user_secret(
    scope: Construct, construct_id: str, *, username: str, of: str, removal_policy: RemovalPolicy
) -> secretsmanager.Secret:
    """A secret with ``username`` and ``password``, as RDS, Amazon MQ and the functions read it.

    The password is of letters and digits: Amazon MQ refuses ``,``, ``:`` and ``=``, and 40 of them have
    238 bits.
    """
    return secretsmanager.Secret(
        scope,
        construct_id,
        description=f"{of} user {username}",
        removal_policy=removal_policy,
        generate_secret_string=secretsmanager.SecretStringGenerator(
            secret_string_template=json.dumps({"username": username}),
            generate_string_key="password",
            password_length=40,
            exclude_punctuation=True,
        ),
    )

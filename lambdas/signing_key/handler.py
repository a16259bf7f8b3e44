"""Makes the key pair of signed links inside AWS, for CloudFormation through the CDK's provider framework.

The private key goes from this process into its secret and nowhere else: not into the answer, a log line or
an error.
https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.custom_resources-readme.html#handling-lifecycle-events-onevent
"""

from typing import TYPE_CHECKING, Any

from signing_key.key_pair import NotAKey, new_private_key, public_key

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Make sure that the secret ``SecretArn`` holds a private key, and answer with its public half.

    A secret that holds a key keeps it, so that a second call, an update or a rollback changes nothing.
    Deleting is left to the secret's own removal policy.
    """
    arn = event["ResourceProperties"]["SecretArn"]
    if event["RequestType"] == "Delete":
        return {"PhysicalResourceId": event["PhysicalResourceId"]}
    return {"PhysicalResourceId": arn, "Data": {"PublicKey": _ensure(_client(), arn)}}


def _ensure(client: "SecretsManagerClient", arn: str) -> str:
    stored = client.get_secret_value(SecretId=arn).get("SecretString", "")
    try:
        return public_key(stored)
    except NotAKey:
        # CloudFormation fills a new secret with random characters.
        made = new_private_key()
        client.put_secret_value(SecretId=arn, SecretString=made)
        return public_key(made)


def _client() -> "SecretsManagerClient":
    import boto3  # noqa: PLC0415 - the tests of the pair need no AWS

    client: SecretsManagerClient = boto3.client("secretsmanager")
    return client

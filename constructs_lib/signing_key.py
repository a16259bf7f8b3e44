"""A key pair for CloudFront's signed links."""

from aws_cdk import Aws, CustomResource, Duration, Fn, Names, RemovalPolicy, custom_resources
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from constructs_lib.props import Checks
from constructs_lib.python_function import PythonFunction
from constructs_lib.sources import function_code


class SigningKey(Construct):
    """An RSA-2048 key pair: the private half in ``secret`` and nowhere else, the public half at CloudFront.

    A function makes the pair inside AWS when the stack is deployed, stores the private key and answers with
    the public one: no template, output, log or event ever holds the private key. A second deployment finds
    the key in the secret and leaves it. A public key can't be changed in place: to rotate, make another
    :class:`SigningKey` (``SignedDistribution(signing_keys=...)`` does).

    Example::

        key = SigningKey(stack, "Key")
        cloudfront.KeyGroup(stack, "Keys", items=[key.public_key])
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, removal_policy: RemovalPolicy = RemovalPolicy.RETAIN
    ) -> None:
        Checks(scope, construct_id).kept_or_destroyed(removal_policy)
        super().__init__(scope, construct_id)
        self.secret = secretsmanager.Secret(
            self,
            "Secret",
            description="The private key of signed links (PEM). Written by a deployment.",
            removal_policy=removal_policy,
        )
        maker = PythonFunction(
            self,
            "Maker",
            code=function_code("signing_key"),
            timeout=Duration.minutes(1),
            memory_size=512,
            description="Makes the key pair of signed links",
        )
        self.secret.grant_read(maker.role)
        self.secret.grant_write(maker.role)
        provider = custom_resources.Provider(
            self,
            "Provider",
            on_event_handler=maker.function,
            # Whether the CDK makes one is up to a feature flag of the app, and its own is kept for ever.
            log_group=logs.LogGroup(
                self,
                "ProviderLogs",
                retention=logs.RetentionDays.THREE_MONTHS,
                removal_policy=RemovalPolicy.DESTROY,
            ),
        )
        made = CustomResource(
            self,
            "KeyPair",
            resource_type="Custom::SigningKey",
            service_token=provider.service_token,
            properties={"SecretArn": self.secret.secret_arn},
        )
        made.node.add_dependency(maker)
        self.public_key = cloudfront.PublicKey(
            self,
            "PublicKey",
            # CloudFront's names are the account's, over all regions.
            public_key_name=Fn.join("-", [Names.unique_resource_name(self, max_length=60), Aws.REGION]),
            encoded_key=made.get_att_string("PublicKey"),
            comment="Signed links of reports",
        )
        self.alarms = maker.alarms

    @property
    def key_pair_id(self) -> str:
        """CloudFront's id of the public key, which each link names."""
        return self.public_key.public_key_id

    def grant_sign(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let ``grantee`` read the private key."""
        return self.secret.grant_read(grantee)

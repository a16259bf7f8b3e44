"""The files and how they are handed out."""

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from constructs import Construct

from constructs_lib import SignedDistribution
from stacks.environments import Environment
from stacks.stack import PrensaStack


class DeliveryStack(PrensaStack):
    """The results' bucket and CloudFront, in one stack since each one's policy names the other."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(scope, construct_id, environment=environment, keeps_data=True)
        domain = environment.files_domain
        self.files = SignedDistribution(
            self,
            "Files",
            signing_keys=environment.signing_keys,
            result_days=environment.limits.result_days,
            dataset_days=environment.limits.dataset_days,
            cors_origins=environment.cors_origins,
            domain_name=domain.name if domain else None,
            certificate=acm.Certificate.from_certificate_arn(self, "Certificate", domain.certificate_arn)
            if domain
            else None,
            removal_policy=environment.removal_policy,
        )
        cdk.CfnOutput(self, "FilesUrl", value=self.files.base_url, description="What links start with")

"""The results' bucket and the distribution that serves it to signed links only."""

from collections.abc import Sequence

from aws_cdk import Aws, Duration, Fn, Names, RemovalPolicy, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from constructs_lib.props import Checks
from constructs_lib.signing_key import SigningKey

#: Days after which an upload that nobody finished is removed.
_UNFINISHED_DAYS = 2
#: Inline rows of a request live as long as it may wait, be tried again and be looked into.
_INPUT_DAYS = 30
_LOG_DAYS = 90
#: A file outlives its report's `expires_at`, which decides; objects go a little later.
_MARGIN_DAYS = 2
#: What the edge would keep for 10 seconds by default: a refusal must not outlive its reason.
_ERRORS = (403, 404, 500, 502, 503, 504)
#: What pages of other origins may read of an answer.
_EXPOSED_HEADERS = ["Content-Disposition", "Content-Length", "Content-Range", "ETag"]


class SignedDistribution(Construct):
    """A private bucket behind CloudFront, open to signed links and to nothing else.

    Bucket and distribution are one construct since each one's policy names the other. Objects under
    ``results/`` go ``result_days`` after they were made, and a little later; inline rows under ``inputs/``
    after 30 days; files of clients under ``datasets/`` after ``dataset_days`` and a little later; unfinished
    uploads after 2.

    ``signing_keys`` are the names of key pairs that the distribution accepts; the first signs. To rotate:
    add the new name at the end and deploy, put it first and deploy, remove the old one once its last link
    has expired and deploy. With ``domain_name`` goes a ``certificate`` of us-east-1. ``bucket`` takes one of
    yours, of the same stack or imported: its lifecycle and CORS rules are then yours too, and so is the
    policy of an imported one. With a KMS key of yours, the distribution may decrypt.

    Example::

        files = SignedDistribution(stack, "Files")
        files.grant_sign(function)
        files.bucket.grant_put(function, "results/*")
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.IBucket | None = None,
        signing_keys: Sequence[str] = ("First",),
        result_days: int = 7,
        dataset_days: int = 7,
        cors_origins: Sequence[str] = (),
        domain_name: str | None = None,
        certificate: acm.ICertificate | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        check = Checks(scope, construct_id)
        # The lifecycle adds its margin to both.
        check.known("result_days", result_days)
        check.number("result_days", result_days, low=1, high=3650)
        check.known("dataset_days", dataset_days)
        check.number("dataset_days", dataset_days, low=1, high=365)
        check.names(
            "signing_keys",
            signing_keys,
            most=5,
            pattern=r"[A-Za-z][A-Za-z0-9]{0,31}",
            meaning="names of up to 32 letters and digits that start with a letter",
        )
        check.kept_or_destroyed(removal_policy)
        if bucket is not None:
            check.interface("bucket", bucket, "IBucket", "bucket_arn")
            _check_stack(check, bucket, scope)
        check.sequence("cors_origins", cors_origins, of="origins")
        check.together(domain_name=domain_name, certificate=certificate)
        super().__init__(scope, construct_id)
        self._logs = self._log_bucket(removal_policy)
        #: For how long results and datasets are kept; ``None`` where a bucket of yours decides.
        self.result_days = result_days if bucket is None else None
        self.dataset_days = dataset_days if bucket is None else None
        self.bucket = bucket or self._results_bucket(result_days, dataset_days, cors_origins, removal_policy)
        keys = {name: SigningKey(self, f"{name}Key", removal_policy=removal_policy) for name in signing_keys}
        self.signing_key = keys[signing_keys[0]]
        self.alarms = [alarm for key in keys.values() for alarm in key.alarms]
        # CloudFront's names are the account's, over all regions; an access control's has 64 letters at most.
        name = Fn.join("-", [Names.unique_resource_name(self, max_length=44), Aws.REGION])
        self.distribution = cloudfront.Distribution(
            self,
            "Distribution",
            comment="Files of reports, for signed links",
            default_behavior=cloudfront.BehaviorOptions(
                origin=origins.S3BucketOrigin.with_origin_access_control(
                    self.bucket,
                    origin_access_control=cloudfront.S3OriginAccessControl(
                        self, "AccessControl", origin_access_control_name=name
                    ),
                ),
                viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
                allowed_methods=cloudfront.AllowedMethods.ALLOW_GET_HEAD_OPTIONS,
                # A file is read once or twice: the edge keeps none, and so serves none that was deleted.
                cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
                compress=False,
                trusted_key_groups=[
                    cloudfront.KeyGroup(
                        self,
                        "KeyGroup",
                        key_group_name=name,
                        items=[key.public_key for key in keys.values()],
                    )
                ],
                response_headers_policy=self._headers(name, cors_origins),
                # A preflight request is answered by the bucket: it needs to see who asks for what.
                origin_request_policy=cloudfront.OriginRequestPolicy.CORS_S3_ORIGIN if cors_origins else None,
            ),
            error_responses=[
                cloudfront.ErrorResponse(http_status=status, ttl=Duration.seconds(0)) for status in _ERRORS
            ],
            domain_names=[domain_name] if domain_name else None,
            certificate=certificate,
            minimum_protocol_version=cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021 if certificate else None,
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            price_class=cloudfront.PriceClass.PRICE_CLASS_100,
            enable_ipv6=True,
            enable_logging=True,
            log_bucket=self._logs,
            log_file_prefix="distribution/",
            log_includes_cookies=False,
        )
        #: Links start with this.
        self.base_url = f"https://{domain_name or self.distribution.distribution_domain_name}"

    def grant_sign(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let ``grantee`` read the private key that signs."""
        return self.signing_key.grant_sign(grantee)

    def _results_bucket(
        self,
        result_days: int,
        dataset_days: int,
        cors_origins: Sequence[str],
        removal_policy: RemovalPolicy,
    ) -> s3.Bucket:
        bucket = self._private_bucket(
            "Results",
            s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy,
            s3.LifecycleRule(
                id="UnfinishedUploads",
                abort_incomplete_multipart_upload_after=Duration.days(_UNFINISHED_DAYS),
            ),
            s3.LifecycleRule(
                id="Results", prefix="results/", expiration=Duration.days(result_days + _MARGIN_DAYS)
            ),
            s3.LifecycleRule(id="Inputs", prefix="inputs/", expiration=Duration.days(_INPUT_DAYS)),
            s3.LifecycleRule(
                id="Datasets", prefix="datasets/", expiration=Duration.days(dataset_days + _MARGIN_DAYS)
            ),
        )
        if cors_origins:
            # Without a rule of its own, a bucket refuses every preflight request, whatever the edge adds.
            bucket.add_cors_rule(
                allowed_origins=list(cors_origins),
                allowed_methods=[s3.HttpMethods.GET, s3.HttpMethods.HEAD],
                allowed_headers=["Range"],
                exposed_headers=_EXPOSED_HEADERS,
            )
        self._log_access(bucket)
        return bucket

    def _log_access(self, bucket: s3.Bucket) -> None:
        """Keep the bucket's access logs, by a policy: the CDK may take an ACL, as the app's flags say."""
        resource = bucket.node.default_child
        if not isinstance(resource, s3.CfnBucket):
            raise AssertionError("a bucket is a CfnBucket")
        prefix = "results/"
        resource.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
            destination_bucket_name=self._logs.bucket_name, log_file_prefix=prefix
        )
        self._logs.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("logging.s3.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[self._logs.arn_for_objects(f"{prefix}*")],
                conditions={
                    "ArnLike": {"aws:SourceArn": bucket.bucket_arn},
                    "StringEquals": {"aws:SourceAccount": Stack.of(self).account},
                },
            )
        )

    def _log_bucket(self, removal_policy: RemovalPolicy) -> s3.Bucket:
        return self._private_bucket(
            "AccessLogs",
            # CloudFront writes its logs with an ACL.
            s3.ObjectOwnership.BUCKET_OWNER_PREFERRED,
            removal_policy,
            s3.LifecycleRule(id="Logs", expiration=Duration.days(_LOG_DAYS)),
        )

    def _private_bucket(
        self,
        construct_id: str,
        ownership: s3.ObjectOwnership,
        removal_policy: RemovalPolicy,
        *rules: s3.LifecycleRule,
    ) -> s3.Bucket:
        return s3.Bucket(
            self,
            construct_id,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            # SSE-KMS with origin access control would be a cycle between key and distribution.
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            object_ownership=ownership,
            removal_policy=removal_policy,
            auto_delete_objects=removal_policy == RemovalPolicy.DESTROY,
            lifecycle_rules=list(rules),
        )

    def _headers(self, name: str, cors_origins: Sequence[str]) -> cloudfront.ResponseHeadersPolicy:
        cors = cloudfront.ResponseHeadersCorsBehavior(
            access_control_allow_origins=list(cors_origins),
            access_control_allow_methods=["GET", "HEAD", "OPTIONS"],
            access_control_allow_headers=["Range"],
            access_control_expose_headers=_EXPOSED_HEADERS,
            access_control_allow_credentials=False,
            origin_override=True,
        )
        return cloudfront.ResponseHeadersPolicy(
            self,
            "Headers",
            response_headers_policy_name=name,
            comment="Files of reports",
            cors_behavior=cors if cors_origins else None,
            security_headers_behavior=cloudfront.ResponseSecurityHeadersBehavior(
                content_type_options=cloudfront.ResponseHeadersContentTypeOptions(override=True),
                content_security_policy=cloudfront.ResponseHeadersContentSecurityPolicy(
                    content_security_policy="sandbox; default-src 'none'", override=True
                ),
                referrer_policy=cloudfront.ResponseHeadersReferrerPolicy(
                    referrer_policy=cloudfront.HeadersReferrerPolicy.NO_REFERRER, override=True
                ),
                strict_transport_security=cloudfront.ResponseHeadersStrictTransportSecurity(
                    access_control_max_age=Duration.days(365), include_subdomains=False, override=True
                ),
            ),
        )


def _check_stack(check: Checks, bucket: s3.IBucket, scope: Construct) -> None:
    """A bucket's policy names the distribution, which names the bucket: two stacks would need each other.

    A nested stack may use its parent's, and the policy of an imported bucket is not the app's. Raises
    ``ValueError``.
    """
    if not isinstance(bucket, s3.Bucket):
        return
    theirs, ours = Stack.of(bucket), Stack.of(scope)
    enclosing: Stack | None = ours
    while enclosing is not None and enclosing.node.addr != theirs.node.addr:
        enclosing = enclosing.nested_stack_parent
    if enclosing is None:
        raise check.refusal(
            f"bucket must be imported or of the same stack, {ours.node.path}, got one of "
            f"{theirs.node.path}. Make a SignedDistribution there; ReportService takes it as files."
        )

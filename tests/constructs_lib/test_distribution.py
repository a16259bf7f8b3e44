"""The results' bucket, its distribution and the keys of signed links."""

import json
from typing import Any

import pytest
from aws_cdk import RemovalPolicy
from aws_cdk import aws_s3 as s3

from constructs_lib import SignedDistribution
from tests.constructs_lib.support import (
    Json,
    logical_id,
    new_stack,
    of_type,
    properties,
    statements,
    synthesized,
)

DISTRIBUTION = "AWS::CloudFront::Distribution"
BUCKET = "AWS::S3::Bucket"
PUBLIC_KEY = "AWS::CloudFront::PublicKey"


def made(**options: Any) -> Json:
    stack = new_stack()
    SignedDistribution(stack, "Files", **options)
    return synthesized(stack)


@pytest.fixture(scope="module")
def default() -> Json:
    return made()


def bucket(template: Json, part: str = "Results") -> Json:
    found: Json = template["Resources"][logical_id(template, BUCKET, part)]
    return found


def config(template: Json) -> Json:
    found: Json = properties(template, DISTRIBUTION)["DistributionConfig"]
    return found


def test_the_origin_is_reached_by_access_control_only(default: Json) -> None:
    (origin,) = config(default)["Origins"]
    control = logical_id(default, "AWS::CloudFront::OriginAccessControl")
    assert origin["OriginAccessControlId"] == {"Fn::GetAtt": [control, "Id"]}
    settings = default["Resources"][control]["Properties"]["OriginAccessControlConfig"]
    assert (settings["SigningBehavior"], settings["SigningProtocol"]) == ("always", "sigv4")


def test_only_signed_links_are_served_and_only_by_https(default: Json) -> None:
    behavior = config(default)["DefaultCacheBehavior"]
    assert behavior["TrustedKeyGroups"] == [{"Ref": logical_id(default, "AWS::CloudFront::KeyGroup")}]
    assert behavior["ViewerProtocolPolicy"] == "https-only"
    assert "CacheBehaviors" not in config(default)


def test_adding_a_key_keeps_the_ids_of_the_first(default: Json) -> None:
    rotated = made(signing_keys=["First", "Second"])
    before, after = of_type(default, PUBLIC_KEY), of_type(rotated, PUBLIC_KEY)
    assert before.items() <= after.items()
    assert len(after) == 2
    items = properties(rotated, "AWS::CloudFront::KeyGroup")["KeyGroupConfig"]["Items"]
    assert {item["Ref"] for item in items} == after.keys()
    assert of_type(default, "AWS::SecretsManager::Secret").keys() < (
        of_type(rotated, "AWS::SecretsManager::Secret").keys()
    )


def test_putting_another_key_first_moves_signing_and_no_key() -> None:
    stack, other = new_stack(), new_stack()
    before = SignedDistribution(stack, "Files", signing_keys=["First", "Second"])
    after = SignedDistribution(other, "Files", signing_keys=["Second", "First"])
    assert before.signing_key.node.id == "FirstKey"
    assert after.signing_key.node.id == "SecondKey"
    assert of_type(synthesized(stack), PUBLIC_KEY) == of_type(synthesized(other), PUBLIC_KEY)


def test_no_bucket_can_be_public(default: Json) -> None:
    for found in of_type(default, BUCKET).values():
        assert set(found["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
        assert "AccessControl" not in found["Properties"]
        (rule,) = found["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def test_every_bucket_refuses_what_is_not_tls(default: Json) -> None:
    policies = of_type(default, "AWS::S3::BucketPolicy").values()
    guarded = set()
    for policy in policies:
        refused = [s for s in policy["Properties"]["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
        conditions = [statement["Condition"] for statement in refused]
        assert {"Bool": {"aws:SecureTransport": "false"}} in conditions
        assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in conditions
        guarded.add(policy["Properties"]["Bucket"]["Ref"])
    assert guarded == of_type(default, BUCKET).keys()


def test_refusals_are_not_kept_at_the_edge(default: Json) -> None:
    """Case F08: a file is served as soon as it is there, whoever asked too early."""
    kept = {
        answer["ErrorCode"]: answer["ErrorCachingMinTTL"]
        for answer in config(default)["CustomErrorResponses"]
    }
    assert kept.keys() >= {403, 404, 500, 502, 503, 504}
    assert set(kept.values()) == {0}


def test_files_live_a_little_longer_than_their_reports_and_unfinished_uploads_two_days() -> None:
    rules = {
        rule["Id"]: rule
        for rule in bucket(made(result_days=30, dataset_days=5))["Properties"]["LifecycleConfiguration"][
            "Rules"
        ]
    }
    assert (rules["Results"]["Prefix"], rules["Results"]["ExpirationInDays"]) == ("results/", 32)
    assert (rules["Datasets"]["Prefix"], rules["Datasets"]["ExpirationInDays"]) == ("datasets/", 7)
    assert (rules["Inputs"]["Prefix"], rules["Inputs"]["ExpirationInDays"]) == ("inputs/", 30)
    # Case F09: S3 refuses this rule together with a filter by size, and uploads have any prefix.
    assert rules["UnfinishedUploads"] == {
        "Id": "UnfinishedUploads",
        "Status": "Enabled",
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2},
    }


def test_files_are_sent_with_headers_that_keep_browsers_from_running_them(default: Json) -> None:
    # Case F11.
    headers = properties(default, "AWS::CloudFront::ResponseHeadersPolicy")["ResponseHeadersPolicyConfig"]
    security = headers["SecurityHeadersConfig"]
    assert security["ContentTypeOptions"] == {"Override": True}
    assert "sandbox" in security["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    assert security["ReferrerPolicy"]["ReferrerPolicy"] == "no-referrer"
    assert security["StrictTransportSecurity"]["AccessControlMaxAgeSec"] >= 31_536_000
    assert "CorsConfig" not in headers


def test_pages_of_named_origins_may_read_files() -> None:
    template = made(cors_origins=["https://app.example.com"])
    headers = properties(template, "AWS::CloudFront::ResponseHeadersPolicy")["ResponseHeadersPolicyConfig"]
    assert headers["CorsConfig"]["AccessControlAllowOrigins"] == {"Items": ["https://app.example.com"]}
    assert headers["CorsConfig"]["AccessControlAllowCredentials"] is False
    # Case F12.
    assert {"Content-Disposition", "Content-Length"} <= set(
        headers["CorsConfig"]["AccessControlExposeHeaders"]["Items"]
    )


def test_a_preflight_request_reaches_a_bucket_that_answers_it() -> None:
    """Case F12: a bucket without a rule refuses it, and no header of the edge makes that a success."""
    template = made(cors_origins=["https://app.example.com"])
    assert bucket(template)["Properties"]["CorsConfiguration"]["CorsRules"] == [
        {
            "AllowedOrigins": ["https://app.example.com"],
            "AllowedMethods": ["GET", "HEAD"],
            "AllowedHeaders": ["Range"],
            "ExposedHeaders": ["Content-Disposition", "Content-Length", "Content-Range", "ETag"],
        }
    ]
    behavior = config(template)["DefaultCacheBehavior"]
    # Managed-CORS-S3Origin: it passes Origin and Access-Control-Request-* on.
    assert behavior["OriginRequestPolicyId"] == "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf"
    assert "OPTIONS" in behavior["AllowedMethods"]


def test_without_origins_no_page_reads_files(default: Json) -> None:
    assert "CorsConfiguration" not in bucket(default)["Properties"]
    assert "OriginRequestPolicyId" not in config(default)["DefaultCacheBehavior"]


def test_requests_to_the_edge_and_to_the_bucket_are_logged(default: Json) -> None:
    target = logical_id(default, BUCKET, "AccessLogs")
    assert config(default)["Logging"]["Bucket"] == {"Fn::GetAtt": [target, "RegionalDomainName"]}
    assert bucket(default)["Properties"]["LoggingConfiguration"] == {
        "DestinationBucketName": {"Ref": target},
        "LogFilePrefix": "results/",
    }
    (allowed,) = (
        statement
        for policy in of_type(default, "AWS::S3::BucketPolicy").values()
        if policy["Properties"]["Bucket"] == {"Ref": target}
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    )
    assert allowed["Principal"] == {"Service": "logging.s3.amazonaws.com"}
    assert allowed["Condition"]["ArnLike"] == {
        "aws:SourceArn": {"Fn::GetAtt": [logical_id(default, BUCKET, "Results"), "Arn"]}
    }


def test_files_are_kept_unless_it_is_said_otherwise_and_then_the_buckets_are_emptied(default: Json) -> None:
    assert {found["DeletionPolicy"] for found in of_type(default, BUCKET).values()} == {"Retain"}
    assert not of_type(default, "Custom::S3AutoDeleteObjects")
    gone = made(removal_policy=RemovalPolicy.DESTROY)
    assert {found["DeletionPolicy"] for found in of_type(gone, BUCKET).values()} == {"Delete"}
    emptied = {
        e["Properties"]["BucketName"]["Ref"] for e in of_type(gone, "Custom::S3AutoDeleteObjects").values()
    }
    assert emptied == of_type(gone, BUCKET).keys()


def test_a_bucket_of_the_callers_is_served_and_none_is_made_beside_it() -> None:
    stack = new_stack()
    own = s3.Bucket(stack, "Own")
    SignedDistribution(stack, "Files", bucket=own)
    template = synthesized(stack)
    assert not [key for key in of_type(template, BUCKET) if "Results" in key]
    (origin,) = config(template)["Origins"]
    assert origin["DomainName"] == {"Fn::GetAtt": [logical_id(template, BUCKET, "Own"), "RegionalDomainName"]}


def test_the_private_key_is_in_no_template_and_only_its_maker_writes_it(default: Json) -> None:
    assert "PRIVATE KEY" not in json.dumps(default)
    secret = properties(default, "AWS::SecretsManager::Secret")
    assert "SecretString" not in secret
    assert "GenerateSecretString" in secret
    writers = {key for key, s in statements(default) if "secretsmanager:PutSecretValue" in s["Action"]}
    assert len(writers) == 1
    assert next(iter(writers)).startswith("FilesFirstKeyMakerRole")
    made_key = properties(default, "Custom::SigningKey")
    assert made_key.keys() == {"ServiceToken", "SecretArn"}


def test_the_public_key_comes_from_the_deployment(default: Json) -> None:
    encoded = properties(default, PUBLIC_KEY)["PublicKeyConfig"]["EncodedKey"]
    assert encoded == {"Fn::GetAtt": [logical_id(default, "Custom::SigningKey"), "PublicKey"]}

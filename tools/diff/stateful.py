"""What holds state, and which changes CloudFormation can make only by replacing or never.

From the CloudFormation reference ("Update requires: Replacement") and the resource schemas. Only types whose
loss loses data, messages, users, keys or addresses that others hold are listed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

_REFERENCE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource"


@dataclass(frozen=True, kw_only=True)
class StatefulType:
    """One resource type. Properties are paths with dots: ``PublicKeyConfig.EncodedKey``."""

    page: str
    #: A change makes a new, empty resource and deletes the old one.
    replacing: frozenset[str] = frozenset()
    #: A change makes the update fail: who wants it makes a new resource.
    fixed: frozenset[str] = frozenset()
    #: A change makes a new value that whoever uses the old one does not know.
    regenerating: frozenset[str] = frozenset()
    #: Lists from which nothing may go, with the key that names an element, or None for plain values.
    growing: Mapping[str, str | None] = field(default_factory=dict)
    #: The property that keeps the resource from being deleted.
    protection: str | None = None
    #: What CloudFormation does without a DeletionPolicy.
    default_deletion: str = "Delete"

    @property
    def url(self) -> str:
        """The page of the reference that says so."""
        return f"{_REFERENCE}-{self.page}.html"


STATEFUL: Mapping[str, StatefulType] = {
    "AWS::RDS::DBInstance": StatefulType(
        page="rds-dbinstance",
        replacing=frozenset({
            "AvailabilityZone", "BackupTarget", "CharacterSetName", "CustomIAMInstanceProfile",
            "DBClusterIdentifier", "DBClusterSnapshotIdentifier", "DBInstanceIdentifier", "DBName",
            "DBSnapshotIdentifier", "DBSubnetGroupName", "DBSystemId", "Engine", "KmsKeyId", "MasterUsername",
            "NcharCharacterSetName", "PerformanceInsightsKMSKeyId", "Port", "RestoreTime",
            "SourceDBClusterIdentifier", "SourceDBInstanceAutomatedBackupsArn", "SourceDBInstanceIdentifier",
            "SourceDbiResourceId", "SourceRegion", "StorageEncrypted", "Timezone", "UseLatestRestorableTime",
        }),
        protection="DeletionProtection",
        default_deletion="Snapshot",
    ),
    "AWS::S3::Bucket": StatefulType(
        page="s3-bucket",
        replacing=frozenset({"BucketName", "BucketNamePrefix", "BucketNamespace"}),
    ),
    "AWS::AmazonMQ::Broker": StatefulType(
        page="amazonmq-broker",
        replacing=frozenset({
            "AuthenticationStrategy", "BrokerName", "DeploymentMode", "EncryptionOptions", "EngineType",
            "PubliclyAccessible", "StorageType", "SubnetIds",
        }),
    ),
    # "Settings you can't change" in Cognito's guide, docs.aws.amazon.com/cognito/latest/developerguide/
    # cognito-user-pool-updating.html; of the schema attributes can be added, and none changed or removed.
    "AWS::Cognito::UserPool": StatefulType(
        page="cognito-userpool",
        fixed=frozenset({"AliasAttributes", "UsernameAttributes", "UsernameConfiguration"}),
        growing={"Schema": "Name"},
        protection="DeletionProtection",
    ),
    # "When you make a change to this property, a new secret version is created", with another password.
    "AWS::SecretsManager::Secret": StatefulType(
        page="secretsmanager-secret",
        replacing=frozenset({"Name"}),
        regenerating=frozenset({"GenerateSecretString"}),
    ),
    # "If you change the values of the KeySpec, KeyUsage, Origin, or MultiRegion properties of an existing
    # KMS key, the update request fails."
    "AWS::KMS::Key": StatefulType(
        page="kms-key", fixed=frozenset({"KeySpec", "KeyUsage", "MultiRegion", "Origin"})
    ),
    "AWS::ElastiCache::ReplicationGroup": StatefulType(
        page="elasticache-replicationgroup",
        replacing=frozenset({
            "AtRestEncryptionEnabled", "CacheSubnetGroupName", "DataTieringEnabled", "Engine",
            "GlobalReplicationGroupId", "KmsKeyId", "NetworkType", "Port", "PreferredCacheClusterAZs",
            "ReplicasPerNodeGroup", "ReplicationGroupId", "SnapshotArns", "SnapshotName",
        }),
    ),
    # CloudFront's UpdatePublicKey: "the only value you can change is the comment".
    "AWS::CloudFront::PublicKey": StatefulType(
        page="cloudfront-publickey",
        fixed=frozenset({
            "PublicKeyConfig.CallerReference", "PublicKeyConfig.EncodedKey", "PublicKeyConfig.Name",
        }),
    ),
    # A key that leaves its group ends every link that was signed with it.
    "AWS::CloudFront::KeyGroup": StatefulType(
        page="cloudfront-keygroup", growing={"KeyGroupConfig.Items": None}
    ),
    "AWS::EC2::VPC": StatefulType(
        page="ec2-vpc",
        replacing=frozenset({
            "CidrBlock", "InstanceTenancy", "Ipv4IpamPoolId", "Ipv4NetmaskLength", "VpcEncryptionControl",
        }),
    ),
    "AWS::EC2::Subnet": StatefulType(
        page="ec2-subnet",
        replacing=frozenset({
            "AvailabilityZone", "AvailabilityZoneId", "CidrBlock", "Ipv4IpamPoolId", "Ipv4NetmaskLength",
            "Ipv6IpamPoolId", "Ipv6Native", "Ipv6NetmaskLength", "OutpostArn", "VpcId",
        }),
    ),
}  # fmt: skip

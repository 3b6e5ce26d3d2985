"""The same for what outlives a deployment: buckets, tables, keys, secrets."""

from __future__ import annotations

from collections.abc import Callable

from convert import Parts, Properties, Reader, block, nested
from evaluate import Module


def key(parts: Parts) -> Properties:
    return parts.main().renamed(
        {
            "description": "Description",
            "enable_key_rotation": "EnableKeyRotation",
            "deletion_window_in_days": "PendingWindowInDays",
            "policy": "KeyPolicy",
            "customer_master_key_spec": "KeySpec",
            "key_usage": "KeyUsage",
        }
    )


def table(parts: Parts) -> Properties:
    reader = parts.main()
    properties = reader.renamed(
        {
            "name": "TableName",
            "billing_mode": "BillingMode",
            "deletion_protection_enabled": "DeletionProtectionEnabled",
        }
    )
    properties["KeySchema"] = _key_schema(reader)
    properties["AttributeDefinitions"] = [
        one.renamed({"name": "AttributeName", "type": "AttributeType"}) for one in reader.blocks("attribute")
    ]
    indexes = [
        {
            "KeySchema": _key_schema(index),
            "IndexName": index.take("name"),
            "Projection": index.renamed(
                {"projection_type": "ProjectionType", "non_key_attributes": "NonKeyAttributes"}
            ),
        }
        for index in reader.blocks("global_secondary_index")
    ]
    nested(properties, "GlobalSecondaryIndexes", indexes)
    for name, new, inner in (
        ("ttl", "TimeToLiveSpecification", {"attribute_name": "AttributeName", "enabled": "Enabled"}),
        (
            "point_in_time_recovery",
            "PointInTimeRecoverySpecification",
            {"enabled": "PointInTimeRecoveryEnabled"},
        ),
        (
            "server_side_encryption",
            "SSESpecification",
            {"enabled": "SSEEnabled", "kms_key_arn": "KMSMasterKeyId"},
        ),
    ):
        nested(properties, new, block(reader, name, inner))
    streams, view = reader.take("stream_enabled"), reader.take("stream_view_type")
    nested(properties, "StreamSpecification", {"StreamViewType": view} if streams else None)
    return properties


def _key_schema(reader: Reader) -> list[Properties]:
    hash_key, range_key = reader.take("hash_key"), reader.take("range_key")
    keys = [{"AttributeName": hash_key, "KeyType": "HASH"}]
    return keys + ([{"AttributeName": range_key, "KeyType": "RANGE"}] if range_key else [])


def secret(parts: Parts) -> Properties:
    reader, version = parts.main(), parts.same("aws_secretsmanager_secret_version")
    properties = reader.renamed(
        {
            "name": "Name",
            "description": "Description",
            "kms_key_id": "KmsKeyId",
            "recovery_window_in_days": "RecoveryWindowInDays",
        }
    )
    if (
        version
        and version.take("secret_id") == f"⟦{parts.address}.arn⟧"
        and version.take("secret_string_wo_version")
    ):
        properties["GenerateSecretString"] = _generated(parts.module, version.take("secret_string_wo"))
    return properties


def _generated(module: Module, value: str) -> Properties | None:
    address = value.removeprefix("⟦").removesuffix(".random_password⟧")
    names = {"password_length": "PasswordLength", "exclude_punctuation": "ExcludePunctuation"}
    return Reader(module.resource(address)).renamed(names) if address in module.resources else None


def bucket(parts: Parts) -> Properties:
    name = parts.address.split(".")[1]
    key = name.removesuffix("[0]")
    reader = parts.main()
    properties = reader.renamed({"bucket_prefix": "BucketName", "object_lock_enabled": "ObjectLockEnabled"})

    def satellite(kind: str, which: str) -> Reader | None:
        found = parts.part(f"{kind}.{which}") or parts.part(f"{kind}.{which}[0]")
        return found if found and found.take("bucket") == f"⟦{parts.address}.bucket⟧" else None

    versioning = satellite("aws_s3_bucket_versioning", f"bucket[{key}]")
    nested(
        properties,
        "VersioningConfiguration",
        versioning and block(versioning, "versioning_configuration", {"status": "Status"}),
    )
    access = satellite("aws_s3_bucket_public_access_block", f"bucket[{key}]")
    nested(properties, "PublicAccessBlockConfiguration", access and access.renamed(PUBLIC))
    owner = satellite("aws_s3_bucket_ownership_controls", f"bucket[{key}]")
    if owner:
        rules = [one.renamed({"object_ownership": "ObjectOwnership"}) for one in owner.blocks("rule")]
        properties["OwnershipControls"] = {"Rules": rules}
    encryption = satellite("aws_s3_bucket_server_side_encryption_configuration", name)
    if encryption:
        rules = [_encryption(one) for one in encryption.blocks("rule")]
        properties["BucketEncryption"] = {"ServerSideEncryptionConfiguration": rules}
    lock = satellite("aws_s3_bucket_object_lock_configuration", name)
    rule = lock and lock.block("rule")
    if rule:
        retention = block(rule, "default_retention", {"mode": "Mode", "days": "Days"})
        properties["ObjectLockConfiguration"] = {
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": retention},
        }
    logging = satellite("aws_s3_bucket_logging", name)
    names = {"target_bucket": "DestinationBucketName", "target_prefix": "LogFilePrefix"}
    nested(properties, "LoggingConfiguration", logging and logging.renamed(names))
    lifecycle = satellite("aws_s3_bucket_lifecycle_configuration", name)
    if lifecycle:
        properties["LifecycleConfiguration"] = {
            "Rules": [_lifecycle(one) for one in lifecycle.blocks("rule")]
        }
    return properties


PUBLIC = {
    "block_public_acls": "BlockPublicAcls",
    "block_public_policy": "BlockPublicPolicy",
    "ignore_public_acls": "IgnorePublicAcls",
    "restrict_public_buckets": "RestrictPublicBuckets",
}


def _encryption(rule: Reader) -> Properties:
    properties = rule.renamed({"bucket_key_enabled": "BucketKeyEnabled"})
    names = {"sse_algorithm": "SSEAlgorithm", "kms_master_key_id": "KMSMasterKeyID"}
    nested(
        properties,
        "ServerSideEncryptionByDefault",
        block(rule, "apply_server_side_encryption_by_default", names),
    )
    return properties


def _lifecycle(rule: Reader) -> Properties:
    properties = rule.renamed({"id": "Id", "status": "Status"})
    condition = rule.block("filter")
    for place in (condition, condition and condition.block("and")):
        if place:
            sizes = {
                "object_size_greater_than": "ObjectSizeGreaterThan",
                "object_size_less_than": "ObjectSizeLessThan",
            }
            properties.update(place.renamed({"prefix": "Prefix", **sizes}))
    nested(
        properties,
        "AbortIncompleteMultipartUpload",
        block(rule, "abort_incomplete_multipart_upload", {"days_after_initiation": "DaysAfterInitiation"}),
    )
    expiration = {"days": "ExpirationInDays", "expired_object_delete_marker": "ExpiredObjectDeleteMarker"}
    properties.update(block(rule, "expiration", expiration) or {})
    noncurrent = block(rule, "noncurrent_version_expiration", {"noncurrent_days": "NoncurrentDays"})
    nested(properties, "NoncurrentVersionExpiration", noncurrent)
    return properties


def bucket_policy(parts: Parts) -> Properties:
    return parts.main().renamed({"bucket": "Bucket", "policy": "PolicyDocument"})


CONVERTERS: dict[str, Callable[[Parts], Properties]] = {
    "AWS::DynamoDB::Table": table,
    "AWS::KMS::Key": key,
    "AWS::S3::Bucket": bucket,
    "AWS::S3::BucketPolicy": bucket_policy,
    "AWS::SecretsManager::Secret": secret,
}

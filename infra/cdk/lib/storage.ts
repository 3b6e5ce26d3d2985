// What outlives a deployment: the evidence archive with the key and the secrets of its logs, the operations bucket, the
// ledger and the secret that pseudonyms are made with. Without `destroyable` all of it is kept when the stack goes, and can be adopted by the next
// one (`bin/adopt.ts`). Of the archive and its key that is so in AWS with `destroyable` too.

import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import {
  AttributeType,
  BillingMode,
  ProjectionType,
  StreamViewType,
  TableEncryption,
  Table,
} from 'aws-cdk-lib/aws-dynamodb';
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type LifecycleRule,
  ObjectLockRetention,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import {
  CHECK_INDEX,
  CUSTOMER_INDEX,
  EMAIL_INDEX,
  KEY_INDEX,
  NAME_INDEX,
  RESOURCE_INDEX,
  UNDELIVERED_INDEX,
} from './indexes.ts';
import type { Settings } from './settings.ts';

/** For so long a flow relies on the versions of manifests: `PROVABLE_DAYS` in `shared/delivery/src/print.rs`. */
const SPOOL_PROVABLE_DAYS = 30;
/** No manifest is larger: `MAX_MANIFEST_BYTES` in the same file. */
const MANIFEST_BYTES = 16 * 1024;

/** What the access logs of buckets are kept for. */
const ACCESS_RULE: LifecycleRule = {
  id: 'access',
  prefix: 'access/',
  expiration: Duration.days(400),
  noncurrentVersionExpiration: Duration.days(1),
};

/** What every bucket is. */
export function bucketBasics(removalPolicy: RemovalPolicy) {
  return {
    versioned: true,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforceSSL: true,
    removalPolicy,
  };
}

/** What a bucket of evidence is beside that: its objects are encrypted with `encryptionKey`, and locked by default. */
export function locked(encryptionKey: Key, { lockMode, lockDays }: Pick<Settings, 'lockMode' | 'lockDays'>) {
  const days = Duration.days(lockDays);
  return {
    encryption: BucketEncryption.KMS,
    encryptionKey,
    bucketKeyEnabled: true,
    objectLockEnabled: true,
    objectLockDefaultRetention:
      lockMode === 'COMPLIANCE' ? ObjectLockRetention.compliance(days) : ObjectLockRetention.governance(days),
  };
}

export class Storage extends Construct {
  readonly archive: Bucket;
  readonly archiveKey: Key;
  /** Signs the checkpoints of the logs. */
  readonly logKey: Key;
  /** What the leaves of the logs are salted with, by customer. */
  readonly commitments: Table;
  readonly operations: Bucket;
  /** Only where the operations bucket cannot take the archive's access log. */
  readonly accessLogs?: Bucket;
  readonly table: Table;
  readonly customerKey: Secret;
  /** Links to documents that are published for their customers. */
  readonly links: Table;
  readonly linkKey: Secret;

  constructor(
    scope: Construct,
    id: string,
    private readonly settings: Settings,
    /** Of the deployment's own, for all but the archive, which has one in any case. */
    private readonly key?: Key,
  ) {
    super(scope, id);
    this.accessLogs = this.key === undefined ? undefined : this.makeAccessLogs();
    this.operations = this.makeOperations();
    this.archiveKey = new Key(this, 'ArchiveKey', {
      description: 'Archived documents and their evidence records',
      enableKeyRotation: true,
      removalPolicy: this.settings.removal.archive,
    });
    this.archive = this.makeArchive();
    this.logKey = this.makeLogKey();
    this.commitments = this.makeCommitments();
    this.table = this.makeTable();
    this.customerKey = this.makeCustomerKey();
    this.links = this.makeLinks();
    this.linkKey = this.makeLinkKey();
  }

  // No rule expires anything here: an object's own retention, chosen by the class of its document, says how long
  // it is kept at least, and what is done with it afterwards is a decision, not a default.
  private makeArchive(): Bucket {
    const bucket = new Bucket(this, 'Archive', {
      ...bucketBasics(this.settings.removal.archive),
      ...locked(this.archiveKey, this.settings),
      serverAccessLogsBucket: this.accessLogs ?? this.operations,
      serverAccessLogsPrefix: 'access/archive/',
      lifecycleRules: [{ id: 'unfinished-uploads', abortIncompleteMultipartUploadAfter: Duration.days(7) }],
    });
    bucket.addToResourcePolicy(
      new PolicyStatement({
        sid: 'KeepRetentionWithinBounds',
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: ['s3:PutObject', 's3:PutObjectRetention'],
        resources: [bucket.arnForObjects('*')],
        conditions: {
          NumericGreaterThan: {
            's3:object-lock-remaining-retention-days': String(this.settings.maxRetentionDays),
          },
        },
      }),
    );
    return bucket;
  }

  // Whoever checks a proof knows the logs by this key, so it is kept as long as the archive. KMS rotates no key of this kind.
  private makeLogKey(): Key {
    return new Key(this, 'LogKey', {
      description: 'Signs the checkpoints of the logs of evidence records',
      keySpec: KeySpec.ECC_NIST_EDWARDS25519,
      keyUsage: KeyUsage.SIGN_VERIFY,
      removalPolicy: this.settings.removal.archive,
    });
  }

  // No point-in-time recovery: a secret that was deleted so that nobody can tell any more what a leaf was must not come
  // back. One that is lost takes the possibility to prove records of its customer by the log, and erasable documents.
  private makeCommitments(): Table {
    const table = new Table(this, 'Commitments', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      ...this.tableEncryption(),
      deletionProtection: this.settings.guarded,
      removalPolicy: this.settings.removal.data,
    });
    // an object names its secret by an id that leads nowhere once the item is gone
    table.addGlobalSecondaryIndex({
      indexName: KEY_INDEX,
      partitionKey: { name: 'key_id', type: AttributeType.STRING },
      projectionType: ProjectionType.KEYS_ONLY,
    });
    const reason = 'A deleted secret must not come back: with it, what a leaf of the log was could be told again.';
    Validations.of(table).acknowledge(
      { id: 'AwsSolutions-DDB3', reason },
      { id: 'NIST.800.53.R5-DynamoDBPITREnabled', reason },
    );
    return table;
  }

  private tableEncryption() {
    if (this.key === undefined) return { encryption: TableEncryption.AWS_MANAGED };
    return { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey: this.key };
  }

  // S3 delivers access logs only to a bucket that a key of S3's encrypts. They name keys and requests, and no content.
  private makeAccessLogs(): Bucket {
    const bucket = new Bucket(this, 'AccessLogs', {
      ...bucketBasics(this.settings.removal.data),
      encryption: BucketEncryption.S3_MANAGED,
      lifecycleRules: [
        { id: 'unfinished-uploads', abortIncompleteMultipartUploadAfter: Duration.days(7) },
        ACCESS_RULE,
      ],
    });
    const reason = 'It receives the access logs; a bucket that logs its own access never comes to rest.';
    Validations.of(bucket).acknowledge(
      { id: 'AwsSolutions-S1', reason },
      { id: 'NIST.800.53.R5-S3BucketLoggingEnabled', reason },
      {
        id: 'NIST.800.53.R5-S3DefaultEncryptionKMS',
        reason: 'S3 delivers access logs only to a bucket whose default encryption is its own.',
      },
    );
    return bucket;
  }

  private makeOperations(): Bucket {
    const bucket = new Bucket(this, 'Operations', {
      ...bucketBasics(this.settings.removal.data),
      ...(this.key === undefined
        ? { encryption: BucketEncryption.S3_MANAGED }
        : { encryption: BucketEncryption.KMS, encryptionKey: this.key, bucketKeyEnabled: true }),
      serverAccessLogsBucket: this.accessLogs,
      serverAccessLogsPrefix: this.accessLogs && 'access/operations/',
      lifecycleRules: [
        { id: 'unfinished-uploads', abortIncompleteMultipartUploadAfter: Duration.days(7) },
        { id: 'delete-markers', expiredObjectDeleteMarker: true },
        // payloads hold personal data: the versions go as soon as the current one has
        {
          id: 'work',
          prefix: 'work/',
          expiration: Duration.days(14),
          noncurrentVersionExpiration: Duration.days(1),
        },
        // the archive keeps what was printed
        { id: 'spool', prefix: 'spool/', expiration: Duration.days(this.settings.spoolDays) },
        // whether a document was spooled is told by the versions of its manifest, whoever has deleted it; documents
        // are larger, hold personal data, and prove nothing here
        {
          id: 'spool-documents',
          prefix: 'spool/',
          objectSizeGreaterThan: MANIFEST_BYTES,
          noncurrentVersionExpiration: Duration.days(1),
        },
        {
          id: 'spool-manifests',
          prefix: 'spool/',
          objectSizeLessThan: MANIFEST_BYTES + 1,
          noncurrentVersionExpiration: Duration.days(SPOOL_PROVABLE_DAYS + 1),
        },
        // what print providers say, and what came of it: the ledger keeps what was believed
        {
          id: 'print-status',
          prefix: 'print-status/',
          expiration: Duration.days(this.settings.spoolDays),
          noncurrentVersionExpiration: Duration.days(1),
        },
        // everything that is held of a person, until the merchant has fetched it
        {
          id: 'exports',
          prefix: 'exports/',
          expiration: Duration.days(30),
          noncurrentVersionExpiration: Duration.days(1),
        },
        // what an audience or a period came to; the ledger keeps what was made of it
        {
          id: 'runs',
          prefix: 'runs/',
          expiration: Duration.days(this.settings.runDays),
          noncurrentVersionExpiration: Duration.days(1),
        },
        // no rule for `config/`: evidence records name its versions, so every version stays
        ACCESS_RULE,
      ],
    });
    // a provider that may delete what it has collected hides a version; removing one would remove the proof
    if (this.settings.removal.data !== RemovalPolicy.DESTROY) {
      bucket.addToResourcePolicy(
        new PolicyStatement({
          sid: 'KeepWhatWasSpooled',
          effect: Effect.DENY,
          principals: [new AnyPrincipal()],
          actions: ['s3:DeleteObjectVersion'],
          resources: [bucket.arnForObjects('spool/*')],
        }),
      );
    }
    if (this.key !== undefined) return bucket;
    Validations.of(bucket).acknowledge(
      {
        id: 'AwsSolutions-S1',
        reason: 'It receives the access log of the archive; a bucket that logs its own access never comes to rest.',
      },
      {
        id: 'NIST.800.53.R5-S3DefaultEncryptionKMS',
        reason: 'S3 delivers access logs only to a bucket whose default encryption is its own.',
      },
    );
    return bucket;
  }

  // Communications carry no time to live: one that the ledger forgot could be sent a second time. The attribute is
  // for what serves a while only, such as the counts behind a frequency cap.
  private makeTable(): Table {
    const table = new Table(this, 'Ledger', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: 'expires_epoch_s',
      ...this.tableEncryption(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: this.settings.guarded,
      removalPolicy: this.settings.removal.data,
      // both images: an outcome is told when it changes, not whenever its item does
      stream: this.settings.outcomeBus === undefined ? undefined : StreamViewType.NEW_AND_OLD_IMAGES,
    });
    table.addGlobalSecondaryIndex({
      indexName: RESOURCE_INDEX,
      partitionKey: { name: 'resource_key', type: AttributeType.STRING },
      projectionType: ProjectionType.KEYS_ONLY,
    });
    table.addGlobalSecondaryIndex({
      indexName: CHECK_INDEX,
      partitionKey: { name: 'check_shop', type: AttributeType.STRING },
      sortKey: { name: 'check_epoch_ms', type: AttributeType.NUMBER },
      projectionType: ProjectionType.KEYS_ONLY,
    });
    for (const [indexName, name, type] of [
      [NAME_INDEX, 'name_key', AttributeType.BINARY],
      [CUSTOMER_INDEX, 'customer', AttributeType.STRING],
      [EMAIL_INDEX, 'email_key', AttributeType.BINARY],
    ] as const) {
      table.addGlobalSecondaryIndex({
        indexName,
        partitionKey: { name, type },
        sortKey: { name: 'created_epoch_ms', type: AttributeType.NUMBER },
        projectionType: ProjectionType.KEYS_ONLY,
      });
    }
    table.addGlobalSecondaryIndex({
      indexName: UNDELIVERED_INDEX,
      partitionKey: { name: 'shop', type: AttributeType.STRING },
      sortKey: { name: 'undelivered_ms', type: AttributeType.NUMBER },
      projectionType: ProjectionType.INCLUDE,
      nonKeyAttributes: ['state', 'document', 'reason'],
    });
    return table;
  }

  private makeCustomerKey(): Secret {
    const secret = new Secret(this, 'CustomerKey', {
      secretName: `${this.settings.prefix}/customer-key`,
      description: 'Key of the HMAC that stands for a customer in the ledger',
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
      encryptionKey: this.key,
      removalPolicy: this.settings.removal.data,
    });
    const reason = 'A rotated key would give every customer another pseudonym and cut the ledger in two.';
    Validations.of(secret).acknowledge(
      { id: 'AwsSolutions-SMG4', reason },
      { id: 'NIST.800.53.R5-SecretsManagerRotationEnabled', reason },
    );
    return secret;
  }

  // Apart from the ledger: the function that everybody can reach has no right on the ledger, and what a link has come to is
  // forgotten some day, which a communication never is.
  private makeLinks(): Table {
    return new Table(this, 'Links', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: 'expires_epoch_s',
      ...this.tableEncryption(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: this.settings.guarded,
      removalPolicy: this.settings.removal.data,
    });
  }

  private makeLinkKey(): Secret {
    const secret = new Secret(this, 'LinkKey', {
      secretName: `${this.settings.prefix}/link-key`,
      description: 'Key that the tokens of links are derived with',
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
      encryptionKey: this.key,
      removalPolicy: this.settings.removal.data,
    });
    const reason =
      'Links work without the key; one that was changed while a document is being sent would give it a second link. A person ' +
      'changes it when it has leaked: docs/web-channel.md.';
    Validations.of(secret).acknowledge(
      { id: 'AwsSolutions-SMG4', reason },
      { id: 'NIST.800.53.R5-SecretsManagerRotationEnabled', reason },
    );
    return secret;
  }
}

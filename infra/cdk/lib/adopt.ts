// What a deleted stack left behind, in the form that `cdk import` takes it up: logical id → identifier. The outputs of the
// deleted stack name everything it retained, each by its `Ref`; the template says which resources of today these are.

/** The property that CloudFormation identifies a resource to import by; its value is what `Ref` gives. */
const IDENTIFIERS: Readonly<Record<string, string>> = {
  'AWS::Backup::BackupVault': 'BackupVaultName',
  'AWS::DynamoDB::Table': 'TableName',
  'AWS::KMS::Key': 'KeyId',
  'AWS::S3::Bucket': 'BucketName',
  'AWS::SecretsManager::Secret': 'Id',
  'AWS::SQS::Queue': 'QueueUrl',
};

/** What goes with the resource that it belongs to: there is none left to adopt. */
const DEPENDENT = ['AWS::Lambda::Version'];

export interface RetainingTemplate {
  readonly Resources: Readonly<
    Record<string, { readonly Type: string; readonly DeletionPolicy?: string; readonly Properties?: object }>
  >;
  readonly Outputs?: Readonly<Record<string, { readonly Value: unknown }>>;
}

export type Adoption = Record<string, Record<string, string>>;

/** Throws if a retained resource is not among the outputs: a deployment without it would fail, or begin empty. */
export function adoption(template: RetainingTemplate, outputs: Readonly<Record<string, string>>): Adoption {
  // what is between the stacks has the same `Ref`, and may be missing
  const named = Object.entries(template.Outputs ?? {}).filter(([name]) => outputs[name] !== undefined);
  const values = named.map(([name, { Value }]) => [refOf(Value), outputs[name]]);
  const identifiers = new Map(values as [string | undefined, string | undefined][]);
  const retained = Object.entries(template.Resources).filter(
    ([, { Type, DeletionPolicy }]) => DeletionPolicy?.startsWith('Retain') && !DEPENDENT.includes(Type),
  );
  return Object.fromEntries(
    retained.map(([logicalId, { Type }]) => {
      const property = IDENTIFIERS[Type];
      if (property === undefined) throw new Error(`${logicalId}: it is not known how to import ${Type}`);
      const identifier = identifiers.get(logicalId);
      if (identifier === undefined) throw new Error(`${logicalId}: the outputs of the deleted stack lack this ${Type}`);
      return [logicalId, { [property]: identifier }];
    }),
  );
}

function refOf(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null && 'Ref' in value ? String(value.Ref) : undefined;
}

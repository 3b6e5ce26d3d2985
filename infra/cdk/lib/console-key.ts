// The key of the console. Apart from the console, which can be deleted and made again.

import { Validations } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { Settings } from './settings.ts';

/** What the console signs sessions and addresses of documents with. */
export function makeConsoleKey(scope: Construct, { prefix, removal }: Settings, key?: IKey): Secret {
  const secret = new Secret(scope, 'ConsoleKey', {
    secretName: `${prefix}/console-key`,
    description: 'Key that the console signs sessions and addresses of documents with',
    generateSecretString: { passwordLength: 64, excludePunctuation: true },
    encryptionKey: key,
    removalPolicy: removal.data,
  });
  const reason = 'What it signs lives for an hour at most. Whoever changes it ends all sessions: docs/console.md.';
  Validations.of(secret).acknowledge(
    { id: 'AwsSolutions-SMG4', reason },
    { id: 'NIST.800.53.R5-SecretsManagerRotationEnabled', reason },
  );
  return secret;
}

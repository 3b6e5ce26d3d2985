// What context says about the copy of the archive in another account and region, and about backups.

import type { Context } from './context.ts';

export interface SecondCopy {
  /** Twelve digits: whose the copy is. */
  readonly account: string;
  readonly bucket: string;
  /** Key in the copy's account and region that the copies are encrypted with. */
  readonly keyArn: string;
}

export interface Backups {
  /** Days that a recovery point is kept, here and there. */
  readonly days: number;
  /** Vault in the copy's account and region; without it, recovery points stay here. */
  readonly copyVaultArn?: string;
}

export function readSecondCopy({ text }: Context): SecondCopy | undefined {
  const [account, bucket, keyArn] = [text('copyAccount'), text('copyBucket'), text('copyKey')];
  if (account === undefined && bucket === undefined && keyArn === undefined) return undefined;
  if (account === undefined || bucket === undefined || keyArn === undefined) {
    throw new Error('context copyAccount, copyBucket, copyKey: all or none');
  }
  if (!/^\d{12}$/.test(account)) throw new Error(`context copyAccount: \`${account}\` is no account`);
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket))
    throw new Error(`context copyBucket: \`${bucket}\` is no bucket`);
  if (!new RegExp(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:${account}:key/[\\w-]+$`).test(keyArn)) {
    throw new Error('context copyKey: expected the ARN of a key of copyAccount');
  }
  return { account, bucket, keyArn };
}

export function readBackups({ text, whole }: Context): Backups | undefined {
  const days = whole('backupDays', 0, 0, 3650);
  const copyVaultArn = text('copyVault');
  if (days === 0) {
    if (copyVaultArn !== undefined) throw new Error('context copyVault: only with backupDays');
    return undefined;
  }
  if (
    copyVaultArn !== undefined &&
    !/^arn:aws[a-z-]*:backup:[a-z0-9-]+:\d{12}:backup-vault:[\w-]+$/.test(copyVaultArn)
  ) {
    throw new Error('context copyVault: expected the ARN of a backup vault');
  }
  return { days, copyVaultArn };
}

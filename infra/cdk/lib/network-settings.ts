// What context says about the network of the functions.

import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Context, listed } from './context.ts';

export interface NetworkSettings {
  /** One that the stack makes, or the subnets and security groups of one that is there. */
  readonly vpc?:
    | { readonly create: { readonly cidr: string; readonly zones: number; readonly natGateways: number } }
    | { readonly subnets: readonly string[]; readonly securityGroups: readonly string[] };
  /** Address of the proxy for everything that is not AWS. */
  readonly httpsProxy?: string;
  /** What is reached without it. */
  readonly noProxy: string;
  /** PEM file of further authorities. */
  readonly caBundle?: string;
}

export function readNetwork({ text, whole, oneOf }: Context): NetworkSettings {
  const way = oneOf('vpc', ['none', 'create', 'existing'], 'none');
  const zones = whole('vpcZones', 2, 2, 3);
  const create = { cidr: text('vpcCidr') ?? '10.20.0.0/16', zones, natGateways: whole('natGateways', 1, 0, 3) };
  if (!/^(\d{1,3}\.){3}0\/(1[6-9]|20)$/.test(create.cidr)) {
    throw new Error(`context vpcCidr: \`${create.cidr}\` is not a block of 16 to 20 bits, such as 10.20.0.0/16`);
  }
  if (create.natGateways > zones) throw new Error('context natGateways: more than vpcZones');
  const existing = {
    subnets: ids('vpcSubnets', 'subnet', text('vpcSubnets')),
    securityGroups: ids('vpcSecurityGroups', 'sg', text('vpcSecurityGroups')),
  };
  const given = existing.subnets.length + existing.securityGroups.length;
  if (way === 'existing' && (existing.subnets.length < 2 || existing.securityGroups.length === 0)) {
    throw new Error('context vpcSubnets, vpcSecurityGroups: vpc=existing needs two subnets and a security group');
  }
  if (way !== 'existing' && given > 0) throw new Error('context vpcSubnets, vpcSecurityGroups: only with vpc=existing');
  const httpsProxy = text('httpsProxy');
  if (httpsProxy !== undefined && !/^https?:\/\/[\w.-]+(:\d{1,5})?\/?$/.test(httpsProxy)) {
    throw new Error('context httpsProxy: expected an address without a password, such as http://proxy.example:3128');
  }
  return {
    vpc: way === 'none' ? undefined : way === 'create' ? { create } : existing,
    httpsProxy,
    noProxy: text('noProxy') ?? '.amazonaws.com',
    caBundle: bundleOf('caBundle', text('caBundle')),
  };
}

function ids(key: string, kind: string, value: string | undefined): string[] {
  const named = listed(value);
  for (const id of named) {
    if (!new RegExp(`^${kind}-[0-9a-f]{8,17}$`).test(id))
      throw new Error(`context ${key}: \`${id}\` is no id of ${kind}-…`);
  }
  return named;
}

/** A file of certificates. Whoever gives one with a key gives it by mistake: every function would carry it. */
function bundleOf(key: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const file = resolve(value);
  if (!existsSync(file)) throw new Error(`context ${key}: there is no file ${file}`);
  const text = readFileSync(file, 'utf8');
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw new Error(`context ${key}: ${file} has no certificate`);
  if (text.includes('PRIVATE KEY-----')) throw new Error(`context ${key}: ${file} has a private key`);
  return file;
}

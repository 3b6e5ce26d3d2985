// Everything that may differ between two deployments, read from CDK context once.
// A missing or malformed value stops the synthesis and names itself; nothing else in the app reads context.

import { isAbsolute, join, resolve } from 'node:path';
import type { Node } from 'constructs';
import { RemovalPolicy } from 'aws-cdk-lib';
import { Architecture } from 'aws-cdk-lib/aws-lambda';
import {
  ARCHIVE_SEAL,
  byName,
  DELIVERY_STATUS,
  FLOWS,
  type FlowName,
  FUNCTIONS,
  type FunctionName,
  INTAKE,
  QUEUES,
  RECONCILE,
  RUNS,
  type RunName,
  WRITE_BACK,
} from './functions.ts';
import { contextOf } from './context.ts';
import { pascal } from './names.ts';
import { type TimeStampSettings, readTimeStamps } from './time-stamps.ts';
import { type NetworkSettings, readNetwork } from './network-settings.ts';
import { readTraces, type TraceSettings } from './traces.ts';
import { type Backups, readBackups, readSecondCopy, type SecondCopy } from './second-copy-settings.ts';
import { type Person, readTrusted } from './trusted.ts';

const repository = resolve(__dirname, '../../..');

/** A bus: an existing one by its name or ARN, or one that the stack makes. */
export type Bus = { existing: string } | { create: true };

/**
 * What becomes of what the stack made when it goes. Retained means: except by a rollback of the very deployment that
 * made it, so that one that failed can be repeated under the same names.
 */
export interface Removal {
  /** Archive bucket and its key: only an emulator destroys them. */
  readonly archive: RemovalPolicy;
  /** Everything else that holds something: table, operations bucket, queues, customer key. */
  readonly data: RemovalPolicy;
  /** Versions of functions that are not in force any more. */
  readonly versions: RemovalPolicy;
}

export const RETAIN = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;

export interface Settings {
  /** Name of the stack and first part of every physical name and secret. */
  readonly prefix: string;
  readonly architecture: Architecture;
  /** Minutes that a new version gets a tenth of the work before it gets all; without it, it gets all at once. */
  readonly canaryMinutes?: number;
  /** Holds `<function>/bootstrap`. */
  readonly codeRoot: string;
  /** Brings Shopify's events. */
  readonly bus: Bus;
  /** Takes events of outcomes. Without it nothing is told. */
  readonly outcomeBus?: Bus;
  /** Prefix of the `source` of accepted events. */
  readonly eventSource: string;
  /** AWS endpoint of the functions; only for an emulator. */
  readonly endpointUrl?: string;
  /** Whether everything is retained but the archive, or nothing: see `Removal`. */
  readonly removal: Removal;
  /** Stack and table refuse to be deleted. */
  readonly guarded: boolean;
  /** Keys of the deployment's own encrypt everything that can take one. */
  readonly customerManagedKeys: boolean;
  readonly lockMode: 'COMPLIANCE' | 'GOVERNANCE';
  /** Default retention of an archived object that was put without its own. */
  readonly lockDays: number;
  /** Nothing is locked for longer, whatever a configuration says: under COMPLIANCE nobody could take it back. */
  readonly maxRetentionDays: number;
  /** Most invocations of a flow function at once: the load that Exstream gets is this times the batch. */
  readonly maxConcurrency: Readonly<Record<FlowName, number>>;
  /** Most runs of a kind at once. */
  readonly runConcurrency: Readonly<Record<RunName, number>>;
  /** Deliveries of a message before it is given up. */
  readonly maxReceiveCount: number;
  readonly writeBackConcurrency: number;
  readonly writeBackWindowSeconds: number;
  /** How long documents that wait to be printed, and those that were, stay in the operations bucket. */
  readonly spoolDays: number;
  /** How long the state of statement and offer runs stays there. */
  readonly runDays: number;
  readonly asyncRetries: number;
  readonly timeoutSeconds: Readonly<Record<FunctionName, number>>;
  readonly memoryMegabytes: Readonly<Record<FunctionName, number>>;
  /** Room for files, of runs that need more than Lambda gives. */
  readonly runStorageMegabytes: Readonly<Record<RunName, number | undefined>>;
  readonly everyMinutes: { readonly archiveSeal: number; readonly deliveryStatus: number; readonly reconcile: number };
  /** True: archive-seal, delivery-status and reconcile wait to be invoked by hand. */
  readonly schedulesPaused: boolean;
  /** More documents of a flow than this that had to be recovered in one period of reconcile are an alarm. */
  readonly recoveredAlarm: number;
  /** Hours without an event from the partner source that are an alarm; 0 for none. */
  readonly silentHours: number;
  /** More than this share of a flow's documents that failed is an alarm, from so many failures on. */
  readonly failedAlarm: { readonly mostPercent: number; readonly atLeast: number };
  /** First delay of a message that failed and may succeed later. */
  readonly retryBaseSeconds: number;
  readonly configTtlSeconds: number;
  readonly logLevel: string;
  /** Who may take the roles for people: ARNs of roles, of users and of SAML providers. */
  readonly trusted: Readonly<Record<Person, readonly string[]>>;
  /** SNS topic that alarms notify. */
  readonly alarmTopicArn?: string;
  /** Every alarm notifies, and not only its group. */
  readonly notifyEachAlarm: boolean;
  /** Where docs/runbook.md can be read by whoever is notified. */
  readonly runbookUrl: string;
  readonly documents: DocumentSettings;
  readonly timeStamps?: TimeStampSettings;
  readonly network: NetworkSettings;
  readonly traces?: TraceSettings;
  /** Of the archive, in another account and region. */
  readonly copy?: SecondCopy;
  readonly backups?: Backups;
  /** On everything that can have tags. */
  readonly costTags: Readonly<Record<string, string>>;
  /** Without it, there is no console. */
  readonly console?: ConsoleSettings;
}

/** How people reach the console, and who logs them in. */
export interface ConsoleSettings {
  /** Requests per second, and how many at once. */
  readonly rate: number;
  readonly burst: number;
  readonly domain?: Domain;
  /** The company's own identity provider. Without it, the stack makes a user pool of Cognito. */
  readonly provider?: {
    readonly issuer: string;
    readonly clientId: string;
    readonly rolesClaim: string;
    readonly logOutUrl?: string;
  };
  /** The client has a secret, which an operator puts into `<prefix>/console-client`. */
  readonly confidential: boolean;
  /** What the provider calls the roles, such as `support=helpdesk,operator=ops`. */
  readonly roles?: string;
}

/** How customers reach their documents. */
export interface DocumentSettings {
  /** Requests per second, and how many at once. */
  readonly rate: number;
  readonly burst: number;
  readonly domain?: Domain;
  /** ARN of a web ACL for CloudFront. */
  readonly webAcl?: string;
}

export function readSettings(node: Node): Settings {
  const context = contextOf(node);
  const { text, oneOf, whole, optional, flag } = context;
  const prefix = text('prefix') ?? 'shopify-exstream';
  if (!/^[a-z][a-z0-9-]{0,39}$/.test(prefix)) {
    throw new Error(`context prefix: \`${prefix}\` must be 1 to 40 lower-case letters, digits and hyphens`);
  }
  // eleven years: the ten of most tax laws begin with the end of a calendar year
  const maxRetentionDays = whole('maxRetentionDays', 4018, 1, 36_500);
  const codeRoot = text('codeRoot') ?? 'target/lambda';
  const maxConcurrency = optional('maxConcurrency', 2, 1000);
  const runConcurrency = optional('runConcurrency', 2, 100);
  const timeoutSeconds = byName(FUNCTIONS, ({ name, timeoutSeconds }) =>
    whole(`timeout${pascal(name)}`, timeoutSeconds, 1, 900),
  );
  const endpointUrl = text('endpointUrl');
  const emulated = endpointUrl !== undefined;
  const lockMode = oneOf('lockMode', ['COMPLIANCE', 'GOVERNANCE'], 'COMPLIANCE');
  const removal = readRemoval(flag('destroyable'), emulated, lockMode);
  return {
    prefix,
    architecture:
      oneOf('architecture', ['arm64', 'x86_64'], 'arm64') === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64,
    canaryMinutes: readRollOut(oneOf('rollOut', ROLL_OUTS, emulated ? 'at-once' : 'canary-15')),
    codeRoot: isAbsolute(codeRoot) ? codeRoot : join(repository, codeRoot),
    bus: readBus(text('eventBus'), flag('createBus')),
    outcomeBus: readOutcomeBus(text('outcomeBus'), flag('createOutcomeBus')),
    eventSource: text('eventSource') ?? 'aws.partner/shopify.com/',
    endpointUrl,
    removal,
    // a guard would also stop CloudFormation from taking back a first deployment that failed
    guarded: removal.data === RETAIN && !flag('firstDeployment'),
    customerManagedKeys: flag('customerManagedKeys'),
    lockMode,
    lockDays: whole('lockDays', Math.min(365, maxRetentionDays), 1, maxRetentionDays),
    maxRetentionDays,
    maxConcurrency: byName(FLOWS, (flow) =>
      whole(`maxConcurrency${pascal(flow.name)}`, maxConcurrency ?? flow.maxConcurrency, 2, 1000),
    ),
    runConcurrency: byName(RUNS, (run) => runConcurrency ?? run.maxConcurrency),
    maxReceiveCount: whole('maxReceiveCount', QUEUES.maxReceiveCount, 100, 1000),
    writeBackConcurrency: whole('maxConcurrencyWriteBack', WRITE_BACK.maxConcurrency, 2, 1000),
    writeBackWindowSeconds: whole('writeBackWindow', WRITE_BACK.windowSeconds, 1, 300),
    spoolDays: whole('spoolDays', 90, 1, 3650),
    runDays: whole('runDays', 60, 8, 3650),
    asyncRetries: whole('asyncRetries', INTAKE.asyncRetries, 0, 2),
    timeoutSeconds,
    memoryMegabytes: byName(FUNCTIONS, ({ name, memoryMegabytes }) =>
      whole(`memory${pascal(name)}`, memoryMegabytes, 128, 10_240),
    ),
    runStorageMegabytes: byName(RUNS, ({ name, storageMegabytes }) =>
      storageMegabytes === undefined ? undefined : whole(`storage${pascal(name)}`, storageMegabytes, 512, 10_240),
    ),
    everyMinutes: {
      archiveSeal: period('everyArchiveSeal', ARCHIVE_SEAL.everyMinutes, timeoutSeconds['archive-seal']),
      deliveryStatus: period('everyDeliveryStatus', DELIVERY_STATUS.everyMinutes, timeoutSeconds['delivery-status']),
      reconcile: period('everyReconcile', RECONCILE.everyMinutes, timeoutSeconds.reconcile),
    },
    schedulesPaused: flag('pauseSchedules'),
    recoveredAlarm: whole('recoveredAlarm', 20, 0, 1_000_000),
    silentHours: whole('silentHours', 24, 0, 168),
    failedAlarm: {
      mostPercent: whole('failedAlarm', 5, 0, 100),
      atLeast: whole('failedAlarmFrom', 3, 1, 1_000_000),
    },
    retryBaseSeconds: whole('retryBase', QUEUES.retryBaseSeconds, 0, 900),
    configTtlSeconds: whole('configTtl', 60, 0, 3600),
    logLevel: oneOf('logLevel', ['error', 'warn', 'info', 'debug'], 'info'),
    trusted: {
      operator: readTrusted('trustOperator', text('trustOperator')),
      auditor: readTrusted('trustAuditor', text('trustAuditor')),
      support: readTrusted('trustSupport', text('trustSupport')),
      records: readTrusted('trustRecords', text('trustRecords')),
    },
    alarmTopicArn: text('alarmTopic'),
    notifyEachAlarm: oneOf('alarmNotify', ['groups', 'each'], 'groups') === 'each',
    runbookUrl: text('runbookUrl') ?? 'docs/runbook.md',
    timeStamps: readTimeStamps(
      text('timeStampUrl'),
      text('timeStampRoots'),
      oneOf('timeStampDigest', ['sha256', 'sha384', 'sha512'], 'sha256'),
      whole('timeStampRenewDays', 180, 30, 720),
    ),
    network: readNetwork(context),
    traces: readTraces(context),
    copy: readSecondCopy(context),
    backups: readBackups(context),
    costTags: readTags(text('costTags')),
    documents: {
      rate: whole('documentsRate', 50, 1, 10_000),
      burst: whole('documentsBurst', 100, 1, 10_000),
      ...readDomain(text('documentsDomain'), text('documentsCertificate'), text('documentsWebAcl')),
    },
    console: readConsole(flag('console')),
  };

  // what is wrong is said whether there is a console or not
  function readConsole(wanted: boolean): ConsoleSettings | undefined {
    const [issuer, clientId] = [text('consoleIssuer'), text('consoleClientId')];
    if ((issuer === undefined) !== (clientId === undefined)) {
      throw new Error('context consoleIssuer and consoleClientId: an identity provider needs both');
    }
    const confidential = flag('consoleClientSecret') && issuer !== undefined;
    const rolesClaim = text('consoleRolesClaim') ?? 'groups';
    const logOutUrl = text('consoleLogOutUrl');
    const local = endpointUrl !== undefined;
    if (issuer !== undefined && !issuer.startsWith('https://') && !(local && issuer.startsWith('http://127.0.0.1:'))) {
      throw new Error(`context consoleIssuer: \`${issuer}\` must begin with https://`);
    }
    const [name, certificateArn] = [text('consoleDomain'), text('consoleCertificate')];
    const domain = readDomain(name, certificateArn, undefined, 'console').domain;
    const settings = {
      rate: whole('consoleRate', 20, 1, 10_000),
      burst: whole('consoleBurst', 50, 1, 10_000),
      domain,
      provider:
        issuer === undefined || clientId === undefined
          ? undefined
          : {
              issuer,
              clientId,
              rolesClaim,
              logOutUrl,
            },
      confidential,
      roles: text('consoleRoles'),
    };
    return wanted ? settings : undefined;
  }

  /** Longer than the function may take, so that it never runs beside itself. */
  function period(key: string, fallback: number, timeout: number): number {
    const minutes = whole(key, fallback, 1, 60);
    if (minutes * 60 <= timeout) throw new Error(`context ${key}: must be longer than the time-out of ${timeout} s`);
    return minutes;
  }
}

/** What the other side of the second copy is made from. */
export function readCopyTarget(node: Node) {
  const { text, oneOf, whole } = contextOf(node);
  const source = text('copyOf');
  if (source === undefined || !/^\d{12}$/.test(source)) {
    throw new Error('context copyOf: expected the account of the deployment, twelve digits');
  }
  return {
    source,
    prefix: text('prefix') ?? 'shopify-exstream',
    lockMode: oneOf('lockMode', ['COMPLIANCE', 'GOVERNANCE'], 'COMPLIANCE'),
    lockDays: whole('lockDays', 365, 1, 36_500),
  };
}

/** `key=value`, separated by commas. AWS keeps keys that begin with `aws:` to itself. */
function readTags(tags: string | undefined): Record<string, string> {
  const pairs = (tags ?? '').split(',').filter((it) => it.trim() !== '');
  const read = pairs.map((pair) => {
    const [, key, value] = /^\s*(?!aws:)([\w.:/+@-]{1,128})=([\w .:/+@-]{1,256}?)\s*$/i.exec(pair) ?? [];
    if (key === undefined || value === undefined) throw new Error(`context costTags: \`${pair}\` is not key=value`);
    return [key, value] as const;
  });
  return Object.fromEntries(read);
}

/** Those that CodeDeploy has. */
const ROLL_OUTS = ['canary-5', 'canary-10', 'canary-15', 'canary-30', 'at-once'] as const;

function readRollOut(way: (typeof ROLL_OUTS)[number]): number | undefined {
  return way === 'at-once' ? undefined : Number(way.replace('canary-', ''));
}

function readBus(existing: string | undefined, create: boolean): Bus {
  if (existing !== undefined && !create) return { existing };
  if (existing === undefined && create) return { create: true };
  throw new Error('give either -c eventBus=<name of the Shopify partner bus> or -c createBus=true');
}

function readOutcomeBus(existing: string | undefined, create: boolean): Bus | undefined {
  if (existing === undefined) return create ? { create: true } : undefined;
  if (create) throw new Error('give either -c outcomeBus=<name or ARN of a bus> or -c createOutcomeBus=true');
  const name = /^(arn:aws[a-z-]*:events:[a-z0-9-]+:\d{12}:event-bus\/)?[\w.-]{1,256}$/;
  if (!name.test(existing)) throw new Error(`context outcomeBus: \`${existing}\` is no name or ARN of a bus`);
  return { existing };
}

/** A domain of one's own. */
export interface Domain {
  readonly name: string;
  /** In the stack's region, or in us-east-1 with a web ACL. */
  readonly certificateArn: string;
}

function readDomain(
  name: string | undefined,
  certificateArn: string | undefined,
  webAcl: string | undefined,
  of = 'documents',
): Pick<DocumentSettings, 'domain' | 'webAcl'> {
  if (name === undefined) {
    if (certificateArn === undefined && webAcl === undefined) return {};
    throw new Error(`context ${of}Domain: a certificate and a web ACL are for a domain`);
  }
  if (!/^(?=.{4,253}$)([a-z0-9-]{1,63}\.)+[a-z]{2,63}$/.test(name)) {
    throw new Error(`context ${of}Domain: \`${name}\` is not a domain, such as documents.shop.example`);
  }
  if (certificateArn === undefined || !/^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\//.test(certificateArn)) {
    throw new Error(`context ${of}Certificate: expected the ARN of the certificate of ${of}Domain`);
  }
  if (webAcl === undefined) return { domain: { name, certificateArn } };
  if (!/^arn:aws[a-z-]*:wafv2:us-east-1:\d{12}:global\/webacl\//.test(webAcl)) {
    throw new Error('context documentsWebAcl: expected the ARN of a web ACL for CloudFront, which are global');
  }
  if (!certificateArn.includes(':us-east-1:')) {
    throw new Error('context documentsCertificate: with a web ACL, CloudFront needs a certificate in us-east-1');
  }
  return { domain: { name, certificateArn }, webAcl };
}

function readRemoval(destroyable: boolean, emulated: boolean, lockMode: Settings['lockMode']): Removal {
  if (!destroyable) return { archive: RETAIN, data: RETAIN, versions: RETAIN };
  if (emulated) {
    const versions = RemovalPolicy.DESTROY;
    return { archive: RemovalPolicy.DESTROY, data: RemovalPolicy.DESTROY, versions };
  }
  if (lockMode === 'COMPLIANCE') {
    throw new Error(
      'context destroyable: nobody can delete what COMPLIANCE locks; take -c lockMode=GOVERNANCE for a stack that is to go',
    );
  }
  return { archive: RETAIN, data: RemovalPolicy.DESTROY, versions: RETAIN };
}

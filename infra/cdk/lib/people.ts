// Roles for people, each with exactly what its commands of `ctl` need. Who may take one is context: nobody may
// until a deployment says so, and then the role is made. A session lasts an hour at most; IAM users need MFA.

import { Duration, Validations } from 'aws-cdk-lib';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import {
  ArnPrincipal,
  type CfnRole,
  CompositePrincipal,
  FederatedPrincipal,
  PolicyDocument,
  type PrincipalBase,
  Role,
} from 'aws-cdk-lib/aws-iam';
import type { CfnScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { type DataKey, withKey } from './encryption.ts';
import type { Handler } from './function.ts';
import { pascal } from './names.ts';
import * as allow from './permissions.ts';
import type { Grant } from './permissions.ts';
import type { Storage } from './storage.ts';
import { PEOPLE, type Person } from './trusted.ts';

/** Each role's commands, as `ctl` calls itself in the user agent of its requests. */
const COMMANDS: Readonly<Record<Person, readonly string[]>> = {
  operator: [
    'ctl-config',
    'ctl-diff',
    'ctl-dlq-discard',
    'ctl-dlq-list',
    'ctl-dlq-redrive',
    'ctl-dlq-show',
    'ctl-find',
    'ctl-link-publish',
    'ctl-link-replace',
    'ctl-link-revoke',
    'ctl-link-show',
    'ctl-pause',
    'ctl-preview',
    'ctl-resend',
    'ctl-resume',
    'ctl-run',
    'ctl-settle',
    'ctl-status',
    'ctl-status-all',
    'ctl-status-metafield',
    'ctl-suppress',
    'ctl-why',
  ],
  auditor: ['ctl-find', 'ctl-privacy', 'ctl-proof', 'ctl-show', 'ctl-status', 'ctl-why'],
  support: ['ctl-find', 'ctl-status', 'ctl-why'],
  records: ['ctl-dispose', 'ctl-hold', 'ctl-release', 'ctl-status', 'ctl-templates'],
};

export interface PeopleProps {
  readonly prefix: string;
  readonly storage: Storage;
  /** What operators put messages into: those of the flows, of the runs and of write-back. */
  readonly queues: Queue[];
  /** All queues that functions take work from. */
  readonly waiting: Queue[];
  /** Of all queues, of intake and so on. */
  readonly deadLetters: Queue[];
  /** Takes the events of intake's dead letters again. */
  readonly intake: Handler;
  /** Those that take work from a queue. */
  readonly consumers: Handler[];
  readonly schedules: { readonly group: CfnScheduleGroup; readonly runRole: Role };
  /** The bus, where the stack made it: nobody may put events of a partner's. */
  readonly ownBus?: IEventBus;
  /** ARNs of roles, of users and of SAML providers. */
  readonly dataKey?: DataKey;
  readonly trusted: Readonly<Record<Person, readonly string[]>>;
}

export class People extends Construct {
  readonly roles: Partial<Record<Person, Role>> = {};

  constructor(
    scope: Construct,
    id: string,
    private readonly props: PeopleProps,
  ) {
    super(scope, id);
    const { ownBus, storage } = props;
    const commands = { ...COMMANDS };
    if (ownBus !== undefined) commands.operator = [...commands.operator, 'ctl-send'];
    const grants: Record<Person, Grant[]> = {
      operator: this.operate(),
      auditor: [
        allow.search(storage.table),
        allow.readSecret(storage.customerKey),
        allow.readEvidence(storage.archive, storage.archiveKey),
        allow.proveEvidence(storage.archive, storage.commitments),
        allow.openErasable(storage.commitments),
        allow.readFacts(storage.archive),
        allow.recordAccess(storage.archive, storage.archiveKey),
        // what came of privacy requests, and what customers are to get
        allow.read(storage.operations, 'privacy/requests/*', 'exports/*'),
      ],
      support: [allow.search(storage.table), allow.readSecret(storage.customerKey)],
      records: [
        allow.lookAt(storage.table),
        allow.holdEvidence(storage.archive, storage.archiveKey),
        allow.destroyExpired(storage.archive),
        // records of erasable documents are encrypted, too
        allow.openErasable(storage.commitments),
        allow.read(storage.operations, 'config/*'),
        allow.readSecret(storage.customerKey),
      ],
    };
    for (const person of PEOPLE) {
      if (props.trusted[person].length > 0) {
        this.roles[person] = this.role(person, commands[person], withKey(grants[person], props.dataKey));
      }
    }
  }

  private operate(): Grant[] {
    const { consumers, deadLetters, intake, ownBus, prefix, queues, schedules, storage, waiting } = this.props;
    return [
      allow.search(storage.table),
      allow.updateLedger(storage.table),
      allow.readRecords(storage.archive, storage.archiveKey),
      allow.openErasable(storage.commitments),
      // what they decide, and whose documents they look at
      allow.addFacts(storage.archive, storage.archiveKey),
      allow.recordAccess(storage.archive, storage.archiveKey),
      allow.read(storage.operations, 'config/*', 'runs/*'),
      // what was in force before, to compare it and to store it again
      allow.readVersions(storage.operations, 'config/*'),
      allow.write(storage.operations, 'audit/*', 'config/*'),
      allow.readShopSecrets(this, prefix),
      allow.readSecret(storage.customerKey),
      allow.publishLinks(storage.links),
      allow.readSecret(storage.linkKey),
      allow.send(...queues),
      allow.countMessages(waiting),
      allow.workOffDeadLetters(deadLetters),
      allow.invoke(intake.alias),
      allow.pause(this, consumers),
      allow.keepSchedules(schedules.group, schedules.runRole),
      ...(ownBus === undefined ? [] : [allow.putEvents(ownBus)]),
    ];
  }

  private role(person: Person, commands: readonly string[], grants: Grant[]): Role {
    const role = new Role(this, pascal(person), {
      description: `For people: ${commands.map((name) => name.replace('-', ' ')).join(', ')}`,
      assumedBy: new CompositePrincipal(...this.props.trusted[person].map(principal)),
      maxSessionDuration: Duration.hours(1),
      inlinePolicies: {
        [person]: new PolicyDocument({ statements: grants.flatMap((grant) => grant.statements) }),
      },
    });
    // the end-to-end tests compare the role with what these commands ask of AWS
    (role.node.defaultChild as CfnRole).addMetadata('Commands', commands);
    Validations.of(role).acknowledge(...grants.flatMap((grant) => grant.patterns));
    return role;
  }
}

/**
 * One who may take a role. A role's sessions and a SAML provider's have proved who they are in their own way, such
 * as with IAM Identity Center; a user's keys prove nothing without MFA.
 */
function principal(arn: string): PrincipalBase {
  if (arn.includes(':saml-provider/')) {
    const audience = { StringEquals: { 'SAML:aud': 'https://signin.aws.amazon.com/saml' } };
    return new FederatedPrincipal(arn, audience, 'sts:AssumeRoleWithSAML');
  }
  const known = new ArnPrincipal(arn);
  if (!arn.includes(':user/')) return known;
  return known.withConditions({ Bool: { 'aws:MultiFactorAuthPresent': 'true' } }) as PrincipalBase;
}

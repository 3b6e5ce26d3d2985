// One Lambda function with its log group and its own role. The role holds the grants it is given and the right
// to write to its log group: nothing is granted by a construct behind the reader's back. Whoever invokes the function invokes
// its alias `live`, which names a version: code and settings that do not change. So a deployment can move to another version
// by degrees, and go back.

import { ArnFormat, Duration, RemovalPolicy, Size, Stack, Validations } from 'aws-cdk-lib';
import { PolicyDocument, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import {
  Alias,
  ApplicationLogLevel,
  type CfnEventSourceMapping,
  type CfnFunction,
  type CfnEventInvokeConfigProps,
  CfnEventInvokeConfig,
  Code,
  EventSourceMapping,
  FilterCriteria,
  FilterRule,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  StartingPosition,
  SystemLogLevel,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type DataKey, through, withKey } from './encryption.ts';
import type { FunctionName } from './functions.ts';
import { attach, type Network } from './network.ts';
import { type Grant, log } from './permissions.ts';
import type { WorkQueue } from './queues.ts';
import type { Settings } from './settings.ts';

/** What invokes a function: the version that is in force. */
export const ALIAS = 'live';

export interface HandlerProps {
  /** Name of the crate and of the folder of its bootstrap. */
  readonly name: FunctionName;
  readonly settings: Settings;
  readonly network: Network;
  /** Keys of the deployment's own, of its data and of what works on it. */
  readonly dataKey?: DataKey;
  readonly key?: IKey;
  /** Room in `/tmp`, where Lambda's 512 MB are not enough. */
  readonly storageMegabytes?: number;
  readonly environment: Record<string, string>;
  readonly grants: Grant[];
}

export interface BatchProps {
  /** Lambda collects more than 10 messages only with a window of at least a second. */
  readonly size: number;
  readonly maxConcurrency: number;
  readonly windowSeconds: number;
}

export interface ChangesProps {
  readonly size: number;
  readonly windowSeconds: number;
  /** Changes of items in other states do not invoke the function. */
  readonly states: string[];
  /** Gets the place in the stream of a batch that the function failed at as a whole, again and again. */
  readonly deadLetters: Queue;
}

export class Handler extends Construct {
  readonly name: FunctionName;
  readonly function: LambdaFunction;
  readonly alias: Alias;
  readonly logGroup: LogGroup;
  readonly timeoutSeconds: number;
  private readonly emulated: boolean;

  constructor(scope: Construct, id: string, props: HandlerProps) {
    super(scope, id);
    this.name = props.name;
    this.emulated = props.settings.endpointUrl !== undefined;
    this.timeoutSeconds = props.settings.timeoutSeconds[props.name];
    const functionName = `${props.settings.prefix}-${props.name}`;
    this.logGroup = new LogGroup(this, 'Log', {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: RetentionDays.THREE_MONTHS,
      encryptionKey: props.key,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const { attachment, layers } = props.network;
    const inNetwork = attachment === undefined ? [] : [attach(this.arnOf(functionName))];
    const { key } = props;
    const environment =
      key === undefined ? [] : [{ statements: [through(key, 'lambda', ['kms:Decrypt'])], patterns: [] }];
    const grants = withKey([log(this.logGroup), ...inNetwork, ...props.grants, ...environment], props.dataKey);
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      inlinePolicies: {
        function: new PolicyDocument({ statements: grants.flatMap((grant) => grant.statements) }),
      },
    });
    Validations.of(role).acknowledge(...grants.flatMap((grant) => grant.patterns));
    this.function = new LambdaFunction(this, 'Function', {
      functionName,
      runtime: Runtime.PROVIDED_AL2023,
      architecture: props.settings.architecture,
      handler: 'bootstrap',
      code: Code.fromAsset(packageOf(join(props.settings.codeRoot, props.name))),
      memorySize: props.settings.memoryMegabytes[props.name],
      ephemeralStorageSize: props.storageMegabytes === undefined ? undefined : Size.mebibytes(props.storageMegabytes),
      timeout: Duration.seconds(this.timeoutSeconds),
      environment: props.environment,
      environmentEncryption: key,
      layers,
      role,
      logGroup: this.logGroup,
      // the function's own line per message says what the platform's START, END and REPORT lines would
      loggingFormat: LoggingFormat.JSON,
      systemLogLevelV2: SystemLogLevel.WARN,
      // Lambda must not filter a second time: its default, INFO, would drop the lines that `logLevel=debug` asks for,
      // and any level above INFO the metric lines, which have no level. `LOG_LEVEL` alone decides.
      applicationLogLevelV2: ApplicationLogLevel.TRACE,
      tracing: Tracing.DISABLED,
      // earlier versions are what a person goes back to; they go with the function
      currentVersionOptions: { removalPolicy: props.settings.removal.versions },
    });
    if (attachment !== undefined) (this.function.node.defaultChild as CfnFunction).vpcConfig = attachment;
    this.alias = new Alias(this, 'Live', { aliasName: ALIAS, version: this.function.currentVersion });
  }

  /** The role's policy names the function, and the function waits for the role. */
  private arnOf(functionName: string): string {
    const stack = Stack.of(this);
    const arnFormat = ArnFormat.COLON_RESOURCE_NAME;
    return stack.formatArn({ service: 'lambda', resource: 'function', resourceName: functionName, arnFormat });
  }

  /** What Lambda does with an event that it was given to deliver by itself. */
  whenAsynchronous(props: Omit<CfnEventInvokeConfigProps, 'functionName' | 'qualifier'>): void {
    const { functionName } = this.function;
    const config = new CfnEventInvokeConfig(this, 'Asynchronous', { ...props, functionName, qualifier: ALIAS });
    config.node.addDependency(this.alias);
    // an emulator of AWS heeds no other, whatever is invoked
    if (this.emulated) {
      new CfnEventInvokeConfig(this, 'AsynchronousLatest', { ...props, functionName, qualifier: '$LATEST' });
    }
  }

  /** Lets the function work on the queue. Its role must hold the grant to `consume` it. */
  consume(queue: WorkQueue, props: BatchProps): void {
    const mapping = new EventSourceMapping(this, 'Batches', {
      target: this.alias,
      eventSourceArn: queue.queue.queueArn,
      batchSize: props.size,
      maxBatchingWindow: Duration.seconds(props.windowSeconds),
      maxConcurrency: props.maxConcurrency,
      reportBatchItemFailures: true,
    });
    this.invokeAlias(mapping);
  }

  /**
   * Lets the function follow a table. Its role must hold the grant to read its changes. A batch that it fails at is
   * halved and repeated for twelve hours, half of what the stream keeps.
   */
  follow(table: Table, props: ChangesProps): void {
    const mapping = new EventSourceMapping(this, 'Changes', {
      target: this.alias,
      eventSourceArn: table.tableStreamArn,
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize: props.size,
      maxBatchingWindow: Duration.seconds(props.windowSeconds),
      filters: [FilterCriteria.filter({ dynamodb: { NewImage: { state: { S: FilterRule.or(...props.states) } } } })],
      bisectBatchOnError: true,
      maxRecordAge: Duration.hours(12),
      reportBatchItemFailures: true,
      // the construct for it would grant what the role's grants are to say
      onFailure: { bind: () => ({ destination: props.deadLetters.queueArn }) },
    });
    this.invokeAlias(mapping);
  }

  /** By the alias's ARN, in the place of a name that would be taken apart and put together again. */
  private invokeAlias(mapping: EventSourceMapping): void {
    (mapping.node.defaultChild as CfnEventSourceMapping).functionName = this.alias.functionArn;
  }
}

/** The zip of `make package`, or the folder of a bootstrap. */
function packageOf(folder: string): string {
  return existsSync(`${folder}.zip`) ? `${folder}.zip` : folder;
}

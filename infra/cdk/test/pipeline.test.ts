import { Match } from 'aws-cdk-lib/assertions';
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { arn, FLOWS, FUNCTIONS, idOf, only, PARTNER_BUS, RUNS, synthesize } from './support.ts';

const { template } = synthesize();
const queue = (id: string) => only(template, 'AWS::SQS::Queue', id);
const lambda = (id: string) => only(template, 'AWS::Lambda::Function', `${id}Function`);
const live = (id: string) => ({ Ref: only(template, 'AWS::Lambda::Alias', `${id}Live`).logicalId });

describe('queues', () => {
  test('hand what keeps failing to a dead-letter queue of their own, kept 14 days', () => {
    for (const name of [...FLOWS, ...RUNS, 'write-back', 'privacy']) {
      const id = `${idOf(name)}Queue`;
      assert.equal(queue(id).Properties.QueueName, `shopify-exstream-${name}`);
      const deadLetters = queue(`${id}DeadLetters`);
      assert.deepEqual(queue(id).Properties.RedrivePolicy, {
        deadLetterTargetArn: arn(deadLetters),
        maxReceiveCount: 100,
      });
      assert.equal(deadLetters.Properties.MessageRetentionPeriod, 14 * 24 * 3600);
    }
    for (const id of ['IntakeDeadLetters', 'SchedulesDeadLetters']) {
      assert.equal(queue(id).Properties.MessageRetentionPeriod, 14 * 24 * 3600);
    }
  });

  test('take the number of deliveries from context', () => {
    const { template } = synthesize({ maxReceiveCount: '250' });
    const redrive = only(template, 'AWS::SQS::Queue', 'ReturnLettersQueue').Properties.RedrivePolicy;
    assert.equal(redrive.maxReceiveCount, 250);
    // what waits for 13 days must not be given up by its queue before that
    assert.throws(() => synthesize({ maxReceiveCount: '99' }), /maxReceiveCount.*100 to 1000/);
  });

  test('hide a message for six time-outs of its function', () => {
    assert.equal(queue('OrderConfirmationQueue').Properties.VisibilityTimeout, 6 * 120);
    assert.equal(queue('AccountStatementsQueue').Properties.VisibilityTimeout, 6 * 300);
    assert.equal(queue('WriteBackQueue').Properties.VisibilityTimeout, 6 * 60);
    const quick = synthesize({ timeoutOrderConfirmation: '20' }).template;
    assert.equal(only(quick, 'AWS::SQS::Queue', 'OrderConfirmationQueue').Properties.VisibilityTimeout, 120);
    assert.equal(only(quick, 'AWS::Lambda::Function', 'OrderConfirmationFunction').Properties.Timeout, 20);
  });

  test('hide a run for two time-outs, so that one that died continues before long', () => {
    assert.equal(queue('StatementRunQueue').Properties.VisibilityTimeout, 2 * 900);
    assert.equal(queue('OfferRunQueue').Properties.VisibilityTimeout, 2 * 300);
  });

  test('are encrypted and refuse plain HTTP', () => {
    const queues = Object.entries(template.findResources('AWS::SQS::Queue'));
    assert.equal(queues.length, 2 * (FLOWS.length + RUNS.length + 2) + 3);
    for (const [logicalId, { Properties }] of queues) {
      assert.equal(Properties.SqsManagedSseEnabled, true);
      template.hasResourceProperties('AWS::SQS::QueuePolicy', {
        Queues: [{ Ref: logicalId }],
        PolicyDocument: {
          Statement: Match.arrayWith([
            Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
          ]),
        },
      });
    }
  });
});

describe('batches', () => {
  const batches = (id: string, from = template) =>
    only(from, 'AWS::Lambda::EventSourceMapping', `${id}Batches`).Properties;

  test('report the messages that failed, within a bound of concurrency', () => {
    for (const id of FLOWS.map(idOf)) {
      assert.deepEqual(batches(id), {
        EventSourceArn: arn(queue(`${id}Queue`)),
        FunctionName: live(id),
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        BatchSize: 10,
        MaximumBatchingWindowInSeconds: 0,
        ScalingConfig: { MaximumConcurrency: 20 },
      });
    }
    for (const id of RUNS.map(idOf)) {
      assert.equal(batches(id).BatchSize, 1);
      assert.deepEqual(batches(id).ScalingConfig, { MaximumConcurrency: 2 });
      assert.deepEqual(batches(id).EventSourceArn, arn(queue(`${id}Queue`)));
    }
    assert.deepEqual(batches('WriteBack'), {
      EventSourceArn: arn(queue('WriteBackQueue')),
      FunctionName: live('WriteBack'),
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      BatchSize: 50,
      MaximumBatchingWindowInSeconds: 5,
      ScalingConfig: { MaximumConcurrency: 4 },
    });
  });

  test('take concurrency and window from context', () => {
    const context = { maxConcurrency: '7', maxConcurrencyWriteBack: '3', writeBackWindow: '1' };
    const other = synthesize(context).template;
    assert.equal(batches('OrderConfirmation', other).ScalingConfig.MaximumConcurrency, 7);
    assert.equal(batches('WriteBack', other).ScalingConfig.MaximumConcurrency, 3);
    assert.equal(batches('WriteBack', other).MaximumBatchingWindowInSeconds, 1);
    assert.throws(() => synthesize({ writeBackWindow: '0' }), /writeBackWindow/);
    assert.throws(() => synthesize({ maxConcurrency: '1' }), /maxConcurrency.*2 to 1000/);
  });

  test('of one flow can be throttled, and runs', () => {
    const context = { maxConcurrency: '7', maxConcurrencyAccountStatements: '3', runConcurrency: '4' };
    const { template } = synthesize(context);
    const bound = (id: string) => batches(id, template).ScalingConfig.MaximumConcurrency;
    assert.deepEqual(['AccountStatements', 'OrderConfirmation', 'StatementRun'].map(bound), [3, 7, 4]);
    assert.throws(() => synthesize({ maxConcurrencyReturnLetters: '1' }), /maxConcurrencyReturnLetters/);
  });
});

describe('functions', () => {
  test('are arm64 unless context says otherwise', () => {
    for (const [architecture, context] of [
      ['arm64', {}],
      ['x86_64', { architecture: 'x86_64' }],
    ] as const) {
      const functions = Object.values(synthesize(context).template.findResources('AWS::Lambda::Function'));
      assert.equal(functions.length, FUNCTIONS.length);
      for (const { Properties } of functions) {
        assert.deepEqual(Properties.Architectures, [architecture]);
        assert.equal(Properties.Runtime, 'provided.al2023');
        assert.equal(Properties.TracingConfig, undefined);
        assert.equal(Properties.ReservedConcurrentExecutions, undefined);
      }
    }
    assert.throws(() => synthesize({ architecture: 'arm' }), /architecture.*arm64, x86_64/);
  });

  test('have their time-outs, memory and storage', () => {
    const of = (from: typeof template) =>
      FUNCTIONS.map((name) => {
        const { Timeout, MemorySize, EphemeralStorage } = only(
          from,
          'AWS::Lambda::Function',
          `${idOf(name)}Function`,
        ).Properties;
        return [name, Timeout, MemorySize, EphemeralStorage?.Size];
      });
    assert.deepEqual(of(template), [
      ['intake', 15, 256, undefined],
      ['order-confirmation', 120, 256, undefined],
      ['shipping-documents', 120, 256, undefined],
      ['return-letters', 120, 256, undefined],
      ['targeted-offers', 120, 256, undefined],
      ['account-statements', 300, 256, undefined],
      ['exception-letters', 120, 256, undefined],
      ['statement-run', 900, 512, 4096],
      ['offer-run', 300, 256, undefined],
      ['archive-seal', 900, 256, undefined],
      ['delivery-status', 240, 256, undefined],
      ['reconcile', 600, 256, undefined],
      ['write-back', 60, 256, undefined],
      ['documents', 20, 256, undefined],
      ['privacy', 900, 512, undefined],
      ['staff-console', 20, 256, undefined],
      ['outcome-events', 60, 256, undefined],
    ]);
    const context = { timeoutOfferRun: '60', memoryOfferRun: '128', storageStatementRun: '512' };
    const other = of(synthesize(context).template);
    assert.deepEqual(other[8], ['offer-run', 60, 128, undefined]);
    assert.deepEqual(other[7], ['statement-run', 900, 512, 512]);
    assert.throws(() => synthesize({ timeoutReconcile: '901' }), /timeoutReconcile.*1 to 900/);
  });

  test('log into a group that forgets', () => {
    for (const name of FUNCTIONS) {
      const group = only(template, 'AWS::Logs::LogGroup', `${idOf(name)}Log`);
      assert.equal(group.Properties.LogGroupName, `/aws/lambda/shopify-exstream-${name}`);
      assert.equal(group.Properties.RetentionInDays, 90);
      assert.deepEqual(lambda(idOf(name)).Properties.LoggingConfig.LogGroup, { Ref: group.logicalId });
    }
  });

  // Lambda drops JSON lines below its own level before CloudWatch sees them, and takes a line without a level, such
  // as one of metrics, for INFO
  test('leave it to LOG_LEVEL which lines there are, so that debug works and metrics pass at every level', () => {
    for (const logLevel of ['error', 'warn', 'info', 'debug']) {
      for (const { Properties } of Object.values(
        synthesize({ logLevel }).template.findResources('AWS::Lambda::Function'),
      )) {
        const { LogFormat, ApplicationLogLevel, SystemLogLevel } = Properties.LoggingConfig;
        assert.deepEqual([LogFormat, ApplicationLogLevel, SystemLogLevel], ['JSON', 'TRACE', 'WARN']);
        assert.equal(Properties.Environment.Variables.LOG_LEVEL, logLevel);
      }
    }
    assert.throws(() => synthesize({ logLevel: 'trace' }), /logLevel/);
  });

  test('are told where everything is', () => {
    const names = (id: string, from = template) =>
      Object.keys(only(from, 'AWS::Lambda::Function', `${id}Function`).Properties.Environment.Variables).sort();
    const common = [
      'ARCHIVE_BUCKET',
      'AWS_SDK_UA_APP_ID',
      'CONFIG_TTL_SECONDS',
      'LOG_LEVEL',
      'MAX_RETENTION_DAYS',
      'OPERATIONS_BUCKET',
      'SECRET_PREFIX',
      'TABLE_NAME',
    ];
    const flows = FLOWS.map((name) => `QUEUE_URL_${name.replaceAll('-', '_').toUpperCase()}`);
    const flow = [
      'ARCHIVE_LOCK_MODE',
      'BATCH_CONCURRENCY',
      'COMMITMENTS_TABLE_NAME',
      'DEAD_LETTER_QUEUE_URL',
      'DOCUMENTS_URL',
      'LINKS_TABLE_NAME',
      'QUEUE_URL',
      'RETRY_BASE_SECONDS',
      'WRITE_BACK_QUEUE_URL',
    ];
    const run = ['DEAD_LETTER_QUEUE_URL', 'FLOW_QUEUE_URL', 'QUEUE_URL', 'RETRY_BASE_SECONDS'];
    const expected: Record<string, string[]> = {
      intake: ['EVENT_SOURCES', ...flows],
      ...Object.fromEntries(FLOWS.map((name) => [name, flow])),
      ...Object.fromEntries(RUNS.map((name) => [name, run])),
      'archive-seal': ['ARCHIVE_LOCK_MODE', 'COMMITMENTS_TABLE_NAME', 'LOG_KEY_ID'],
      'delivery-status': ['ARCHIVE_LOCK_MODE', 'WRITE_BACK_QUEUE_URL', ...flows],
      reconcile: flows,
      'write-back': ['ARCHIVE_LOCK_MODE', 'DEAD_LETTER_QUEUE_URL', 'QUEUE_URL', 'RETRY_BASE_SECONDS'],
      documents: ['COMMITMENTS_TABLE_NAME', 'LINKS_TABLE_NAME', 'PRIVACY_QUEUE_URL', 'WRITE_BACK_QUEUE_URL'],
      privacy: [
        'ARCHIVE_LOCK_MODE',
        'COMMITMENTS_TABLE_NAME',
        'DEAD_LETTER_QUEUE_URL',
        'LINKS_TABLE_NAME',
        'QUEUE_URL',
        'RETRY_BASE_SECONDS',
      ],
      'staff-console': [
        'ARCHIVE_LOCK_MODE',
        'COMMITMENTS_TABLE_NAME',
        'CONSOLE_URL',
        'DEAD_LETTER_QUEUES',
        'DOCUMENTS_URL',
        'INTAKE_FUNCTION',
        'LINKS_TABLE_NAME',
        'OIDC_CLIENT_ID',
        'OIDC_ISSUER',
        'OIDC_LOG_OUT_URL',
        'OIDC_ROLES_CLAIM',
        'WRITE_BACK_QUEUE_URL',
        ...flows,
      ],
      'outcome-events': ['DEAD_LETTER_QUEUE_URL', 'OUTCOME_BUS'],
    };
    for (const name of FUNCTIONS) {
      assert.deepEqual(names(idOf(name)), [...common, ...(expected[name] ?? [])].sort(), name);
    }
    const url = (id: string, variable: string) => lambda(id).Properties.Environment.Variables[variable];
    const queueUrl = (id: string) => ({ Ref: queue(`${id}Queue`).logicalId });
    for (const name of FLOWS) {
      const variable = `QUEUE_URL_${name.replaceAll('-', '_').toUpperCase()}`;
      assert.deepEqual(url('Intake', variable), queueUrl(idOf(name)));
      assert.deepEqual(url(idOf(name), 'QUEUE_URL'), queueUrl(idOf(name)));
    }
    assert.deepEqual(url('StatementRun', 'QUEUE_URL'), queueUrl('StatementRun'));
    assert.deepEqual(url('StatementRun', 'FLOW_QUEUE_URL'), queueUrl('AccountStatements'));
    assert.deepEqual(url('OfferRun', 'FLOW_QUEUE_URL'), queueUrl('TargetedOffers'));
  });

  test('talk to an emulator where there is one', () => {
    const local = synthesize({ endpointUrl: 'http://127.0.0.1:4566' }).template;
    for (const { Properties } of Object.values(local.findResources('AWS::Lambda::Function'))) {
      assert.equal(Properties.Environment.Variables.AWS_ENDPOINT_URL, 'http://127.0.0.1:4566');
    }
  });
});

describe('events', () => {
  test('of the partner bus reach intake, or its dead-letter queue after a day', () => {
    const deadLetters = queue('IntakeDeadLetters');
    const rule = only(template, 'AWS::Events::Rule', 'Webhooks').Properties;
    assert.equal(rule.EventBusName, PARTNER_BUS);
    assert.deepEqual(rule.EventPattern, {
      source: ['aws.partner/shopify.com', { prefix: 'aws.partner/shopify.com/' }],
      'detail-type': ['shopifyWebhook'],
    });
    assert.equal(rule.Targets.length, 1);
    assert.deepEqual(rule.Targets[0].Arn, live('Intake'));
    assert.deepEqual(rule.Targets[0].DeadLetterConfig, { Arn: arn(deadLetters) });
    assert.deepEqual(rule.Targets[0].RetryPolicy, {
      MaximumEventAgeInSeconds: 86_400,
      MaximumRetryAttempts: 185,
    });
    template.resourceCountIs('AWS::Events::EventBus', 0);
  });

  test('that intake refuses go to the same queue', () => {
    const invocations = (context: Record<string, string>) =>
      only(synthesize(context).template, 'AWS::Lambda::EventInvokeConfig', 'IntakeAsynchronous').Properties;
    assert.deepEqual(invocations({}), {
      FunctionName: { Ref: lambda('Intake').logicalId },
      Qualifier: 'live',
      MaximumRetryAttempts: 2,
      DestinationConfig: { OnFailure: { Destination: arn(queue('IntakeDeadLetters')) } },
    });
    assert.equal(invocations({ asyncRetries: '0' }).MaximumRetryAttempts, 0);
  });

  test('come over a bus of the stack where there is no partner', () => {
    const own = synthesize({ createBus: 'true', eventSource: 'local.partner/shopify.com/' }).template;
    own.hasResourceProperties('AWS::Events::EventBus', { Name: 'shopify-exstream' });
    own.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: { source: ['local.partner/shopify.com', { prefix: 'local.partner/shopify.com/' }] },
    });
    const intake = only(own, 'AWS::Lambda::Function', 'IntakeFunction');
    assert.equal(intake.Properties.Environment.Variables.EVENT_SOURCES, 'local.partner/shopify.com/');
  });

  test('of one app are not those of an app whose number begins alike', () => {
    const one = synthesize({ eventSource: 'aws.partner/shopify.com/12' }).template;
    one.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: { source: ['aws.partner/shopify.com/12', { prefix: 'aws.partner/shopify.com/12/' }] },
    });
    assert.throws(() => synthesize({ eventSource: 'a,/' }), /eventSource/);
  });

  test('need exactly one bus', () => {
    assert.throws(() => synthesize({ eventBus: '' }), /eventBus/);
    assert.throws(() => synthesize({ eventBus: 'a', createBus: 'true' }), /either/);
  });
});

describe('schedules', () => {
  const schedule = (id: string, from = template) => only(from, 'AWS::Scheduler::Schedule', `Schedules${id}`).Properties;

  test('invoke the functions that pass over all shops, again soon and not later than the next pass', () => {
    for (const [id, name, minutes] of [
      ['ArchiveSeal', 'archive-seal', 60],
      ['DeliveryStatus', 'delivery-status', 5],
      ['Reconcile', 'reconcile', 15],
    ] as const) {
      assert.deepEqual(schedule(id), {
        Name: `shopify-exstream-${name}`,
        GroupName: { Ref: only(template, 'AWS::Scheduler::ScheduleGroup', 'SchedulesPassesGroup').logicalId },
        State: 'ENABLED',
        ScheduleExpression: `rate(${minutes === 60 ? '1 hour' : `${minutes} minutes`})`,
        FlexibleTimeWindow: { Mode: 'OFF' },
        Target: {
          Arn: live(id),
          RoleArn: arn(only(template, 'AWS::IAM::Role', 'SchedulesFunctionRole')),
          Input: '{}',
          RetryPolicy: { MaximumEventAgeInSeconds: minutes * 60, MaximumRetryAttempts: 2 },
          DeadLetterConfig: { Arn: arn(queue('SchedulesDeadLetters')) },
        },
      });
      const invocations = only(template, 'AWS::Lambda::EventInvokeConfig', `${id}Asynchronous`).Properties;
      assert.deepEqual(invocations, {
        FunctionName: { Ref: lambda(id).logicalId },
        Qualifier: 'live',
        MaximumRetryAttempts: 0,
      });
    }
  });

  test('can be slower or pause, and never let a function run beside itself', () => {
    const slow = synthesize({ everyReconcile: '60', pauseSchedules: 'true' }).template;
    assert.equal(schedule('Reconcile', slow).ScheduleExpression, 'rate(1 hour)');
    assert.equal(schedule('Reconcile', slow).State, 'DISABLED');
    assert.equal(schedule('DeliveryStatus', slow).State, 'DISABLED');
    assert.throws(
      () => synthesize({ everyDeliveryStatus: '4' }),
      /everyDeliveryStatus.*longer than the time-out of 240 s/,
    );
  });

  test('of runs have a group named as the stack, and none of them is in the template', () => {
    template.resourceCountIs('AWS::Scheduler::Schedule', 4);
    template.hasResourceProperties('AWS::Scheduler::ScheduleGroup', { Name: 'shopify-exstream' });
    template.hasResourceProperties('AWS::Scheduler::ScheduleGroup', { Name: 'shopify-exstream-passes' });
    template.resourceCountIs('AWS::Scheduler::ScheduleGroup', 2);
  });
});

test("the outputs are what the operator's command line reads", () => {
  const outputs = Object.keys(template.findOutputs('*')).sort();
  const withQueue = [...FLOWS, ...RUNS, 'write-back', 'privacy'].map(idOf);
  assert.deepEqual(
    outputs,
    [
      'ArchiveBucket',
      'ArchiveKey',
      'BusName',
      'CommitmentsTable',
      'ConsoleIssuer',
      'ConsoleKeySecret',
      'ConsoleUrl',
      'CustomerKeySecret',
      'DeadLetterUrlIntake',
      'DeadLetterUrlOutcomeEvents',
      'DeadLetterUrlSchedules',
      'DocumentsUrl',
      'EventSource',
      'LinkKeySecret',
      'LinksTable',
      'LogKey',
      'LockMode',
      'MaxRetentionDays',
      'OperationsBucket',
      'OutcomeBusName',
      'QueueArnOfferRun',
      'QueueArnStatementRun',
      'ScheduleDeadLetterArn',
      'ScheduleGroup',
      'ScheduleRoleArn',
      'SecretPrefix',
      'TableName',
      ...FUNCTIONS.flatMap((name) => [`Function${idOf(name)}`, `Version${idOf(name)}`]),
      ...withQueue.flatMap((id) => [`QueueUrl${id}`, `DeadLetterUrl${id}`]),
    ].sort(),
  );
});

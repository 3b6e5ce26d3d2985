import { Match } from 'aws-cdk-lib/assertions';
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { arn, FUNCTIONS, only, PARTNER_BUS, synthesize } from './support.ts';

const { template } = synthesize();
const queue = (id: string) => only(template, 'AWS::SQS::Queue', id);
const lambda = (id: string) => only(template, 'AWS::Lambda::Function', `${id}Function`);

describe('queues', () => {
  test('hand what keeps failing to a dead-letter queue of their own, kept 14 days', () => {
    for (const [id, receives] of [
      ['OrderConfirmationQueue', 5],
      ['WriteBackQueue', 10],
    ] as const) {
      const deadLetters = queue(`${id}DeadLetters`);
      assert.deepEqual(queue(id).Properties.RedrivePolicy, {
        deadLetterTargetArn: arn(deadLetters),
        maxReceiveCount: receives,
      });
      assert.equal(deadLetters.Properties.MessageRetentionPeriod, 14 * 24 * 3600);
    }
    assert.equal(queue('IntakeDeadLetters').Properties.MessageRetentionPeriod, 14 * 24 * 3600);
  });

  test('hide a message for six time-outs of its function', () => {
    assert.equal(queue('OrderConfirmationQueue').Properties.VisibilityTimeout, 6 * 120);
    assert.equal(queue('WriteBackQueue').Properties.VisibilityTimeout, 6 * 60);
    const quick = synthesize({ timeoutOrderConfirmation: '20' }).template;
    assert.equal(only(quick, 'AWS::SQS::Queue', 'OrderConfirmationQueue').Properties.VisibilityTimeout, 120);
    assert.equal(only(quick, 'AWS::Lambda::Function', 'OrderConfirmationFunction').Properties.Timeout, 20);
  });

  test('are encrypted and refuse plain HTTP', () => {
    const queues = Object.entries(template.findResources('AWS::SQS::Queue'));
    assert.equal(queues.length, 5);
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
    assert.deepEqual(batches('OrderConfirmation'), {
      EventSourceArn: arn(queue('OrderConfirmationQueue')),
      FunctionName: { Ref: lambda('OrderConfirmation').logicalId },
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      BatchSize: 10,
      MaximumBatchingWindowInSeconds: 0,
      ScalingConfig: { MaximumConcurrency: 20 },
    });
    assert.deepEqual(batches('WriteBack'), {
      EventSourceArn: arn(queue('WriteBackQueue')),
      FunctionName: { Ref: lambda('WriteBack').logicalId },
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      BatchSize: 50,
      MaximumBatchingWindowInSeconds: 5,
      ScalingConfig: { MaximumConcurrency: 2 },
    });
  });

  test('take concurrency and window from context', () => {
    const other = synthesize({ maxConcurrency: '7', writeBackWindow: '1' }).template;
    assert.equal(batches('OrderConfirmation', other).ScalingConfig.MaximumConcurrency, 7);
    assert.equal(batches('WriteBack', other).MaximumBatchingWindowInSeconds, 1);
    assert.throws(() => synthesize({ writeBackWindow: '0' }), /writeBackWindow/);
    assert.throws(() => synthesize({ maxConcurrency: '1' }), /maxConcurrency.*2 to 1000/);
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
        assert.equal(Properties.MemorySize, 256);
        assert.equal(Properties.TracingConfig, undefined);
        assert.equal(Properties.ReservedConcurrentExecutions, undefined);
      }
    }
    assert.throws(() => synthesize({ architecture: 'arm' }), /architecture.*arm64, x86_64/);
  });

  test('have their time-outs', () => {
    assert.deepEqual(
      ['Intake', 'OrderConfirmation', 'WriteBack'].map((id) => lambda(id).Properties.Timeout),
      [15, 120, 60],
    );
  });

  test('log into a group that forgets', () => {
    for (const [index, id] of ['Intake', 'OrderConfirmation', 'WriteBack'].entries()) {
      const group = only(template, 'AWS::Logs::LogGroup', `${id}Log`);
      assert.equal(group.Properties.LogGroupName, `/aws/lambda/shopify-exstream-${FUNCTIONS[index]}`);
      assert.equal(group.Properties.RetentionInDays, 90);
      assert.deepEqual(lambda(id).Properties.LoggingConfig.LogGroup, { Ref: group.logicalId });
    }
  });

  test('are told where everything is', () => {
    const names = (id: string, from = template) =>
      Object.keys(
        only(from, 'AWS::Lambda::Function', `${id}Function`).Properties.Environment.Variables,
      ).sort();
    const common = [
      'ARCHIVE_BUCKET',
      'CONFIG_TTL_SECONDS',
      'LOG_LEVEL',
      'OPERATIONS_BUCKET',
      'SECRET_PREFIX',
      'TABLE_NAME',
    ];
    assert.deepEqual(names('Intake'), [...common, 'EVENT_SOURCES', 'QUEUE_URL_ORDER_CONFIRMATION'].sort());
    assert.deepEqual(
      names('OrderConfirmation'),
      [
        ...common,
        'ARCHIVE_LOCK_MODE',
        'BATCH_CONCURRENCY',
        'QUEUE_URL',
        'RETRY_BASE_SECONDS',
        'WRITE_BACK_QUEUE_URL',
      ].sort(),
    );
    assert.deepEqual(names('WriteBack'), [...common, 'QUEUE_URL', 'RETRY_BASE_SECONDS'].sort());
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
      source: [{ prefix: 'aws.partner/shopify.com/' }],
      'detail-type': ['shopifyWebhook'],
    });
    assert.equal(rule.Targets.length, 1);
    assert.deepEqual(rule.Targets[0].Arn, arn(lambda('Intake')));
    assert.deepEqual(rule.Targets[0].DeadLetterConfig, { Arn: arn(deadLetters) });
    assert.deepEqual(rule.Targets[0].RetryPolicy, {
      MaximumEventAgeInSeconds: 86_400,
      MaximumRetryAttempts: 185,
    });
    template.resourceCountIs('AWS::Events::EventBus', 0);
  });

  test('that intake refuses go to the same queue', () => {
    const invocations = (context: Record<string, string>) =>
      Object.values(synthesize(context).template.findResources('AWS::Lambda::EventInvokeConfig'))[0]
        ?.Properties;
    assert.deepEqual(invocations({}), {
      FunctionName: { Ref: lambda('Intake').logicalId },
      Qualifier: '$LATEST',
      MaximumRetryAttempts: 2,
      DestinationConfig: { OnFailure: { Destination: arn(queue('IntakeDeadLetters')) } },
    });
    assert.equal(invocations({ asyncRetries: '0' }).MaximumRetryAttempts, 0);
  });

  test('come over a bus of the stack where there is no partner', () => {
    const own = synthesize({ createBus: 'true', eventSource: 'local.partner/shopify.com/' }).template;
    own.hasResourceProperties('AWS::Events::EventBus', { Name: 'shopify-exstream' });
    own.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: { source: [{ prefix: 'local.partner/shopify.com/' }] },
    });
    const intake = only(own, 'AWS::Lambda::Function', 'IntakeFunction');
    assert.equal(intake.Properties.Environment.Variables.EVENT_SOURCES, 'local.partner/shopify.com/');
  });

  test('need exactly one bus', () => {
    assert.throws(() => synthesize({ eventBus: '' }), /eventBus/);
    assert.throws(() => synthesize({ eventBus: 'a', createBus: 'true' }), /either/);
  });
});

test("the outputs are what the operator's command line reads", () => {
  const outputs = Object.keys(template.findOutputs('*')).sort();
  assert.deepEqual(outputs, [
    'ArchiveBucket',
    'BusName',
    'CustomerKeySecret',
    'DeadLetterUrlIntake',
    'DeadLetterUrlOrderConfirmation',
    'DeadLetterUrlWriteBack',
    'EventSource',
    'FunctionIntake',
    'FunctionOrderConfirmation',
    'FunctionWriteBack',
    'OperationsBucket',
    'QueueUrlOrderConfirmation',
    'QueueUrlWriteBack',
    'SecretPrefix',
    'TableName',
  ]);
});

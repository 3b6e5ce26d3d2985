// Events of outcomes: without a bus nothing, with a bus the function that follows the ledger.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { arn, OUTCOME_BUS, only, synthesize } from './support.ts';

const { template } = synthesize();
const lambda = (from = template) => only(from, 'AWS::Lambda::Function', 'OutcomeEventsFunction');
const ledger = (from = template) => only(from, 'AWS::DynamoDB::Table', 'StorageLedger');
const mapping = only(template, 'AWS::Lambda::EventSourceMapping', 'OutcomeEventsChanges').Properties;

describe('outcomes', () => {
  test('are told to nobody unless a bus is named', () => {
    const off = synthesize({ outcomeBus: '' }).template;
    assert.equal(ledger(off).Properties.StreamSpecification, undefined);
    assert.doesNotMatch(JSON.stringify(off.toJSON()), /outcome/i);
  });

  test('are read from the ledger without a request of those who record them', () => {
    assert.deepEqual(ledger().Properties.StreamSpecification, { StreamViewType: 'NEW_AND_OLD_IMAGES' });
    assert.deepEqual(mapping.EventSourceArn, { 'Fn::GetAtt': [ledger().logicalId, 'StreamArn'] });
    assert.equal(mapping.StartingPosition, 'TRIM_HORIZON');
    const [{ Pattern }] = mapping.FilterCriteria.Filters;
    const states = ['accepted', 'archived', 'bounced', 'delivered', 'failed', 'suppressed', 'unknown'];
    assert.deepEqual(JSON.parse(Pattern), { dynamodb: { NewImage: { state: { S: states } } } });
  });

  test('that cannot be told keep nothing back for ever', () => {
    const deadLetters = only(template, 'AWS::SQS::Queue', 'OutcomeEventsDeadLetters');
    assert.equal(mapping.BisectBatchOnFunctionError, true);
    assert.deepEqual(mapping.FunctionResponseTypes, ['ReportBatchItemFailures']);
    // longer than `PATIENCE` in functions/outcome-events, shorter than the day that a stream keeps
    assert.equal(mapping.MaximumRecordAgeInSeconds, 12 * 3600);
    assert.deepEqual(mapping.DestinationConfig.OnFailure.Destination, arn(deadLetters));
  });

  test('go to the bus by its name, its ARN, or one that the stack makes', () => {
    const bus = (context: Record<string, string>) =>
      JSON.stringify(lambda(synthesize(context).template).Properties.Environment.Variables.OUTCOME_BUS);
    assert.match(bus({}), new RegExp(`event-bus/${OUTCOME_BUS}`));
    const elsewhere = 'arn:aws:events:eu-west-1:210987654321:event-bus/lake';
    assert.equal(bus({ outcomeBus: elsewhere }), JSON.stringify(elsewhere));
    const own = synthesize({ outcomeBus: '', createOutcomeBus: 'true' }).template;
    assert.equal(only(own, 'AWS::Events::EventBus', 'OutcomeBus').Properties.Name, 'shopify-exstream-outcomes');
    assert.throws(() => synthesize({ createOutcomeBus: 'true' }), /outcomeBus/);
    assert.throws(() => synthesize({ outcomeBus: 'a bus' }), /outcomeBus/);
  });
});

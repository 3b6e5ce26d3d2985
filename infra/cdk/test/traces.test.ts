// Traces: off by default; on, every function knows where to and how many.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check } from './nag.ts';
import { FUNCTIONS, idOf, only, synthesize } from './support.ts';

const functions = (context: Record<string, string>): any[] => {
  const { template } = synthesize(context, check);
  return FUNCTIONS.map((name) => only(template, 'AWS::Lambda::Function', `${idOf(name)}Function`).Properties);
};
const tracesEndpoint = 'http://localhost:4318/v1/traces';
const tracesLayer = 'arn:aws:lambda:eu-central-1:901920570463:layer:aws-otel-collector-arm64-ver-0-117-0:1';

test('nothing is traced by default', () => {
  assert.doesNotMatch(JSON.stringify(functions({})), /OTEL_|Layers/);
});

test('every function is told where spans go and which part of the events is recorded', () => {
  for (const { Environment, Layers } of functions({ tracesEndpoint, tracesPercent: '5', tracesLayer })) {
    assert.equal(Environment.Variables.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, tracesEndpoint);
    assert.equal(Environment.Variables.OTEL_TRACES_SAMPLER_ARG, '0.05');
    assert.deepEqual(Layers, [tracesLayer]);
  }
  const [{ Environment, Layers }] = functions({ tracesEndpoint });
  assert.equal(Environment.Variables.OTEL_TRACES_SAMPLER_ARG, '1');
  assert.equal(Layers, undefined);
});

test('what is no address, no share or no layer stops the synthesis', () => {
  const wrong: [RegExp, Record<string, string>][] = [
    [/tracesEndpoint/, { tracesEndpoint: 'localhost:4318' }],
    [/tracesEndpoint/, { tracesEndpoint: 'https://user:secret@traces.example/v1/traces' }],
    [/tracesEndpoint/, { tracesEndpoint: 'https://traces.example' }],
    [/tracesPercent/, { tracesEndpoint, tracesPercent: '0' }],
    [/tracesLayer/, { tracesEndpoint, tracesLayer: 'collector' }],
    [/tracesLayer/, { tracesLayer }],
  ];
  for (const [message, context] of wrong) assert.throws(() => synthesize(context), message);
});

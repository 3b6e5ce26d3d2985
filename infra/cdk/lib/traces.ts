// Traces of the functions, by OpenTelemetry: off, unless context says where they are sent.

import { type Construct } from 'constructs';
import { type ILayerVersion, LayerVersion } from 'aws-cdk-lib/aws-lambda';
import { type Context } from './context.ts';

export interface TraceSettings {
  /** Where spans are sent, by OTLP over HTTP. */
  readonly endpoint: string;
  /** Of a hundred events, so many are recorded. */
  readonly percent: number;
  /** ARN of a version of a layer with a collector. */
  readonly layer?: string;
}

export function readTraces({ text, whole }: Context): TraceSettings | undefined {
  const [endpoint, layer] = [text('tracesEndpoint'), text('tracesLayer')];
  const percent = whole('tracesPercent', 100, 1, 100);
  if (layer !== undefined && !/^arn:aws[\w-]*:lambda:[\w-]+:\d{12}:layer:[\w-]+:\d+$/.test(layer)) {
    throw new Error(`context tracesLayer: \`${layer}\` is no ARN of a version of a layer`);
  }
  if (endpoint === undefined) {
    if (layer !== undefined) throw new Error('context tracesLayer: only with tracesEndpoint');
    return undefined;
  }
  // it must reach no log as part of an address
  if (!/^https?:\/\/[\w.-]+(:\d{1,5})?\/[\w./-]*$/.test(endpoint)) {
    throw new Error(
      'context tracesEndpoint: expected an address with its path, such as http://localhost:4318/v1/traces',
    );
  }
  return { endpoint, percent, layer };
}

/** What every function finds in its environment. */
export function traceEnvironment(settings: TraceSettings | undefined): Record<string, string> {
  if (settings === undefined) return {};
  return {
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: settings.endpoint,
    OTEL_TRACES_SAMPLER_ARG: String(settings.percent / 100),
  };
}

/** The collector that runs beside every function. */
export function traceLayers(scope: Construct, settings: TraceSettings | undefined): ILayerVersion[] {
  if (settings?.layer === undefined) return [];
  return [LayerVersion.fromLayerVersionArn(scope, 'Collector', settings.layer)];
}

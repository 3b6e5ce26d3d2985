// Entry point of the CDK command line: one stack, checked on every synthesis against the rules of AwsSolutions,
// Serverless and NIST 800-53 R5.

import { Annotations, App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks } from 'cdk-nag';
import { readSettings } from '../lib/settings.ts';
import { CommunicationsStack } from '../lib/stack.ts';

const app = new App();
const settings = readSettings(app.node);
Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app), new NIST80053R5Checks(app));
const stack = new CommunicationsStack(app, settings.prefix, {
  settings,
  description: 'Shopify events to customer documents: composed, archived, delivered, reported back',
  terminationProtection: settings.guarded,
});
if (!settings.guarded && settings.endpointUrl === undefined) {
  Annotations.of(stack).addWarningV2(
    'shopify-exstream:unguarded',
    'stack and table can be deleted: deploy again without firstDeployment or destroyable to guard them',
  );
}

// Entry point of the CDK command line: two stacks, checked on every synthesis against the rules of AwsSolutions,
// Serverless and NIST 800-53 R5.

import { Annotations, App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks } from 'cdk-nag';
import { deployment } from '../lib/deployment.ts';
import { readSettings } from '../lib/settings.ts';

const app = new App();
const settings = readSettings(app.node);
Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app), new NIST80053R5Checks(app));
const { data } = deployment(app, settings);
if (!settings.guarded && settings.endpointUrl === undefined) {
  Annotations.of(data).addWarningV2(
    'shopify-exstream:unguarded',
    'stacks and tables can be deleted: deploy again without firstDeployment or destroyable to guard them',
  );
}

// The other side of the second copy, deployed before the copy is switched on:
//
//   npx cdk deploy --app 'node --import tsx bin/copy-target.ts' -c copyOf=<account of the deployment>

import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks } from 'cdk-nag';
import { CopyTarget } from '../lib/copy-target.ts';
import { readCopyTarget } from '../lib/settings.ts';

const app = new App();
Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app), new NIST80053R5Checks(app));
const props = readCopyTarget(app.node);
new CopyTarget(app, `${props.prefix}-copy`, {
  ...props,
  description: 'The second copy of archived documents, and recovery points, of a deployment in another account',
  terminationProtection: true,
});

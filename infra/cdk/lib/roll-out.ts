// How a deployment reaches the work: CodeDeploy moves a function's alias to a new version, first for a tenth of the invocations,
// then for all. If one of the function's alarms rings meanwhile, it moves the alias back, and CloudFormation takes back the
// deployment as a whole. Both versions run side by side until then, as they do for minutes without CodeDeploy.

import { ArnFormat, Stack, Validations } from 'aws-cdk-lib';
import { CfnApplication, CfnDeploymentGroup } from 'aws-cdk-lib/aws-codedeploy';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { CfnAlias } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { ALIAS, type Handler } from './function.ts';
import { pascal } from './names.ts';
import type { WatchedAlarm } from './watch.ts';

/**
 * Alarms that a version may be the cause of. What others look at, such as waiting work or dead letters, a version before
 * may have left.
 */
const CAUSED = ['errors', 'slow', 'failed', 'unknown', 'report-refused', 'not-shown', 'failed-shops', 'problems'];

/** CodeDeploy looks at no more alarms per group. */
const MOST_ALARMS = 10;

export interface RollOutProps {
  readonly prefix: string;
  readonly handlers: readonly Handler[];
  readonly alarms: readonly WatchedAlarm[];
  readonly canaryMinutes: number;
}

export class RollOut extends Construct {
  constructor(scope: Construct, id: string, { prefix, handlers, alarms, canaryMinutes }: RollOutProps) {
    super(scope, id);
    const application = new CfnApplication(this, 'Application', { applicationName: prefix, computePlatform: 'Lambda' });
    const role = this.role(prefix, handlers);
    for (const handler of handlers) {
      const watched = alarms.filter(({ id }) => CAUSED.some((what) => id === `${handler.name}-${what}`));
      if (watched.length === 0 || watched.length > MOST_ALARMS) {
        throw new Error(`${handler.name}: ${watched.length} alarms to roll back by`);
      }
      const group = new CfnDeploymentGroup(this, pascal(handler.name), {
        applicationName: application.ref,
        deploymentGroupName: `${prefix}-${handler.name}`,
        serviceRoleArn: role.roleArn,
        deploymentConfigName: `CodeDeployDefault.LambdaCanary10Percent${canaryMinutes}Minutes`,
        deploymentStyle: { deploymentType: 'BLUE_GREEN', deploymentOption: 'WITH_TRAFFIC_CONTROL' },
        alarmConfiguration: { enabled: true, alarms: watched.map(({ alarm }) => ({ name: alarm.alarmName })) },
        autoRollbackConfiguration: {
          enabled: true,
          events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM', 'DEPLOYMENT_STOP_ON_REQUEST'],
        },
      });
      (handler.alias.node.defaultChild as CfnAlias).cfnOptions.updatePolicy = {
        codeDeployLambdaAliasUpdate: { applicationName: application.ref, deploymentGroupName: group.ref },
      };
    }
  }

  /** What CodeDeploy acts as: it moves the aliases of this stack and looks at alarms. */
  private role(prefix: string, handlers: readonly Handler[]): Role {
    const stack = Stack.of(this);
    const source = stack.formatArn({
      service: 'codedeploy',
      resource: 'deploymentgroup',
      resourceName: `${prefix}/*`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('codedeploy.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': stack.account }, ArnLike: { 'aws:SourceArn': source } },
      }),
      inlinePolicies: {
        deploy: new PolicyDocument({
          statements: [
            new PolicyStatement({ actions: ['cloudwatch:DescribeAlarms'], resources: ['*'] }),
            new PolicyStatement({
              actions: ['lambda:GetAlias', 'lambda:GetProvisionedConcurrencyConfig', 'lambda:UpdateAlias'],
              // by its name: the alias itself waits for this role
              resources: handlers.flatMap(({ function: lambda }) => [
                lambda.functionArn,
                `${lambda.functionArn}:${ALIAS}`,
              ]),
            }),
          ],
        }),
      },
    });
    Validations.of(role).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'cloudwatch:DescribeAlarms is asked for a list of alarms, which takes no narrower resource.',
    });
    return role;
  }
}

// A deployment moves aliases, and nothing invokes a function by another way: by degrees with CodeDeploy, at once without.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { goBack } from '../lib/go-back.ts';
import { arn, FUNCTIONS, idOf, only, synthesize } from './support.ts';

const WAYS = { canary: synthesize().template, 'at once': synthesize({ rollOut: 'at-once' }).template };
const EMULATED = synthesize({ endpointUrl: 'http://127.0.0.1:4566' }).template;

for (const [way, template] of Object.entries({ ...WAYS, emulated: EMULATED })) {
  describe(`versions, ${way}`, () => {
    const resources: Record<string, any> = template.toJSON().Resources;

    test('each function has an alias on the version of its code and settings', () => {
      for (const name of FUNCTIONS) {
        const lambda = only(template, 'AWS::Lambda::Function', `${idOf(name)}Function`);
        const alias = only(template, 'AWS::Lambda::Alias', `${idOf(name)}Live`).Properties;
        assert.deepEqual([alias.Name, alias.FunctionName], ['live', { Ref: lambda.logicalId }]);
        const [version, attribute] = alias.FunctionVersion['Fn::GetAtt'];
        assert.equal(attribute, 'Version');
        assert.deepEqual(resources[version].Properties, { FunctionName: { Ref: lambda.logicalId } });
        assert.deepEqual(template.toJSON().Outputs[`Version${idOf(name)}`].Value, alias.FunctionVersion);
      }
      template.resourceCountIs('AWS::Lambda::Version', FUNCTIONS.length);
    });

    test('everything that invokes a function invokes its alias', () => {
      const functions = Object.keys(template.findResources('AWS::Lambda::Function'));
      // what is of the function itself, and the metrics and rights that are by its name
      const own = ['Lambda::Alias', 'Lambda::Version', 'Lambda::EventInvokeConfig', 'CloudWatch::Alarm'];
      const others = Object.entries(resources).filter(
        ([id, { Type }]) =>
          !own.includes(Type.replace('AWS::', '')) &&
          Type !== 'AWS::CloudWatch::Dashboard' &&
          !id.startsWith('RollOut'),
      );
      for (const [id, { Properties }] of others) {
        const named = functions.filter((it) => JSON.stringify(Properties).includes(`"${it}"`));
        assert.deepEqual(named, [], id);
      }
      const configs = Object.values(template.findResources('AWS::Lambda::EventInvokeConfig'));
      for (const { Properties, DependsOn } of configs) {
        if (template === EMULATED && Properties.Qualifier === '$LATEST') continue;
        assert.equal(Properties.Qualifier, 'live');
        // the name alone does not say that the alias comes first
        assert.match(String(DependsOn), /Live[0-9A-F]{8}/);
      }
    });
  });
}

test('another time-out, or another variable, is another version', () => {
  const version = (context: Record<string, string>) =>
    only(synthesize(context).template, 'AWS::Lambda::Alias', 'IntakeLive').Properties.FunctionVersion['Fn::GetAtt'][0];
  assert.equal(version({}), version({ timeoutReconcile: '500' }));
  assert.notEqual(version({}), version({ timeoutIntake: '14' }));
  assert.notEqual(version({}), version({ logLevel: 'debug' }));
});

describe('a canary', () => {
  const template = WAYS.canary;
  const groups = Object.values(template.findResources('AWS::CodeDeploy::DeploymentGroup')).map((it) => it.Properties);
  const of = (name: string) =>
    groups.find(({ DeploymentGroupName }) => DeploymentGroupName === `shopify-exstream-${name}`);
  const alarm = ({ Name }: any): string =>
    template.toJSON().Resources[Name.Ref].Properties.AlarmName.replace('shopify-exstream-', '');

  test('gets a tenth of the work of each function for a while, and is taken back by its alarms', () => {
    assert.equal(groups.length, FUNCTIONS.length);
    for (const name of FUNCTIONS) {
      const group = of(name);
      assert.equal(group.DeploymentConfigName, 'CodeDeployDefault.LambdaCanary10Percent15Minutes');
      assert.deepEqual(group.DeploymentStyle, {
        DeploymentType: 'BLUE_GREEN',
        DeploymentOption: 'WITH_TRAFFIC_CONTROL',
      });
      assert.deepEqual(group.AutoRollbackConfiguration, {
        Enabled: true,
        Events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM', 'DEPLOYMENT_STOP_ON_REQUEST'],
      });
      assert.equal(group.AlarmConfiguration.Enabled, true);
      const watched: string[] = group.AlarmConfiguration.Alarms.map(alarm);
      assert.ok(watched.includes(`${name}-errors`) && watched.length <= 10, name);
      // what an earlier version left waiting must not stop the version that fixes it
      assert.ok(
        watched.every((it) => !/-late$|-dlq-|-throttled$|-recovered$/.test(it)),
        watched.join(),
      );
    }
    const alarms = of('order-confirmation').AlarmConfiguration.Alarms.map(alarm).sort();
    const expected = ['errors', 'failed', 'slow', 'unknown'].map((it) => `order-confirmation-${it}`);
    assert.deepEqual(alarms, expected);
  });

  test('is what each alias waits for', () => {
    const application = only(template, 'AWS::CodeDeploy::Application', 'RollOutApplication');
    assert.equal(application.Properties.ComputePlatform, 'Lambda');
    for (const name of FUNCTIONS) {
      const { logicalId } = only(template, 'AWS::Lambda::Alias', `${idOf(name)}Live`);
      assert.deepEqual(template.toJSON().Resources[logicalId].UpdatePolicy, {
        CodeDeployLambdaAliasUpdate: {
          ApplicationName: { Ref: application.logicalId },
          DeploymentGroupName: {
            Ref: only(template, 'AWS::CodeDeploy::DeploymentGroup', `RollOut${idOf(name)}`).logicalId,
          },
        },
      });
    }
  });

  test('takes its minutes from context, those that CodeDeploy has', () => {
    const config = (rollOut: string) =>
      Object.values(synthesize({ rollOut }).template.findResources('AWS::CodeDeploy::DeploymentGroup'))[0]?.Properties
        .DeploymentConfigName;
    assert.equal(config('canary-30'), 'CodeDeployDefault.LambdaCanary10Percent30Minutes');
    assert.throws(() => synthesize({ rollOut: 'canary-20' }), /rollOut/);
  });

  test('is done by a role that moves these aliases and sees alarms', () => {
    const role = only(template, 'AWS::IAM::Role', 'RollOutRole').Properties;
    assert.equal(role.ManagedPolicyArns, undefined);
    const [{ Principal, Condition }, ...more] = role.AssumeRolePolicyDocument.Statement;
    assert.deepEqual([Principal, more], [{ Service: 'codedeploy.amazonaws.com' }, []]);
    assert.deepEqual(Condition.StringEquals, { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } });
    assert.match(JSON.stringify(Condition.ArnLike), /:codedeploy:.*:deploymentgroup:shopify-exstream\/\*"/);
    const [look, move] = role.Policies[0].PolicyDocument.Statement;
    assert.deepEqual([look.Action, look.Resource], ['cloudwatch:DescribeAlarms', '*']);
    assert.deepEqual(move.Action, ['lambda:GetAlias', 'lambda:GetProvisionedConcurrencyConfig', 'lambda:UpdateAlias']);
    const expected = FUNCTIONS.flatMap((name) => {
      const lambda = arn(only(template, 'AWS::Lambda::Function', `${idOf(name)}Function`));
      return [lambda, { 'Fn::Join': ['', [lambda, ':live']] }];
    });
    const texts = (some: unknown[]) => some.map((it) => JSON.stringify(it)).sort();
    assert.deepEqual(texts(move.Resource), texts(expected));
  });
});

test('at once, and for an emulator, there is no CodeDeploy', () => {
  for (const template of [WAYS['at once'], EMULATED]) {
    template.resourceCountIs('AWS::CodeDeploy::Application', 0);
    template.resourceCountIs('AWS::CodeDeploy::DeploymentGroup', 0);
    for (const alias of Object.values(template.findResources('AWS::Lambda::Alias'))) {
      assert.equal(alias.UpdatePolicy, undefined);
    }
  }
});

describe('going back', () => {
  test('puts the versions of an earlier deployment in force', () => {
    const outputs = { FunctionIntake: 'a-intake:live', VersionIntake: '7', TableName: 'FunctionTable' };
    assert.deepEqual(goBack(outputs), [
      "aws lambda update-alias --function-name a-intake --name live --function-version 7 --routing-config '{}'",
    ]);
  });

  test('leaves out no function', () => {
    const outputs = Object.keys(WAYS.canary.findOutputs('*'));
    const values = outputs.map((key) => [key, key.startsWith('Version') ? '3' : `${key}:live`]);
    assert.equal(goBack(Object.fromEntries(values)).length, FUNCTIONS.length);
    assert.throws(() => goBack({ FunctionIntake: 'a:live' }), /no version of a:live/);
    assert.throws(() => goBack({ FunctionIntake: 'a:live', VersionIntake: '$LATEST' }), /no version/);
    assert.throws(() => goBack({ TableName: 't' }), /no function/);
  });
});

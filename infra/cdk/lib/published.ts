// How the rules of cdk-nag write what one stack reads of another.

import { CfnOutput, Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';

/**
 * An attribute of a resource of another stack, as a finding about the stack that reads it spells it. The output is the one that
 * CDK makes of the attribute: made here first, under the path where CDK looks for it.
 */
export function readFrom(of: Construct, attribute: string): string {
  const stack = Stack.of(of);
  const scope = stack.node.tryFindChild('Publish') ?? new Construct(stack, 'Publish');
  const id = `Output${JSON.stringify(stack.resolve(attribute))}`;
  const found = scope.node.tryFindChild(id);
  const output = found instanceof CfnOutput ? found : new CfnOutput(scope, id, { value: attribute });
  const read = {
    StackName: stack.stackName,
    Region: stack.resolve(stack.region),
    OutputName: stack.resolve(output.logicalId),
  };
  return JSON.stringify({ 'Fn::GetStackOutput': read });
}

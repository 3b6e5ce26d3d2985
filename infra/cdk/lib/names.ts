// A function's name in the spellings that other places want it in.

/** `OrderConfirmation` of `order-confirmation`: construct ids, outputs, context keys. */
export function pascal(name: string): string {
  return name.replaceAll(/(^|-)(\w)/g, (_match, _dash, letter: string) => letter.toUpperCase());
}

/** `ORDER_CONFIRMATION` of `order-confirmation`: environment variables. */
export function upperSnake(name: string): string {
  return name.replaceAll('-', '_').toUpperCase();
}

/** Name of the stack of what a deployment keeps. The other one is named by the prefix alone: `infra/ctl/src/stack.rs`. */
export function dataStackName(prefix: string): string {
  return `${prefix}-data`;
}

/** Name of the rule that brings Shopify's events to intake. */
export function webhooksRule(prefix: string): string {
  return `${prefix}-webhooks`;
}

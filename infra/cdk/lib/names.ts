// A function's name in the spellings that other places want it in.

/** `OrderConfirmation` of `order-confirmation`: construct ids, outputs, context keys. */
export function pascal(name: string): string {
  return name.replaceAll(/(^|-)(\w)/g, (_match, _dash, letter: string) => letter.toUpperCase());
}

/** `ORDER_CONFIRMATION` of `order-confirmation`: environment variables. */
export function upperSnake(name: string): string {
  return name.replaceAll('-', '_').toUpperCase();
}

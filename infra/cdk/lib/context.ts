// Single values of CDK context, read strictly. Only `settings.ts` makes a reader.

import type { Node } from 'constructs';

/** Reads the values of a node. */
export type Context = ReturnType<typeof contextOf>;

/** Reads single values of context, with their defaults and bounds. */
export function contextOf(node: Node) {
  const text = (key: string): string | undefined => {
    const value: unknown = node.tryGetContext(key);
    if (value === undefined || value === '') return undefined;
    if (typeof value === 'object') throw new Error(`context ${key}: expected a single value`);
    return String(value);
  };
  const oneOf = <T extends string>(key: string, allowed: readonly T[], fallback: T): T => {
    const value = text(key) ?? fallback;
    const found = allowed.find((candidate) => candidate === value);
    if (found === undefined) throw new Error(`context ${key}: \`${value}\` is none of ${allowed.join(', ')}`);
    return found;
  };
  const whole = (key: string, fallback: number, least: number, most: number): number => {
    const value = Number(text(key) ?? fallback);
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new Error(`context ${key}: expected a whole number from ${least} to ${most}`);
    }
    return value;
  };
  const optional = (key: string, least: number, most: number): number | undefined =>
    text(key) === undefined ? undefined : whole(key, least, least, most);
  const flag = (key: string): boolean => oneOf(key, ['true', 'false'], 'false') === 'true';
  return { text, oneOf, whole, optional, flag };
}

/** What is separated by commas, without the white space around it. */
export function listed(value: string | undefined): string[] {
  const entries = (value ?? '').split(',').map((entry) => entry.trim());
  return entries.filter((entry) => entry !== '');
}

/**
 * Lists of quantities by resource name, as values: what a pod requests, what a quota allows and what of it is used
 * (upstream: `k8s.io/apiserver/pkg/quota/v1`). Pure; nothing is changed in place.
 */
import { addQuantities, compareQuantities, formatQuantity, parseQuantity, type Quantity } from './quantity.ts';

export type Quantities = Readonly<Record<string, Quantity>>;
/** As objects hold them. */
export type QuantityTexts = Readonly<Record<string, string>>;

export const ONE: Quantity = { nanos: 1_000_000_000n, format: 'DecimalSI' };
export const ZERO: Quantity = { nanos: 0n, format: 'DecimalSI' };
export const whole = (count: number): Quantity => ({ nanos: BigInt(count) * ONE.nanos, format: 'DecimalSI' });

/** @throws Error for what is no quantity; objects in the store hold none. */
export function parseQuantities(texts: QuantityTexts | undefined): Record<string, Quantity> {
  const parsed: Record<string, Quantity> = {};
  for (const name in texts) parsed[name] = parseQuantity(String(texts[name]));
  return parsed;
}

export function formatQuantities(quantities: Quantities): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [name, quantity] of Object.entries(quantities)) texts[name] = formatQuantity(quantity);
  return texts;
}

export function sumOf(a: Quantities, b: Quantities): Record<string, Quantity> {
  const sum: Record<string, Quantity> = { ...a };
  for (const [name, quantity] of Object.entries(b)) {
    const before = sum[name];
    sum[name] = before ? addQuantities(before, quantity) : quantity;
  }
  return sum;
}

/** The larger of each; what only one has is that one's. */
export function largestOf(a: Quantities, b: Quantities): Record<string, Quantity> {
  const most: Record<string, Quantity> = { ...a };
  for (const [name, quantity] of Object.entries(b)) {
    const before = most[name];
    if (!before || quantity.nanos > before.nanos) most[name] = quantity;
  }
  return most;
}

/** `a - b`, where nothing becomes less than zero; what only `b` has is zero. */
export function differenceOf(a: Quantities, b: Quantities): Record<string, Quantity> {
  const rest: Record<string, Quantity> = {};
  for (const [name, quantity] of Object.entries(a)) {
    const nanos = quantity.nanos - (b[name]?.nanos ?? 0n);
    rest[name] = nanos > 0n ? { nanos, format: quantity.format } : ZERO;
  }
  for (const name of Object.keys(b)) rest[name] ??= ZERO;
  return rest;
}

export const only = (quantities: Quantities, names: ReadonlySet<string>): Record<string, Quantity> =>
  Object.fromEntries(Object.entries(quantities).filter(([name]) => names.has(name)));

export const withoutZeros = (quantities: Quantities): Record<string, Quantity> =>
  Object.fromEntries(Object.entries(quantities).filter(([, { nanos }]) => nanos !== 0n));

export function sameQuantities(a: Quantities, b: Quantities): boolean {
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every(name => {
    const [left, right] = [a[name], b[name]];
    return left !== undefined && right !== undefined && compareQuantities(left, right) === 0;
  });
}

/** `cpu=1,memory=1Gi`: by name, as messages about quotas have it. */
export const describeQuantities = (quantities: Quantities): string =>
  Object.keys(quantities)
    .sort()
    .map(name => `${name}=${formatQuantity(quantities[name] ?? ZERO)}`)
    .join(',');

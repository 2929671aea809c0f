/**
 * Resource quantities: `100m`, `1.5Gi`, `1e3` (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/).
 *
 * A quantity is a whole number of billionths, so arithmetic is exact; finer fractions are rounded away from zero and
 * values beyond ±(2^63-1) are capped, as upstream does.
 */

export type QuantityFormat = 'BinarySI' | 'DecimalSI' | 'DecimalExponent';

export interface Quantity {
  /** The value times 10^9. */
  readonly nanos: bigint;
  /** How it is written: `1Ki`, `1k` or `1e3`. */
  readonly format: QuantityFormat;
}

const NANO = 1_000_000_000n;
const MAX = ((1n << 63n) - 1n) * NANO;
const PATTERN = '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$';
const pattern = new RegExp(PATTERN);

const BINARY: Readonly<Record<string, bigint>> = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n };
const DECIMAL: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const SUFFIX_OF = new Map(Object.entries(DECIMAL).map(([suffix, exponent]) => [exponent, suffix]));

/** Numerator over denominator, away from zero where it does not divide. */
function divideUp(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  if (quotient * denominator === numerator) return quotient;
  return numerator < 0n ? quotient - 1n : quotient + 1n;
}

/** The same few amounts are written again and again: those read lately, by their text. */
const known = new Map<string, Quantity>();
const MAX_KNOWN = 256;
const MAX_KNOWN_LENGTH = 16;

/** Throws an Error with upstream's words. */
export function parseQuantity(text: string): Quantity {
  const before = known.get(text);
  if (before) return before;
  const quantity = readQuantity(text);
  if (text.length > MAX_KNOWN_LENGTH) return quantity;
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(text, quantity);
  return quantity;
}

function readQuantity(text: string): Quantity {
  const match = pattern.exec(text);
  if (!match) throw new Error(`quantities must match the regular expression '${PATTERN}'`);
  const [, number = '', suffix = ''] = match;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(number)) throw new Error('unable to parse numeric part of quantity');
  const [whole = '', fraction = ''] = number.replace(/^[+-]/, '').split('.');
  const digits = BigInt(`${whole}${fraction}` || '0') * (number.startsWith('-') ? -1n : 1n);
  let format: QuantityFormat = 'DecimalSI';
  let numerator = digits * NANO;
  let exponent = -fraction.length;
  const binary = BINARY[suffix];
  const decimal = DECIMAL[suffix];
  const scientific = /^[eE]([-+]?\d+)$/.exec(suffix);
  if (binary !== undefined) {
    format = 'BinarySI';
    numerator <<= binary;
  } else if (decimal !== undefined) exponent += decimal;
  else if (scientific) {
    format = 'DecimalExponent';
    // Far beyond the cap or below a billionth either way; keeps the arithmetic small.
    exponent += Math.max(-400, Math.min(400, Number(scientific[1])));
  } else throw new Error("unable to parse quantity's suffix");
  const exact = exponent >= 0 ? numerator * 10n ** BigInt(exponent) : divideUp(numerator, 10n ** BigInt(-exponent));
  const nanos = exact > MAX ? MAX : exact < -MAX ? -MAX : exact;
  return { nanos, format };
}

const quantityOf = (value: Quantity | string): Quantity => (typeof value === 'string' ? parseQuantity(value) : value);

/** The canonical text: no fraction, the largest suffix that needs none, binary suffixes only from 1Ki on. */
export function formatQuantity(value: Quantity): string {
  const { nanos } = value;
  if (nanos === 0n) return '0';
  const magnitude = nanos < 0n ? -nanos : nanos;
  if (value.format === 'BinarySI' && magnitude >= 1024n * NANO && magnitude % NANO === 0n) {
    let units = nanos / NANO;
    let suffix = '';
    for (const name of Object.keys(BINARY)) {
      if (units % 1024n !== 0n) break;
      units /= 1024n;
      suffix = name;
    }
    return `${units}${suffix}`;
  }
  let mantissa = nanos;
  let exponent = -9;
  while (exponent < 18 && mantissa % 1000n === 0n) {
    mantissa /= 1000n;
    exponent += 3;
  }
  if (value.format !== 'DecimalExponent') return `${mantissa}${SUFFIX_OF.get(exponent) ?? ''}`;
  return exponent === 0 ? `${mantissa}` : `${mantissa}e${exponent}`;
}

/** The canonical text of a quantity given as text or number: what the API stores. Throws as {@link parseQuantity}. */
export function canonicalQuantity(value: string | number): string {
  return formatQuantity(parseQuantity(String(value)));
}

/** In the format of the first, unless that is zero. */
export function addQuantities(a: Quantity | string, b: Quantity | string): Quantity {
  const [left, right] = [quantityOf(a), quantityOf(b)];
  return { nanos: left.nanos + right.nanos, format: left.nanos === 0n ? right.format : left.format };
}

export function subtractQuantities(a: Quantity | string, b: Quantity | string): Quantity {
  const [left, right] = [quantityOf(a), quantityOf(b)];
  return { nanos: left.nanos - right.nanos, format: left.nanos === 0n ? right.format : left.format };
}

/** Below, equal or above zero, as `sort` wants it. */
export function compareQuantities(a: Quantity | string, b: Quantity | string): number {
  const [left, right] = [quantityOf(a).nanos, quantityOf(b).nanos];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Whole units, rounded away from zero: bytes of memory. */
export function quantityValue(value: Quantity | string): number {
  return Number(divideUp(quantityOf(value).nanos, NANO));
}

/** Thousandths, rounded away from zero: millicores. */
export function quantityMilliValue(value: Quantity | string): number {
  return Number(divideUp(quantityOf(value).nanos, 1_000_000n));
}

/** Values and texts that programs tend to trip over. */
import type { Chance } from './random.ts';

export const words: readonly string[] = [
  '',
  ' ',
  '.',
  '..',
  '/',
  '%',
  '%00',
  '%2f',
  '%zz',
  '\\',
  "'",
  '"',
  '*',
  '-',
  '--',
  '0',
  '-1',
  '1e999',
  'NaN',
  'null',
  'true',
  'undefined',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'a',
  'A',
  'a.b/c',
  'a/b/c',
  '$patch',
  '$retainKeys',
  'metadata',
  'ä',
  '日本',
  '🙂',
  '\u0000',
  '\u2028',
  '\ud800',
  '\ufeff',
  'x'.repeat(64),
  'x'.repeat(300),
  '9'.repeat(40),
  '1.2.3.4',
  '::1',
  '10.43.0.0/16',
  '2026-01-01T00:00:00Z',
  '1Ki',
  '-5m',
  '1e3E',
  'example.com/a',
  '{{}}',
  '$(jndi)',
  '\r\nX: y',
];

const numbers: readonly number[] = [
  0,
  -0,
  1,
  -1,
  0.5,
  1e21,
  -1e21,
  2 ** 31,
  -(2 ** 31) - 1,
  2 ** 53,
  2 ** 63,
  -(2 ** 63),
  65536,
  Number.MAX_VALUE,
  Number.MIN_VALUE,
];

/** Any JSON value, not deep. */
export function anyValue(chance: Chance, depth = 2): unknown {
  switch (chance.below(depth > 0 ? 8 : 5)) {
    case 0:
      return null;
    case 1:
      return chance.in(0.5);
    case 2:
      return chance.of(numbers);
    case 3:
    case 4:
      return chance.of(words);
    case 5:
      return Array.from({ length: chance.below(4) }, () => anyValue(chance, depth - 1));
    case 6:
      return Object.fromEntries(
        Array.from({ length: chance.below(4) }, () => [chance.of(words), anyValue(chance, depth - 1)]),
      );
    default:
      return nested(chance, 3 + chance.below(700));
  }
}

function nested(chance: Chance, depth: number): unknown {
  let value: unknown = chance.of(words);
  const list = chance.in(0.5);
  for (let level = 0; level < depth; level++) value = list ? [value] : { a: value };
  return value;
}

interface Place {
  readonly holder: Record<string, unknown> | unknown[];
  readonly key: string | number;
}

function placesIn(value: unknown, found: Place[] = []): Place[] {
  if (typeof value !== 'object' || value === null) return found;
  const holder = value as Record<string, unknown>;
  for (const key of Object.keys(holder)) {
    found.push({ holder, key });
    if (found.length < 2000) placesIn(holder[key], found);
  }
  return found;
}

/** A copy in which some things are other than they should be. */
export function damaged<T extends object>(value: T, chance: Chance): T {
  const copy = structuredClone(value);
  for (let count = 1 + chance.below(3); count > 0; count--) {
    const places = placesIn(copy);
    if (places.length === 0) return copy;
    const { holder, key } = chance.of(places);
    const object = holder as Record<string | number, unknown>;
    switch (chance.below(6)) {
      case 0:
        delete object[key];
        break;
      case 1:
        Object.defineProperty(object, chance.of(words), {
          value: anyValue(chance),
          enumerable: true,
          configurable: true,
          writable: true,
        });
        break;
      case 2:
        object[key] = [object[key], structuredClone(object[key])];
        break;
      default:
        object[key] = anyValue(chance);
    }
  }
  return copy;
}

/** Bytes with some of them changed, lost, repeated or added. */
export function damagedBytes(bytes: Buffer, chance: Chance): Buffer {
  const at = chance.below(bytes.length + 1);
  switch (chance.below(5)) {
    case 0:
      return bytes.subarray(0, at);
    case 1: {
      const copy = Buffer.from(bytes);
      for (let count = 1 + chance.below(8); count > 0 && copy.length > 0; count--)
        copy[chance.below(copy.length)] = chance.below(256);
      return copy;
    }
    case 2:
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(Array.from({ length: 1 + chance.below(40) }, () => chance.below(256))),
        bytes.subarray(at),
      ]);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - chance.below(200)))]);
    default:
      return Buffer.concat([bytes, bytes]);
  }
}

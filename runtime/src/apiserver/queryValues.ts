/** Query parameters as upstream's parameter codec reads them: what is not given is undefined, repeated ones count once. */
import { badRequest } from '../api/status.ts';

/** False for `0` and `false` in any case; true for everything else that is given, the empty text too. */
export function flag(query: URLSearchParams, name: string): boolean | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  return text !== '0' && text.toLowerCase() !== 'false';
}

const MAX = 2n ** 63n;

/** A whole number of 64 bits, as Go's `strconv.ParseInt`. @throws StatusError 400 with its words. */
export function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (!/^[+-]?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  const value = BigInt(text.replace('+', ''));
  if (value >= MAX || value < -MAX) {
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range`);
  }
  return Number(value);
}

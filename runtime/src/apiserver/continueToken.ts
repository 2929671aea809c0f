/** `continue`: where a list that was cut by `limit` goes on, and at which revision (upstream's own form). */
import { badRequest } from '../api/status.ts';

export interface ContinueToken {
  /** -1: inconsistent, at whatever is newest. */
  readonly revision: number;
  /** The last key of the page before, without the resource's prefix. */
  readonly start: string;
}

export function encodeContinue({ revision, start }: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start })).toString('base64url');
}

/** @throws StatusError 400 */
export function decodeContinue(text: string): ContinueToken {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    throw notValid('it cannot be decoded');
  }
  if (typeof parsed !== 'object' || parsed === null) throw notValid('it cannot be decoded');
  const { v, rv, start } = parsed as Record<string, unknown>;
  if (v !== 'meta.k8s.io/v1') throw notValid(`server does not recognize this encoded version ${JSON.stringify(v)}`);
  if (typeof rv !== 'number' || !Number.isSafeInteger(rv) || rv === 0 || rv < -1) {
    throw notValid('incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  }
  if (typeof start !== 'string' || start === '') {
    throw notValid('encoded start key empty (version meta.k8s.io/v1)');
  }
  return { revision: rv, start };
}

const notValid = (why: string): Error => badRequest(`continue key is not valid: ${why}`);

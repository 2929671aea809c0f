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
  const illegal = /[^A-Za-z0-9_-]/.exec(text)?.index ?? (text.length % 4 === 1 ? text.length - 1 : -1);
  if (illegal >= 0) throw notValid(`: illegal base64 data at input byte ${illegal}`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch (error) {
    throw notValid(`: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw notValid(': it is no JSON object');
  const { v, rv, start } = parsed as Record<string, unknown>;
  if (v !== 'meta.k8s.io/v1') throw notValid(`: server does not recognize this encoded version ${String(v ?? '')}`);
  if (typeof rv !== 'number' || !Number.isSafeInteger(rv) || rv === 0) {
    throw notValid(': incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  }
  if (typeof start !== 'string' || start === '') {
    throw notValid(': encoded start key empty (version meta.k8s.io/v1)');
  }
  // A token names a key below the list's own prefix, and nothing above it.
  if (start.split('/').some((part, index) => part === '.' || part === '..' || (part === '' && index > 0))) {
    throw notValid(`: ${start}`);
  }
  return { revision: rv, start: start.startsWith('/') ? start.slice(1) : start };
}

const notValid = (why: string): Error => badRequest(`invalid continue token: continue key is not valid${why}`);

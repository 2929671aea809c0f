/**
 * Join tokens, as K3s writes them: `K10<SHA-256 of the server's CA certificate>::<user>:<secret>`. The hash lets a node know the
 * right server before it trusts any; a bare secret joins too, trusting the first server it meets.
 */
import { createHash } from 'node:crypto';

export interface JoinToken {
  /** Lower-case hex; undefined for a bare secret. */
  readonly caHash?: string;
  readonly user: string;
  readonly secret: string;
}

export class TokenError extends Error {
  override readonly name = 'TokenError';
  readonly hint: string = 'The token is in /var/lib/atoll/server/node-token on the server: copy the whole line.';
}

export const caHashOf = (caPem: string): string => createHash('sha256').update(caPem).digest('hex');

export const formatToken = (caPem: string, secret: string): string => `K10${caHashOf(caPem)}::node:${secret}`;

/** @throws TokenError saying what is wrong with it, never showing the secret. */
export function parseToken(text: string): JoinToken {
  const token = text.trim();
  if (token === '') throw new TokenError('the join token is empty');
  if (/\s/.test(token)) throw new TokenError('the join token has white space inside');
  if (!token.startsWith('K10')) {
    if (token.includes('::')) throw new TokenError('the join token has "::" but does not begin with "K10"');
    return { user: 'node', secret: token };
  }
  const match = /^K10([0-9a-f]{64})::([^:]+):(.+)$/i.exec(token);
  if (!match?.[1] || !match[2] || !match[3])
    throw new TokenError(
      'the join token is cut short or damaged: it must be K10<64 hexadecimal digits>::<user>:<secret>',
    );
  return { caHash: match[1].toLowerCase(), user: match[2], secret: match[3] };
}

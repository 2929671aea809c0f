/** Bearer tokens of every kind: what a token proves, or why it proves nothing. */
import type { User } from '../../lib/exchange.ts';

/** What is to be said of how somebody came, besides who he is. */
export interface Notes {
  /** For the audit log. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** For whoever asks. */
  readonly warning?: string;
}

export interface VerifiedToken {
  readonly user: User;
  readonly notes?: Notes;
  /** Those of the token that were asked for. */
  readonly audiences: readonly string[];
}

export type Verdict =
  | { readonly verified: VerifiedToken; readonly error?: undefined }
  /** `error` undefined: not a token of this kind. */
  | { readonly verified?: undefined; readonly error: string | undefined };

export interface TokenAuthenticator {
  /** @param audiences for whom the token must be (any of these); unset: for the API server. */
  verify(token: string, audiences?: readonly string[]): Promise<Verdict>;
}

export const notOurs: Verdict = { error: undefined };

/** Asks each in turn; the first that knows the token answers. Errors are told as upstream's `TokenReview` tells them. */
export function tokenAuthenticators(authenticators: readonly TokenAuthenticator[]): TokenAuthenticator {
  return {
    async verify(token, audiences) {
      const errors = ['invalid bearer token'];
      for (const authenticator of authenticators) {
        const verdict = await authenticator.verify(token, audiences);
        if (verdict.verified) return verdict;
        if (verdict.error !== undefined) errors.push(verdict.error);
      }
      return { error: errors.length === 1 ? errors[0] : `[${errors.join(', ')}]` };
    },
  };
}

/** A token that says nothing of audiences is for the API server. */
export function forApiServer(user: User, own: readonly string[], asked: readonly string[] | undefined): Verdict {
  const audiences = asked ? asked.filter(audience => own.includes(audience)) : own;
  return audiences.length > 0 ? { verified: { user, audiences } } : notOurs;
}

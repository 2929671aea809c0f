/**
 * Service-account tokens of pods, from TokenRequest, bound to the pod and renewed at 80 % of their life or after 24 hours
 * (KEP-1205; kubelet `token_manager.go`). Tokens are kept in memory only.
 */
import type { TokenRequest } from '../../api/generated/types/authentication.v1.ts';
import type { Pod, ServiceAccountTokenProjection } from '../../api/generated/types/core.v1.ts';
import type { Client } from '../../client/client.ts';
import { ServiceAccounts } from '../../client/resources.ts';
import type { Clock } from '../../lib/clock.ts';

export interface Token {
  readonly token: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  readonly renewAt: number;
}

const DEFAULT_SECONDS = 3600;
const DAY_MS = 24 * 3600_000;

export class Tokens {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #tokens = new Map<string, Token>();

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /**
   * The current token, renewed when it is time. A renewal that fails keeps the old token while it lives.
   * @throws the client's error when there is none to give.
   */
  async get(pod: Pod, projection: ServiceAccountTokenProjection): Promise<Token> {
    const { name = '', namespace = '', uid = '' } = pod.metadata;
    const account = pod.spec?.serviceAccountName || 'default';
    const audiences = projection.audience ? [projection.audience] : [];
    const seconds = projection.expirationSeconds ?? DEFAULT_SECONDS;
    const key = JSON.stringify([uid, account, audiences, seconds]);
    const known = this.#tokens.get(key);
    const now = this.#clock.now();
    if (known && now < known.renewAt) return known;
    const request = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: {},
      spec: { audiences, expirationSeconds: seconds, boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid } },
    };
    try {
      const at = { namespace, name: account };
      const answer = await this.#client.createSubresource<TokenRequest>(ServiceAccounts, at, 'token', request);
      const token = tokenOf(answer, now, seconds);
      this.#tokens.set(key, token);
      return token;
    } catch (error) {
      if (known && now < known.expiresAt) return known;
      throw error;
    }
  }

  forget(uid: string): void {
    for (const key of this.#tokens.keys()) if (key.startsWith(`["${uid}",`)) this.#tokens.delete(key);
  }
}

export function tokenOf(answer: TokenRequest, now: number, askedSeconds: number): Token {
  const token = answer.status?.token ?? '';
  if (!token) throw new Error('the API server answered a TokenRequest without a token');
  const expiresAt = answer.status?.expirationTimestamp
    ? Date.parse(answer.status.expirationTimestamp)
    : now + askedSeconds * 1000;
  return { token, expiresAt, renewAt: now + Math.min((expiresAt - now) * 0.8, DAY_MS) };
}

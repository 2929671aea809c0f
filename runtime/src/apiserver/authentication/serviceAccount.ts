/**
 * Service-account tokens: issued, and found to be still good
 * (https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens).
 *
 * Always true: a token is good only while its account, and the pod, secret or node it is bound to, exist with the uid they had.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import type { User } from '../../lib/exchange.ts';
import type { Store } from '../../store/store.ts';
import { keyOf } from '../keys.ts';
import { deserialize } from '../serialized.ts';
import { type Claims, type SigningKey, signToken, type VerificationKey, verifyToken } from './jwt.ts';

/** How long a good token is believed without looking again (upstream: 10 s). */
const CACHE_MS = 10_000;
const CACHE_SIZE = 1024;
const PREFIX = 'system:serviceaccount:';

export interface BoundObject {
  readonly kind: 'Pod' | 'Secret' | 'Node';
  readonly name: string;
  readonly uid: string;
  /** The node of a pod. */
  readonly node?: { readonly name: string; readonly uid?: string };
}

export interface TokenFor {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly audiences: readonly string[];
  readonly lifetimeSeconds: number;
  readonly bound?: BoundObject;
}

export interface ServiceAccountTokensOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly issuer: string;
  /** The API server's own audiences. */
  readonly audiences: readonly string[];
  readonly signing: SigningKey;
  readonly verification: readonly VerificationKey[];
}

export interface VerifiedToken {
  readonly user: User;
  /** Those of the token that were asked for. */
  readonly audiences: readonly string[];
}

export class ServiceAccountTokens {
  readonly #options: ServiceAccountTokensOptions;
  readonly #good = new Map<string, { readonly verified: VerifiedToken; readonly untilMs: number }>();

  constructor(options: ServiceAccountTokensOptions) {
    this.#options = options;
  }

  get audiences(): readonly string[] {
    return this.#options.audiences;
  }

  get issuer(): string {
    return this.#options.issuer;
  }

  get verificationKeys(): readonly VerificationKey[] {
    return this.#options.verification;
  }

  issue({ namespace, name, uid, audiences, lifetimeSeconds, bound }: TokenFor): {
    token: string;
    expiresAtMs: number;
  } {
    const now = Math.floor(this.#options.clock.now() / 1000);
    const references: Record<string, unknown> = { namespace };
    if (bound?.node) references.node = bound.node;
    if (bound) references[bound.kind.toLowerCase()] = { name: bound.name, uid: bound.uid };
    references.serviceaccount = { name, uid };
    const claims = {
      aud: audiences,
      exp: now + lifetimeSeconds,
      iat: now,
      iss: this.#options.issuer,
      jti: randomUUID(),
      'kubernetes.io': references,
      nbf: now,
      sub: `${PREFIX}${namespace}:${name}`,
    };
    return { token: signToken(claims, this.#options.signing), expiresAtMs: (now + lifetimeSeconds) * 1000 };
  }

  /** Undefined: not a good token of ours. @param audiences any of these must be the token's. */
  async verify(
    token: string,
    audiences: readonly string[] = this.#options.audiences,
  ): Promise<VerifiedToken | undefined> {
    const key = `${audiences.join(' ')} ${token}`;
    const nowMs = this.#options.clock.now();
    const cached = this.#good.get(key);
    if (cached && cached.untilMs > nowMs) return cached.verified;
    const claims = verifyToken(token, this.#options.verification);
    const verified = claims && (await this.#check(claims, audiences, nowMs));
    if (!verified) {
      this.#good.delete(key);
      return undefined;
    }
    if (this.#good.size >= CACHE_SIZE) this.#good.clear();
    const untilMs = Math.min(nowMs + CACHE_MS, Number(claims.exp) * 1000);
    this.#good.set(key, { verified, untilMs });
    return verified;
  }

  async #check(claims: Claims, audiences: readonly string[], nowMs: number): Promise<VerifiedToken | undefined> {
    const { iss, exp, nbf } = claims;
    if (iss !== this.#options.issuer || typeof exp !== 'number' || exp * 1000 <= nowMs) return undefined;
    if (typeof nbf === 'number' && nbf * 1000 > nowMs) return undefined;
    const own = Array.isArray(claims.aud) ? claims.aud : [claims.aud];
    const common = audiences.filter(audience => own.includes(audience));
    if (common.length === 0) return undefined;
    const references = record(claims['kubernetes.io']);
    const account = reference(references.serviceaccount);
    const namespace = references.namespace;
    if (typeof namespace !== 'string' || !account) return undefined;
    const exists = async (resource: string, place: string, of: { name: string; uid?: string }): Promise<boolean> => {
      const found = await this.#options.store.get(
        keyOf({ group: '', resource, namespaced: place !== '' }, place, of.name),
      );
      return found !== undefined && deserialize(found.value, found.modRevision).metadata.uid === of.uid;
    };
    if (!(await exists('serviceaccounts', namespace, account))) return undefined;
    const pod = reference(references.pod);
    const secret = reference(references.secret);
    const node = reference(references.node);
    if (pod && !(await exists('pods', namespace, pod))) return undefined;
    if (secret && !(await exists('secrets', namespace, secret))) return undefined;
    if (node && !pod && !(await exists('nodes', '', node))) return undefined;
    const extra: Record<string, readonly string[]> = {};
    if (typeof claims.jti === 'string') extra['authentication.kubernetes.io/credential-id'] = [`JTI=${claims.jti}`];
    if (node) extra['authentication.kubernetes.io/node-name'] = [node.name];
    if (node?.uid !== undefined) extra['authentication.kubernetes.io/node-uid'] = [node.uid];
    if (pod) extra['authentication.kubernetes.io/pod-name'] = [pod.name];
    if (pod?.uid !== undefined) extra['authentication.kubernetes.io/pod-uid'] = [pod.uid];
    return {
      user: {
        name: `${PREFIX}${namespace}:${account.name}`,
        ...(account.uid === undefined ? {} : { uid: account.uid }),
        groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
        extra,
      },
      audiences: common,
    };
  }
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

function reference(value: unknown): { name: string; uid?: string } | undefined {
  const { name, uid } = record(value);
  if (typeof name !== 'string') return undefined;
  return { name, ...(typeof uid === 'string' ? { uid } : {}) };
}

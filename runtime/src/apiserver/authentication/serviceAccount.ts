/**
 * Service-account tokens: issued, and found to be still good
 * (https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens).
 *
 * Always true: a token is good only while its account, and the pod, secret or node it is bound to, exist with the uid they had
 * and have not been deleted for more than a minute; a token of a secret, only while it stands in that secret.
 */
import { randomUUID } from 'node:crypto';
import type { KubeObject } from '../../api/object.ts';
import type { Clock } from '../../lib/clock.ts';
import type { User } from '../../lib/exchange.ts';
import type { Store } from '../../store/store.ts';
import { keyOf } from '../keys.ts';
import { deserialize } from '../serialized.ts';
import { type Claims, type SigningKey, signToken, type VerificationKey, verifyToken } from './jwt.ts';
import { notOurs, type TokenAuthenticator, type Verdict } from './tokens.ts';

/** How long a good token is believed without looking again (upstream: 10 s). */
const CACHE_MS = 10_000;
const CACHE_SIZE = 1024;
const PREFIX = 'system:serviceaccount:';
const LEGACY_ISSUER = 'kubernetes/serviceaccount';
const LEGACY = 'kubernetes.io/serviceaccount/';
/** For clocks that differ, and for what is being deleted. */
const LEEWAY_MS = 60_000;
const YEAR_SECONDS = 366 * 24 * 3600;
const INVALIDATED = 'service account token has been invalidated';

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
  /** After these clients are told that the token is stale, though it still works. */
  readonly warnAfterSeconds?: number;
}

/** A token that lives as long as the Secret it stands in. */
export interface SecretTokenFor {
  readonly namespace: string;
  readonly secretName: string;
  readonly accountName: string;
  readonly accountUid: string;
}

export interface ServiceAccountTokensOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Who issues. */
  readonly issuer: string;
  /** Who issued before: their tokens are good too. */
  readonly formerIssuers?: readonly string[];
  /** The API server's own audiences. */
  readonly audiences: readonly string[];
  /** The longest life of a token that is asked for; unset: a year. */
  readonly maxLifetimeSeconds?: number;
  /** Pods' tokens live a year, for programs that do not read them again (KEP-1205). Default: true. */
  readonly extendLifetime?: boolean;
  readonly signing: SigningKey;
  readonly verification: readonly VerificationKey[];
}

interface Reference {
  readonly name: string;
  readonly uid?: string;
}

export class ServiceAccountTokens implements TokenAuthenticator {
  readonly #options: ServiceAccountTokensOptions;
  readonly #good = new Map<string, { readonly verdict: Verdict; readonly untilMs: number }>();

  constructor(options: ServiceAccountTokensOptions) {
    this.#options = options;
  }

  get audiences(): readonly string[] {
    return this.#options.audiences;
  }

  get issuer(): string {
    return this.#options.issuer;
  }

  /** Nobody gets a token for longer, whatever is asked. */
  get maxLifetimeSeconds(): number {
    return this.#options.maxLifetimeSeconds ?? YEAR_SECONDS;
  }

  get extendsLifetime(): boolean {
    return this.#options.extendLifetime ?? true;
  }

  get verificationKeys(): readonly VerificationKey[] {
    return this.#options.verification;
  }

  issue({ namespace, name, uid, audiences, lifetimeSeconds, bound, warnAfterSeconds }: TokenFor): {
    token: string;
    expiresAtMs: number;
  } {
    const now = Math.floor(this.#options.clock.now() / 1000);
    const references: Record<string, unknown> = { namespace };
    if (bound?.node) references.node = bound.node;
    if (bound) references[bound.kind.toLowerCase()] = { name: bound.name, uid: bound.uid };
    references.serviceaccount = { name, uid };
    if (warnAfterSeconds !== undefined) references.warnafter = now + warnAfterSeconds;
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

  /** For Secrets of the type `kubernetes.io/service-account-token`. */
  issueForSecret({ namespace, secretName, accountName, accountUid }: SecretTokenFor): string {
    const claims = {
      iss: LEGACY_ISSUER,
      [`${LEGACY}namespace`]: namespace,
      [`${LEGACY}secret.name`]: secretName,
      [`${LEGACY}service-account.name`]: accountName,
      [`${LEGACY}service-account.uid`]: accountUid,
      sub: `${PREFIX}${namespace}:${accountName}`,
    };
    return signToken(claims, this.#options.signing);
  }

  async verify(token: string, audiences: readonly string[] = this.#options.audiences): Promise<Verdict> {
    const key = audiences === this.#options.audiences ? token : `${audiences.join(' ')} ${token}`;
    const nowMs = this.#options.clock.now();
    const cached = this.#good.get(key);
    if (cached && cached.untilMs > nowMs) return cached.verdict;
    const claims = verifyToken(token, this.#options.verification);
    if (!claims) return notOurs;
    const verdict = await this.#check(claims, token, audiences, nowMs);
    if (!verdict.verified) {
      this.#good.delete(key);
      return verdict;
    }
    if (this.#good.size >= CACHE_SIZE) this.#good.clear();
    const endsMs = typeof claims.exp === 'number' ? claims.exp * 1000 : Number.POSITIVE_INFINITY;
    this.#good.set(key, { verdict, untilMs: Math.min(nowMs + CACHE_MS, endsMs) });
    return verdict;
  }

  async #check(claims: Claims, token: string, audiences: readonly string[], nowMs: number): Promise<Verdict> {
    if (claims.iss === LEGACY_ISSUER) return this.#checkSecretToken(claims, token, audiences, nowMs);
    const { iss, exp, nbf, iat } = claims;
    const { issuer, formerIssuers = [] } = this.#options;
    if (iss !== issuer && !formerIssuers.includes(String(iss))) return notOurs;
    const own = (Array.isArray(claims.aud) ? claims.aud : [claims.aud]).map(String);
    const common = audiences.filter(audience => own.includes(audience));
    if (common.length === 0) {
      return { error: `token audiences ${quoted(own)} is invalid for the target audiences ${quoted(audiences)}` };
    }
    if (typeof exp !== 'number' || exp * 1000 <= nowMs) return { error: 'service account token has expired' };
    if (typeof nbf === 'number' && nbf * 1000 > nowMs + LEEWAY_MS) {
      return { error: 'service account token is not valid yet' };
    }
    if (typeof iat === 'number' && iat * 1000 > nowMs + LEEWAY_MS) {
      return { error: 'service account token is issued in the future' };
    }
    const references = record(claims['kubernetes.io']);
    const account = reference(references.serviceaccount);
    const { namespace } = references;
    if (typeof namespace !== 'string' || !account) return notOurs;
    const pod = reference(references.pod);
    const secret = reference(references.secret);
    const node = reference(references.node);
    const error =
      (await this.#accountError(namespace, account, nowMs)) ??
      (secret && (await this.#boundError('secrets', namespace, secret, nowMs))) ??
      (pod && (await this.#boundError('pods', namespace, pod, nowMs))) ??
      // A pod's token only tells its node.
      (node && !pod ? await this.#boundError('nodes', '', node, nowMs) : undefined);
    if (error !== undefined) return { error };
    const extra: Record<string, readonly string[]> = {};
    if (typeof claims.jti === 'string') extra['authentication.kubernetes.io/credential-id'] = [`JTI=${claims.jti}`];
    if (node) extra['authentication.kubernetes.io/node-name'] = [node.name];
    if (node?.uid !== undefined) extra['authentication.kubernetes.io/node-uid'] = [node.uid];
    if (pod) extra['authentication.kubernetes.io/pod-name'] = [pod.name];
    if (pod?.uid !== undefined) extra['authentication.kubernetes.io/pod-uid'] = [pod.uid];
    return { verified: { user: userOf(namespace, account, extra), audiences: common } };
  }

  async #checkSecretToken(
    claims: Claims,
    token: string,
    audiences: readonly string[],
    nowMs: number,
  ): Promise<Verdict> {
    const claim = (name: string): string => String(claims[`${LEGACY}${name}`] ?? '');
    const namespace = claim('namespace');
    const account = { name: claim('service-account.name'), uid: claim('service-account.uid') };
    const secretName = claim('secret.name');
    if (namespace === '' || account.name === '' || secretName === '') return notOurs;
    if (claims.sub !== `${PREFIX}${namespace}:${account.name}`) return notOurs;
    const common = audiences.filter(audience => this.#options.audiences.includes(audience));
    if (common.length === 0) {
      return {
        error: `token audiences ${quoted(this.#options.audiences)} is invalid for the target audiences ${quoted(audiences)}`,
      };
    }
    const secret = await this.#read('secrets', namespace, secretName);
    const data = (secret?.data ?? {}) as Readonly<Record<string, string>>;
    if (!secret || isDeleted(secret, nowMs)) return { error: INVALIDATED };
    if (Buffer.from(data.token ?? '', 'base64').toString('utf8') !== token) return { error: INVALIDATED };
    if (secret.metadata.labels?.['kubernetes.io/legacy-token-invalid-since'] !== undefined) {
      return {
        error: `the token in secret ${namespace}/${secretName} for service account ${namespace}/${account.name} has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the 'kubernetes.io/legacy-token-invalid-since' label from the secret to temporarily allow use of this token`,
      };
    }
    const error = await this.#accountError(namespace, account, nowMs);
    if (error !== undefined) return { error };
    return { verified: { user: userOf(namespace, account), audiences: common } };
  }

  async #accountError(namespace: string, account: Reference, nowMs: number): Promise<string | undefined> {
    const found = await this.#read('serviceaccounts', namespace, account.name);
    if (!found) return `serviceaccounts ${JSON.stringify(account.name)} not found`;
    if (found.metadata.uid !== account.uid) {
      return `service account UID (${found.metadata.uid}) does not match claim (${account.uid})`;
    }
    return isDeleted(found, nowMs) ? `service account ${namespace}/${account.name} has been deleted` : undefined;
  }

  async #boundError(resource: string, namespace: string, of: Reference, nowMs: number): Promise<string | undefined> {
    const found = await this.#read(resource, namespace, of.name);
    if (!found || isDeleted(found, nowMs)) return INVALIDATED;
    if (found.metadata.uid === of.uid) return undefined;
    const [what, claim] =
      resource === 'secrets'
        ? ['secret', 'service account secret']
        : resource === 'pods'
          ? ['pod', 'service account pod']
          : ['node', 'service account node'];
    return `${what} UID (${found.metadata.uid}) does not match ${claim} ref claim (${of.uid})`;
  }

  async #read(resource: string, namespace: string, name: string): Promise<KubeObject | undefined> {
    const found = await this.#options.store.get(
      keyOf({ group: '', resource, namespaced: namespace !== '' }, namespace, name),
    );
    return found && deserialize(found.value, found.modRevision);
  }
}

function userOf(namespace: string, account: Reference, extra?: User['extra']): User {
  return {
    name: `${PREFIX}${namespace}:${account.name}`,
    ...(account.uid === undefined ? {} : { uid: account.uid }),
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    ...(extra === undefined ? {} : { extra }),
  };
}

/** For longer than {@link LEEWAY_MS}. */
function isDeleted({ metadata }: KubeObject, nowMs: number): boolean {
  const { deletionTimestamp } = metadata;
  return deletionTimestamp !== undefined && Date.parse(deletionTimestamp) < nowMs - LEEWAY_MS;
}

const quoted = (values: readonly string[]): string => `[${values.map(value => JSON.stringify(value)).join(' ')}]`;

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

function reference(value: unknown): Reference | undefined {
  const { name, uid } = record(value);
  if (typeof name !== 'string') return undefined;
  return { name, ...(typeof uid === 'string' ? { uid } : {}) };
}

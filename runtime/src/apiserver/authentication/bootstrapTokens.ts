/**
 * Bootstrap tokens, `<6 characters>.<16 characters>`: Secrets of the type `bootstrap.kubernetes.io/token` in `kube-system`
 * (https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/).
 */
import { timingSafeEqual } from 'node:crypto';
import type { Secret } from '../../api/generated/types/core.v1.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Store } from '../../store/store.ts';
import { deserialize } from '../serialized.ts';
import { forApiServer, notOurs, type TokenAuthenticator, type Verdict } from './tokens.ts';

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const TYPE = 'bootstrap.kubernetes.io/token';
const GROUP = 'system:bootstrappers';
const EXTRA_GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

export interface BootstrapTokensOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** The API server's own. */
  readonly audiences: readonly string[];
}

export function bootstrapTokens({ store, clock, audiences: own }: BootstrapTokensOptions): TokenAuthenticator {
  return {
    async verify(token, audiences) {
      const [, id, secret] = TOKEN.exec(token) ?? [];
      if (id === undefined || secret === undefined) return notOurs;
      const found = await store.get(`/registry/core/secrets/kube-system/bootstrap-token-${id}`);
      if (!found) return notOurs;
      const groups = groupsOf(
        deserialize(found.value, found.modRevision) as unknown as Secret,
        id,
        secret,
        clock.now(),
      );
      if (!groups) return notOurs;
      return grant(id, groups, own, audiences);
    },
  };
}

function grant(
  id: string,
  groups: readonly string[],
  own: readonly string[],
  audiences: readonly string[] | undefined,
): Verdict {
  return forApiServer({ name: `system:bootstrap:${id}`, groups: [...groups, 'system:authenticated'] }, own, audiences);
}

/** Undefined: the token is not good (any more). */
function groupsOf({ type, data, metadata }: Secret, id: string, secret: string, nowMs: number): string[] | undefined {
  const value = (key: string): string => Buffer.from(data?.[key] ?? '', 'base64').toString('utf8');
  if (type !== TYPE || metadata.deletionTimestamp !== undefined) return undefined;
  if (value('token-id') !== id || !same(value('token-secret'), secret)) return undefined;
  const expiration = value('expiration');
  // A time that cannot be read has passed.
  if (expiration !== '' && !(Date.parse(expiration) > nowMs)) return undefined;
  if (value('usage-bootstrap-authentication') !== 'true') return undefined;
  const extra = value('auth-extra-groups')
    .split(',')
    .map(group => group.trim())
    .filter(group => group !== '');
  if (!extra.every(group => EXTRA_GROUP.test(group))) return undefined;
  return [...new Set([GROUP, ...extra])].sort();
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

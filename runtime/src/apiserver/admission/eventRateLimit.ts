/**
 * EventRateLimit: events come no faster than these limits, so that one that is made over and over does not crowd out all else
 * (https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#eventratelimit).
 */
import { StatusError } from '../../api/status.ts';
import { type AdmissionAttributes, type AdmissionPlugin, groupResourceOf } from './admission.ts';

export const limitTypes = ['Server', 'Namespace', 'User', 'SourceAndObject'] as const;
export type LimitType = (typeof limitTypes)[number];

export interface EventLimit {
  readonly type: LimitType;
  /** Events a second, in the long run. */
  readonly qps: number;
  /** Events at once. */
  readonly burst: number;
  /** How many namespaces, users or objects are remembered; the one not seen for longest is forgotten. */
  readonly cacheSize: number;
}

export const DEFAULT_CACHE_SIZE = 4096;

/** @param now in milliseconds, never going back. */
export function eventRateLimit(limits: readonly EventLimit[], now: () => number): AdmissionPlugin {
  const enforced = limits.map(limit => ({ limit, buckets: new Buckets(limit, now) }));
  return {
    name: 'EventRateLimit',
    // Events of both groups are the same objects.
    handles: (operation, resource) =>
      (operation === 'CREATE' || operation === 'UPDATE') &&
      ['events', 'events.events.k8s.io'].includes(groupResourceOf(resource)),
    validate(attributes) {
      if (attributes.dryRun) return;
      // Each limit counts the event, also when another refuses it.
      const reached = enforced.flatMap(({ limit, buckets }) => {
        const key = keyOf(limit.type, attributes);
        return buckets.take(key) ? [] : [`limit reached on type ${limit.type} for key ${key}`];
      });
      if (reached.length === 0) return;
      throw new StatusError(
        429,
        'TooManyRequests',
        reached.length === 1 ? (reached[0] ?? '') : `[${reached.join(', ')}]`,
      );
    },
  };
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/** Token buckets by key; in the order of their last use. */
class Buckets {
  readonly #of = new Map<string, Bucket>();

  constructor(
    private readonly limit: EventLimit,
    private readonly now: () => number,
  ) {}

  take(key: string): boolean {
    const { qps, burst, cacheSize } = this.limit;
    const nowMs = this.now();
    const { tokens, atMs } = this.#of.get(key) ?? { tokens: burst, atMs: nowMs };
    const there = Math.min(burst, tokens + ((nowMs - atMs) / 1000) * qps);
    this.#of.delete(key);
    this.#of.set(key, { tokens: there >= 1 ? there - 1 : there, atMs: nowMs });
    const [oldest] = this.#of.keys();
    if (this.#of.size > cacheSize && oldest !== undefined) this.#of.delete(oldest);
    return there >= 1;
  }
}

interface EventLike {
  readonly source?: Source;
  readonly deprecatedSource?: Source;
  readonly involvedObject?: Reference;
  readonly regarding?: Reference;
}

interface Source {
  readonly component?: string;
  readonly host?: string;
}

interface Reference {
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly apiVersion?: string;
}

function keyOf(type: LimitType, { namespace, user, object }: AdmissionAttributes): string {
  if (type === 'Server') return '';
  if (type === 'Namespace') return namespace;
  if (type === 'User') return user.name;
  const event = (object ?? {}) as unknown as EventLike;
  const { component = '', host = '' } = event.source ?? event.deprecatedSource ?? {};
  const of = event.involvedObject ?? event.regarding ?? {};
  return [component, host, of.kind, of.namespace, of.name, of.uid, of.apiVersion].map(part => part ?? '').join('');
}

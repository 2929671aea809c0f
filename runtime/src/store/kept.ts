/**
 * What of Kubernetes is kept in memory instead of on the card, and what of it has to survive a restart.
 *
 * A node's heartbeat is a Lease renewed every ten seconds, a leader's one every two; Events tell what just happened. Written to a
 * card they are most of what an idle node writes, and nobody needs them after a restart, but for two things that a lost Lease
 * would break: who holds it (a second leader must wait for the first one's time to run out, which client-go measures from when
 * it first sees the Lease), and that it exists. So of a Lease everything but its renewal is durable; of an Event nothing is.
 */
import { isDeepStrictEqual } from 'node:util';
import type { MemoryRule } from './sqlite/memory.ts';

/** `--event-ttl` of kube-apiserver. */
export const EVENT_TTL_MS = 3_600_000;
/** Of each of the two groups that serve Events; at a kilobyte each a few megabytes. */
const MAX_EVENTS = 4_000;
const MAX_EVENT_BYTES = 6 * 1024 * 1024;

export const keptInMemory: readonly MemoryRule[] = [
  ...['core', 'events.k8s.io'].map(group => ({
    prefix: `/registry/${group}/events/`,
    ttlMs: EVENT_TTL_MS,
    maxEntries: MAX_EVENTS,
    maxBytes: MAX_EVENT_BYTES,
  })),
  { prefix: '/registry/coordination.k8s.io/leases/', lasting: isMoreThanRenewal },
];

/** Whether a write of a Lease is more than its holder saying that it is still there. */
export function isMoreThanRenewal(before: Buffer | undefined, after: Buffer | null): boolean {
  if (before === undefined || after === null) return true;
  return !isDeepStrictEqual(withoutRenewal(before), withoutRenewal(after));
}

interface LeaseLike {
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

function withoutRenewal(value: Buffer): object {
  const lease = JSON.parse(value.toString('utf8')) as LeaseLike;
  return {
    ...lease,
    metadata: { ...lease.metadata, managedFields: undefined },
    spec: { ...lease.spec, renewTime: undefined },
  };
}

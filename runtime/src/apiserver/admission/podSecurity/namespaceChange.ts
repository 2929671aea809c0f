/** A namespace asks for more than before: its pods stay, but whoever asks is told which would not be let in again. */
import type { Pod } from '../../../api/generated/types/core.v1.ts';
import { controllerOf } from '../../../api/owners.ts';
import type { Store } from '../../../store/store.ts';
import { deserialize } from '../../serialized.ts';
import { violationsOf } from './checks.ts';
import { compareLevels, describe, type Standard } from './policy.ts';

/** As upstream: so many pods, for so long. */
const MAX_PODS = 3000;
const MAX_MS = 1000;
/** Pods judged before others have a turn. */
const SLICE = 50;

/** The same rules or fewer of them: no pod can have become worse. */
export const isRelaxed = (next: Standard, previous: Standard): boolean =>
  next.minor === previous.minor && compareLevels(next.level, previous.level) <= 0;

export async function warningsFor(
  store: Store,
  namespace: string,
  standard: Standard,
  exemptRuntimeClasses: readonly string[],
): Promise<string[]> {
  const untilMs = performance.now() + MAX_MS;
  const { items } = await store.range({ prefix: `/registry/core/pods/${namespace}/` });
  const pods = prioritized(
    items
      .map(({ value, modRevision }) => deserialize(value, modRevision) as unknown as Pod)
      .filter(({ spec }) => !exemptRuntimeClasses.includes(spec?.runtimeClassName ?? '')),
  );
  const found = new Map<string, string[]>();
  let checked = 0;
  for (const pod of pods.slice(0, MAX_PODS)) {
    checked++;
    const reasons = violationsOf(pod, standard).map(({ reason }) => reason);
    if (reasons.length > 0) {
      const what = reasons.join(', ');
      found.set(what, [...(found.get(what) ?? []), pod.metadata.name ?? '']);
    }
    if (checked % SLICE === 0) await new Promise(resolve => setImmediate(resolve));
    if (performance.now() > untilMs) break;
  }
  const warnings: string[] = [];
  if (checked < pods.length) {
    warnings.push(
      `new PodSecurity enforce level only checked against the first ${checked} of ${pods.length} existing pods`,
    );
  }
  if (found.size === 0) return warnings;
  warnings.push(
    `existing pods in namespace ${JSON.stringify(namespace)} violate the new PodSecurity enforce level "${describe(standard)}"`,
  );
  return [...warnings, ...[...found].map(([what, names]) => `${named(names)}: ${what}`).sort()];
}

/** `a`, `a (and 1 other pod)`, `a (and 2 other pods)`: the first by name stands for all. */
function named(names: readonly string[]): string {
  const [first = ''] = [...names].sort();
  const others = names.length - 1;
  return others === 0 ? first : `${first} (and ${others} other ${others === 1 ? 'pod' : 'pods'})`;
}

/** Pods of one controller are alike: one of each first, so that a time limit hides as little as can be. */
function prioritized(pods: readonly Pod[]): Pod[] {
  const seen = new Set<string>();
  const alike: Pod[] = [];
  const distinct: Pod[] = [];
  for (const pod of pods) {
    const owner = controllerOf(pod)?.uid;
    if (owner !== undefined && seen.has(owner)) alike.push(pod);
    else {
      distinct.push(pod);
      if (owner !== undefined) seen.add(owner);
    }
  }
  return [...distinct, ...alike];
}

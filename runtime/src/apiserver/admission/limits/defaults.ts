/** Defaults of a LimitRange, written into the containers that leave them open. Pure but for the pod it is given. */
import type { Container, LimitRange, Pod } from '../../../api/generated/types/core.v1.ts';

/** Tells people what was not theirs. */
const ANNOTATION = 'kubernetes.io/limit-ranger';

type Amounts = Readonly<Record<string, string>>;

export function applyLimitDefaults(pod: Pod, { spec }: LimitRange): void {
  let limits: Amounts = {};
  let requests: Amounts = {};
  for (const item of spec?.limits ?? []) {
    if (item.type !== 'Container') continue;
    limits = { ...limits, ...item.default };
    requests = { ...requests, ...item.defaultRequest };
  }
  const notes = [
    ...(pod.spec?.containers ?? []).flatMap(container => complete(container, 'container', requests, limits)),
    ...(pod.spec?.initContainers ?? []).flatMap(container => complete(container, 'init container', requests, limits)),
  ];
  if (notes.length === 0) return;
  pod.metadata.annotations = {
    ...pod.metadata.annotations,
    [ANNOTATION]: `LimitRanger plugin set: ${notes.join('; ')}`,
  };
}

/** @returns what was set, for the annotation. */
function complete(container: Container, what: string, requests: Amounts, limits: Amounts): string[] {
  const notes: string[] = [];
  const fill = (list: 'requests' | 'limits', defaults: Amounts, word: string): void => {
    const said = container.resources?.[list] ?? {};
    const set = Object.keys(defaults).filter(name => !(name in said));
    if (set.length === 0) return;
    container.resources = { ...container.resources, [list]: { ...defaults, ...said } };
    notes.push(`${set.sort().join(', ')} ${word} for ${what} ${container.name}`);
  };
  fill('requests', requests, 'request');
  fill('limits', limits, 'limit');
  return notes;
}

/**
 * Disruption budgets: how many of their pods are healthy, how many must be, and so how many may be evicted now. Eviction
 * (`apiserver/handlers/eviction.ts`) reads and charges what is written here; without it no budget would ever allow anything.
 *
 * Always true: a status is written only onto the budget it was worked out for, so that no eviction charged meanwhile is forgotten;
 * a budget that cannot be worked out allows nothing, and says why.
 */
import { isDeepStrictEqual } from 'node:util';
import { syncFailed } from '../../api/disruptionBudgets.ts';
import type { Pod } from '../../api/generated/types/core.v1.ts';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../../api/generated/types/policy.v1.ts';
import { formatLabelSelector, labelSelectorMatches } from '../../api/selectors.ts';
import { isConflict, isNotFound } from '../../client/apiError.ts';
import { disruptionBudgetsOf, podsOf, replicaSetsOf } from '../../client/caches.ts';
import { keyOf, keyText, PodDisruptionBudgets, Pods } from '../../client/resources.ts';
import { wireTime } from '../../client/wireTime.ts';
import { type Controller, newQueue, reconcile } from '../context.ts';
import { Scales } from './scale.ts';
import { type Disrupted, disruptedOf, expectedOf, needsScale, statusOf } from './status.ts';

const BY_NAMESPACE = 'namespace';

export const disruption: Controller = (context, signal) => {
  const { client, informers, clock, events } = context;
  const budgets = disruptionBudgetsOf(informers);
  const pods = podsOf(informers);
  const replicaSets = replicaSetsOf(informers);
  const scales = new Scales(client, replicaSets);
  const queue = newQueue(context);
  const enqueue = (budget: PodDisruptionBudget): void => queue.add(keyText(keyOf(budget)));

  budgets.addIndex(BY_NAMESPACE, budget => [budget.metadata.namespace ?? '']);
  const covers = ({ spec }: PodDisruptionBudget, { metadata }: Pod): boolean =>
    labelSelectorMatches(spec?.selector, metadata.labels);
  const touched = (pod: Pod): void => {
    if (budgets.size === 0) return;
    for (const budget of budgets.byIndex(BY_NAMESPACE, pod.metadata.namespace ?? ''))
      if (covers(budget, pod)) enqueue(budget);
  };
  budgets.on({
    add: budget => {
      pods.addIndex(BY_NAMESPACE, pod => [pod.metadata.namespace ?? '']); // only where somebody has a budget
      enqueue(budget);
    },
    update: enqueue,
  });
  pods.on({
    add: touched,
    update: (pod, old) => {
      touched(pod);
      if (!isDeepStrictEqual(pod.metadata.labels, old.metadata.labels)) touched(old);
    },
    delete: touched,
  });

  const work = async (key: string): Promise<number | undefined> => {
    const budget = budgets.getByKey(key);
    if (!budget) return;
    const covered = pods
      .byIndex(BY_NAMESPACE, budget.metadata.namespace ?? '')
      .filter(pod => covers(budget, pod))
      .sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1));
    const disrupted = disruptedOf(budget, covered, clock.now());
    let status: PodDisruptionBudgetStatus;
    try {
      status = await settled(budget, covered, disrupted);
    } catch (error) {
      if (signal.aborted || isConflict(error)) throw error;
      const message = error instanceof Error ? error.message : String(error);
      const why = `Failed to calculate the number of expected pods: ${message}`;
      events.event(PodDisruptionBudgets, budget, 'Warning', 'CalculateExpectedPodCountFailed', why);
      const now = wireTime(clock.now());
      const old = budget.status ?? {};
      status = { ...zeros, ...old, disruptionsAllowed: 0, conditions: syncFailed(old, message, now) };
    }
    await write(budget, status);
    return disrupted.againInMs;
  };

  const settled = async (
    budget: PodDisruptionBudget,
    covered: readonly Pod[],
    disrupted: Disrupted,
  ): Promise<PodDisruptionBudgetStatus> => {
    if (covered.length === 0) events.event(PodDisruptionBudgets, budget, 'Normal', 'NoPods', 'No matching pods found');
    let scale = 0;
    if (needsScale(budget)) {
      const found = await scales.of(covered, signal);
      scale = found.scale;
      if (found.unmanaged.length > 0) {
        const selector = formatLabelSelector(budget.spec?.selector ?? {});
        events.event(
          PodDisruptionBudgets,
          budget,
          'Warning',
          'UnmanagedPods',
          `Pods selected by this PodDisruptionBudget (selector: ${selector}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`,
        );
      }
    }
    for (const pod of disrupted.overdue) {
      const { namespace, name } = budget.metadata;
      const why = `Pod was expected by PDB ${namespace}/${name} to be deleted but it wasn't`;
      events.event(Pods, pod, 'Warning', 'NotDeleted', why);
    }
    return statusOf(budget, covered, expectedOf(budget, covered.length, scale), disrupted, clock.now());
  };

  const write = async (budget: PodDisruptionBudget, status: PodDisruptionBudgetStatus): Promise<void> => {
    if (sameStatus(status, budget.status)) return;
    const { resourceVersion, uid } = budget.metadata;
    const gone = Object.keys(budget.status?.disruptedPods ?? {}).filter(name => !status.disruptedPods?.[name]);
    const disruptedPods = { ...status.disruptedPods, ...Object.fromEntries(gone.map(name => [name, null])) };
    const patch = {
      metadata: { resourceVersion, uid },
      status: { ...status, disruptedPods: status.disruptedPods ? disruptedPods : null },
    };
    try {
      await client.patch(PodDisruptionBudgets, keyOf(budget), patch, {
        type: 'merge',
        subresource: 'status',
        signal,
      });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  };
  return reconcile(context, queue, [budgets, pods, replicaSets], work, signal);
};

/** What is always written, as Go does. */
const zeros = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };

function sameStatus(next: PodDisruptionBudgetStatus, old: PodDisruptionBudgetStatus | undefined): boolean {
  const known = (status: PodDisruptionBudgetStatus): unknown => JSON.parse(JSON.stringify(status));
  return old !== undefined && isDeepStrictEqual(known(next), known(old));
}

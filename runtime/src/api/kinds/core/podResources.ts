/** What a pod's containers ask for together (upstream: `component-helpers/resource.AggregateContainerRequests`). */
import type { Container, PodSpec } from '../../generated/types/core.v1.ts';
import { addQuantities, compareQuantities, formatQuantity } from '../../quantity.ts';

type Amounts = Record<string, string>;

function add(to: Amounts, amounts: Readonly<Amounts> | undefined): void {
  for (const [name, amount] of Object.entries(amounts ?? {})) {
    const before = to[name];
    to[name] = before === undefined ? amount : formatQuantity(addQuantities(before, amount));
  }
}

function raise(to: Amounts, amounts: Readonly<Amounts>): void {
  for (const [name, amount] of Object.entries(amounts)) {
    const before = to[name];
    if (before === undefined || compareQuantities(amount, before) > 0) to[name] = amount;
  }
}

/**
 * Containers and sidecars run at once, init containers one after the other beside the sidecars started before them: the larger of
 * both, by resource.
 */
export function aggregateResources(spec: PodSpec, of: 'requests' | 'limits'): Amounts {
  const amounts = (container: Container): Readonly<Amounts> => container.resources?.[of] ?? {};
  const running: Amounts = {};
  for (const container of spec.containers ?? []) add(running, amounts(container));
  const sidecars: Amounts = {};
  const initializing: Amounts = {};
  for (const container of spec.initContainers ?? []) {
    if (container.restartPolicy === 'Always') {
      add(running, amounts(container));
      add(sidecars, amounts(container));
      raise(initializing, sidecars);
    } else {
      const together: Amounts = { ...sidecars };
      add(together, amounts(container));
      raise(initializing, together);
    }
  }
  raise(running, initializing);
  return running;
}

/**
 * What a pod asks of a node: pure arithmetic
 * (https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers, KEP-753, KEP-2837).
 * Amounts are numbers: millicores of `cpu`, bytes of memory and storage, whole ones of anything else.
 */
import type { Container, Pod } from '../api/generated/types/core.v1.ts';
import { quantityMilliValue, quantityValue } from '../api/quantity.ts';

export type Amounts = Readonly<Record<string, number>>;

/** A container that asks for nothing is still scored as if it asked for this, or all such pods would pile up on one node. */
const ASSUMED: Amounts = { cpu: 100, memory: 200 * 2 ** 20 };

export function amountsOf(quantities: Readonly<Record<string, string>> | undefined): Record<string, number> {
  const amounts: Record<string, number> = {};
  for (const [name, quantity] of Object.entries(quantities ?? {})) {
    amounts[name] = name === 'cpu' ? quantityMilliValue(quantity) : quantityValue(quantity);
  }
  return amounts;
}

function plus(a: Amounts, b: Amounts): Record<string, number> {
  const sum: Record<string, number> = { ...a };
  for (const [name, amount] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + amount;
  return sum;
}

function atLeast(a: Amounts, b: Amounts): Record<string, number> {
  const most: Record<string, number> = { ...a };
  for (const [name, amount] of Object.entries(b)) most[name] = Math.max(most[name] ?? 0, amount);
  return most;
}

function sumOf(pod: Pod, ask: (container: Container) => Amounts): Record<string, number> {
  let running: Record<string, number> = {};
  for (const container of pod.spec?.containers ?? []) running = plus(running, ask(container));
  // Init containers run one after another, beside the sidecars started before them; sidecars stay.
  let sidecars: Record<string, number> = {};
  let starting: Record<string, number> = {};
  for (const container of pod.spec?.initContainers ?? []) {
    const asked = ask(container);
    if (container.restartPolicy === 'Always') {
      sidecars = plus(sidecars, asked);
      starting = atLeast(starting, sidecars);
    } else starting = atLeast(starting, plus(sidecars, asked));
  }
  return atLeast(plus(running, sidecars), starting);
}

/** What the pod reserves on its node. */
export function podRequests(pod: Pod): Amounts {
  const containers = sumOf(pod, container => amountsOf(container.resources?.requests));
  // Requests of the pod as a whole stand above its containers'.
  const whole = { ...containers, ...amountsOf(pod.spec?.resources?.requests) };
  return plus(whole, amountsOf(pod.spec?.overhead));
}

/** CPU and memory as scores see them: see {@link ASSUMED}. */
export function scoredRequests(pod: Pod): Amounts {
  const ask = (container: Container): Amounts => {
    const { cpu = ASSUMED.cpu ?? 0, memory = ASSUMED.memory ?? 0 } = amountsOf(container.resources?.requests);
    return { cpu, memory };
  };
  const { cpu, memory } = amountsOf(pod.spec?.resources?.requests);
  const containers = sumOf(pod, ask);
  return plus(
    { ...containers, ...(cpu === undefined ? {} : { cpu }), ...(memory === undefined ? {} : { memory }) },
    amountsOf(pod.spec?.overhead),
  );
}

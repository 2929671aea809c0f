/** Where a pod goes: pure. Filters say where it can, scores where it should. */
import type { Pod } from '../api/generated/types/core.v1.ts';
import { filters } from './filters/index.ts';
import type { NodeFilter, Refusal } from './plugin.ts';
import { scores } from './scores/index.ts';
import type { NodeInfo, Snapshot } from './snapshot.ts';

export interface Refused {
  readonly reasons: readonly string[];
  readonly plugin: string;
  readonly unresolvable: boolean;
}

export type Decision =
  | { readonly node: string; readonly feasible: number }
  | { readonly node: undefined; readonly failure: Failure };

export interface Failure {
  readonly nodes: number;
  /** Said of the pod whatever the node. */
  readonly wholly: string | undefined;
  /** By node name. */
  readonly refused: ReadonlyMap<string, Refused>;
  /** The plugins that refused: what could make another try worth while. */
  readonly plugins: ReadonlySet<string>;
}

/** @param random from 0 to 1: who wins among the equally good. */
export function decide(pod: Pod, snapshot: Snapshot, random: () => number): Decision {
  const feasible: NodeInfo[] = [];
  const check = checksFor(pod, snapshot);
  if ('wholly' in check) {
    return {
      node: undefined,
      failure: {
        nodes: snapshot.nodes.length,
        wholly: check.wholly,
        refused: new Map(),
        plugins: new Set([check.plugin]),
      },
    };
  }
  const refused = new Map<string, Refused>();
  for (const node of snapshot.nodes) {
    const refusal = check.of(node);
    if (refusal) refused.set(node.name, refusal);
    else feasible.push(node);
  }
  if (feasible.length === 0) {
    const plugins = new Set([...refused.values()].map(({ plugin }) => plugin));
    return { node: undefined, failure: { nodes: snapshot.nodes.length, wholly: undefined, refused, plugins } };
  }
  return { node: best(pod, snapshot, feasible, random).name, feasible: feasible.length };
}

interface Checks {
  readonly of: (node: NodeInfo) => Refused | undefined;
}

/** All filters prepared for one pod. */
export function checksFor(pod: Pod, snapshot: Snapshot): Checks | { readonly wholly: string; readonly plugin: string } {
  const prepared: { readonly plugin: string; readonly filter: NodeFilter }[] = [];
  for (const { name, prepare } of filters) {
    const filter = prepare(pod, snapshot);
    if (!filter) continue;
    if ('wholly' in filter) return { wholly: filter.wholly, plugin: name };
    prepared.push({ plugin: name, filter });
  }
  return {
    of: node => {
      for (const { plugin, filter } of prepared) {
        const refusal: Refusal | undefined = filter(node);
        if (refusal) return { plugin, reasons: refusal.reasons, unresolvable: refusal.unresolvable ?? false };
      }
      return undefined;
    },
  };
}

function best(pod: Pod, snapshot: Snapshot, feasible: readonly NodeInfo[], random: () => number): NodeInfo {
  const [first] = feasible;
  if (!first) throw new Error('no node to choose from');
  if (feasible.length === 1) return first;
  const totals = feasible.map(() => 0);
  for (const { score, weight } of scores) {
    for (const [index, value] of (score(pod, snapshot, feasible) ?? []).entries()) {
      totals[index] = (totals[index] ?? 0) + value * weight;
    }
  }
  const most = Math.max(...totals);
  const winners = feasible.filter((_, index) => totals[index] === most);
  return winners[Math.min(winners.length - 1, Math.floor(random() * winners.length))] ?? first;
}

/** `0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable. …`: upstream's FitError. */
export function failureText({ nodes, wholly, refused }: Failure, afterwards = ''): string {
  let text = `0/${nodes} nodes are available:`;
  if (wholly !== undefined) text += ` ${wholly}.`;
  else {
    const counts = new Map<string, number>();
    for (const { reasons } of refused.values())
      for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    const told = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
    if (told.length > 0) text += ` ${told.join(', ')}.`;
  }
  return afterwards ? `${text} ${afterwards}` : text;
}

/** Whether a request fits into quotas, and what they are like after it; pure. Words as upstream's. */
import type { ResourceQuota } from '../../../api/generated/types/core.v1.ts';
import type { KubeObject } from '../../../api/object.ts';
import {
  describeQuantities,
  differenceOf,
  only,
  parseQuantities,
  type Quantities,
  sumOf,
  withoutZeros,
} from '../../../api/quantities.ts';
import { type Evaluator, isInScopes, scopesOf } from '../../../api/quota/index.ts';

/** A quota as it is being decided upon. */
export interface QuotaState {
  readonly quota: ResourceQuota & KubeObject;
  readonly key: string;
  /** That of the stored object. */
  readonly revision: number;
  readonly hard: Quantities;
  /** With what has been charged and is not stored yet. */
  readonly used: Quantities;
  readonly charged: boolean;
}

export function stateOf(quota: ResourceQuota & KubeObject, key: string, revision: number): QuotaState {
  const { hard, used } = quota.status ?? {};
  return { quota, key, revision, hard: parseQuantities(hard), used: parseQuantities(used), charged: false };
}

export interface QuotaRequest {
  readonly evaluator: Evaluator;
  readonly object: KubeObject;
  /** Of an update: only what it uses more is charged. */
  readonly old: KubeObject | undefined;
  /** A status is what has happened already: it is charged, but not refused. */
  readonly isStatus: boolean;
}

export type Checked = { readonly states: readonly QuotaState[] } | { readonly refusal: string };

export function checkQuotas(states: readonly QuotaState[], request: QuotaRequest, nowMs: number): Checked {
  const { evaluator, object, old, isStatus } = request;
  const concerned = new Map<QuotaState, readonly string[]>();
  for (const state of states) {
    const { quota, hard, used } = state;
    const names = evaluator.matching(Object.keys(hard));
    if (names.length === 0 || !isInScopes(evaluator, object, scopesOf(quota))) continue;
    const name = quota.metadata.name ?? '';
    const fault = evaluator.missing?.(object, names);
    if (fault !== undefined) return { refusal: `failed quota: ${name}: ${fault}` };
    if (names.some(one => used[one] === undefined))
      return { refusal: `status unknown for quota: ${name}, resources: ${[...names].sort().join(',')}` };
    concerned.set(state, names);
  }
  if (concerned.size === 0) return { states };

  const usage = evaluator.usage(object, nowMs);
  const negative = Object.keys(usage).filter(name => (usage[name]?.nanos ?? 0n) < 0n);
  if (negative.length > 0) return { refusal: `quota usage is negative for resource(s): ${negative.sort().join(',')}` };
  const more = old ? differenceOf(usage, evaluator.usage(old, nowMs)) : usage;

  const next: QuotaState[] = [];
  for (const state of states) {
    if (!concerned.has(state)) {
      next.push(state);
      continue;
    }
    const { quota, hard, used } = state;
    // What has come into the quota's scopes by this update is all new to it.
    const isNew = old !== undefined && !isInScopes(evaluator, old, scopesOf(quota));
    const requested = only(withoutZeros(isNew ? usage : more), new Set(Object.keys(hard)));
    if (Object.keys(requested).length === 0) {
      next.push(state);
      continue;
    }
    const after = sumOf(used, requested);
    const exceeded = new Set(Object.keys(requested).filter(name => isMore(after[name], hard[name])));
    if (exceeded.size > 0 && !isStatus) {
      return {
        refusal:
          `exceeded quota: ${quota.metadata.name ?? ''}, requested: ${describeQuantities(only(requested, exceeded))}, ` +
          `used: ${describeQuantities(only(used, exceeded))}, limited: ${describeQuantities(only(hard, exceeded))}`,
      };
    }
    next.push({ ...state, used: after, charged: true });
  }
  return { states: next };
}

const isMore = (a: { readonly nanos: bigint } | undefined, b: { readonly nanos: bigint } | undefined): boolean =>
  (a?.nanos ?? 0n) > (b?.nanos ?? 0n);

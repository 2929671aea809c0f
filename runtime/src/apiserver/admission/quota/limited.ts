/**
 * Resources that nobody may use without a quota that says how much (`limitedResources` of the ResourceQuota plugin's configuration,
 * https://kubernetes.io/docs/concepts/policy/resource-quotas/#limit-priority-class-consumption-by-default); pure.
 */
import type { ResourceQuota, ScopedResourceSelectorRequirement } from '../../../api/generated/types/core.v1.ts';
import { parseQuantities, withoutZeros } from '../../../api/quantities.ts';
import { isInScopes, scopesOf } from '../../../api/quota/index.ts';
import type { QuotaRequest } from './check.ts';

export interface LimitedResource {
  /** `pods`, `deployments.apps` */
  readonly groupResource: string;
  /** What is used of a name that holds one of these needs a quota: `requests.cpu`, `.storageclass.storage.k8s.io/`. */
  readonly matchContains: readonly string[];
  /** Objects of these scopes need a quota with such a scope. */
  readonly matchScopes: readonly ScopedResourceSelectorRequirement[];
}

/** Undefined: covered. Upstream refuses uncovered names as 403, and lets uncovered scopes fail as 500. */
export type Uncovered = { readonly names: string } | { readonly scopes: string };

export function uncovered(
  limited: readonly LimitedResource[],
  quotas: readonly ResourceQuota[],
  { evaluator, object }: Pick<QuotaRequest, 'evaluator' | 'object'>,
  nowMs: number,
): Uncovered | undefined {
  const isIn = (scope: ScopedResourceSelectorRequirement): boolean => evaluator.inScope?.(object, scope) ?? false;
  const covering = quotas.filter(quota => isInScopes(evaluator, object, scopesOf(quota)));
  const covered = new Set(
    covering.flatMap(({ status }) => evaluator.matching(Object.keys(parseQuantities(status?.hard)))),
  );
  const parts = limited
    .filter(({ groupResource }) => groupResource === evaluator.groupResource)
    .flatMap(({ matchContains }) => matchContains);
  const used = Object.keys(withoutZeros(evaluator.usage(object, nowMs)));
  const names = used.filter(name => !covered.has(name) && parts.some(part => name.includes(part)));
  if (names.length > 0) return { names: `insufficient quota to consume: ${names.sort().join(',')}` };
  const given = new Set(
    quotas
      .flatMap(scopesOf)
      .filter(isIn)
      .map(({ scopeName }) => scopeName),
  );
  const scopes = limited.flatMap(({ matchScopes }) => matchScopes).filter(isIn);
  const open = scopes.filter(({ scopeName }) => !given.has(scopeName));
  if (open.length === 0) return undefined;
  const texts = open.map(({ scopeName, operator, values = [] }) => `{${scopeName} ${operator} [${values.join(' ')}]}`);
  return { scopes: `insufficient quota to match these scopes: [${texts.join(' ')}]` };
}

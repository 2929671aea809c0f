/**
 * How much of a quota an object uses: one evaluator a resource, pure, shared by admission (which charges) and by the
 * resource-quota controller (which counts anew). https://kubernetes.io/docs/concepts/policy/resource-quotas/
 */
import type { ResourceQuota, ScopedResourceSelectorRequirement } from '../generated/types/core.v1.ts';
import type { KubeObject } from '../object.ts';
import { ONE, type Quantities } from '../quantities.ts';

export interface Evaluator {
  /** `pods`, `deployments.apps` */
  readonly groupResource: string;
  /** Of these names of a quota, those it measures. */
  matching(names: readonly string[]): string[];
  /** Whether the object is one of those the scope selects. Unset: of no scope at all. */
  readonly inScope?: (object: KubeObject, scope: ScopedResourceSelectorRequirement) => boolean;
  /** What the object must say and does not, for a quota of these names: `must specify limits.cpu for: main`. */
  readonly missing?: (object: KubeObject, names: readonly string[]) => string | undefined;
  /** @param nowMs pods that should be gone by now count no more. */
  usage(object: KubeObject, nowMs: number): Quantities;
}

/** Scopes and scope selector of a quota in one form. */
export const scopesOf = ({ spec }: ResourceQuota): readonly ScopedResourceSelectorRequirement[] => [
  ...(spec?.scopes ?? []).map(scopeName => ({ scopeName, operator: 'Exists' }) as ScopedResourceSelectorRequirement),
  ...(spec?.scopeSelector?.matchExpressions ?? []),
];

export const isInScopes = (
  evaluator: Evaluator,
  object: KubeObject,
  scopes: readonly ScopedResourceSelectorRequirement[],
): boolean => scopes.every(scope => evaluator.inScope?.(object, scope) ?? false);

/** Names that once stood for counts, beside `count/<resource>`. */
export const aliases: ReadonlySet<string> = new Set([
  'configmaps',
  'secrets',
  'replicationcontrollers',
  'resourcequotas',
]);

/** Counts objects: `count/deployments.apps`. */
export function countEvaluator(groupResource: string): Evaluator {
  const names = [`count/${groupResource}`, ...(aliases.has(groupResource) ? [groupResource] : [])];
  const usage = Object.fromEntries(names.map(name => [name, ONE]));
  return {
    groupResource,
    matching: asked => asked.filter(name => names.includes(name)),
    usage: () => usage,
  };
}

/**
 * Whether `value` (of the one label a scope looks at; undefined: none) is what the requirement asks for, as label selectors have
 * it: what is not there is in no list.
 */
export function satisfies(
  { operator, values = [] }: ScopedResourceSelectorRequirement,
  value: string | undefined,
): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}

/** What a namespace says of its deletion: pure; reasons and texts are upstream's. */
import type { NamespaceCondition } from '../../api/generated/types/core.v1.ts';
import { withCondition } from '../conditions.ts';

/** What is left of one resource. */
export interface Remains {
  /** `pods.`, `deployments.apps`: with the point, as upstream. */
  readonly resource: string;
  readonly count: number;
  /** By finalizer: on how many objects it is. */
  readonly finalizers: ReadonlyMap<string, number>;
}

export interface Progress {
  readonly discoveryError?: string | undefined;
  readonly deletionErrors: readonly string[];
  readonly remains: readonly Remains[];
}

export function namespaceConditions(
  old: readonly NamespaceCondition[],
  { discoveryError, deletionErrors, remains }: Progress,
  now: string,
): readonly NamespaceCondition[] {
  const content = remains
    .filter(({ count }) => count > 0)
    .map(({ resource, count }) => `${resource} has ${count} resource instances`)
    .sort();
  const finalizers = new Map<string, number>();
  for (const left of remains) {
    for (const [name, count] of left.finalizers) finalizers.set(name, (finalizers.get(name) ?? 0) + count);
  }
  const held = [...finalizers].map(([name, count]) => `${name} in ${count} resource instances`).sort();
  const wanted: [type: string, reason: string, message: string, bad: boolean][] = [
    discoveryError === undefined
      ? ['NamespaceDeletionDiscoveryFailure', 'ResourcesDiscovered', 'All resources successfully discovered', false]
      : [
          'NamespaceDeletionDiscoveryFailure',
          'DiscoveryFailed',
          `Discovery failed for some groups: ${discoveryError}`,
          true,
        ],
    [
      'NamespaceDeletionGroupVersionParsingFailure',
      'ParsedGroupVersions',
      'All legacy kube types successfully parsed',
      false,
    ],
    deletionErrors.length === 0
      ? [
          'NamespaceDeletionContentFailure',
          'ContentDeleted',
          'All content successfully deleted, may be waiting on finalization',
          false,
        ]
      : [
          'NamespaceDeletionContentFailure',
          'ContentDeletionFailed',
          `Failed to delete all resource types, ${deletionErrors.length} remaining: ${[...deletionErrors].sort().join(', ')}`,
          true,
        ],
    content.length === 0
      ? ['NamespaceContentRemaining', 'ContentRemoved', 'All content successfully removed', false]
      : [
          'NamespaceContentRemaining',
          'SomeResourcesRemain',
          `Some resources are remaining: ${content.join(', ')}`,
          true,
        ],
    held.length === 0
      ? ['NamespaceFinalizersRemaining', 'ContentHasNoFinalizers', 'All content-preserving finalizers finished', false]
      : [
          'NamespaceFinalizersRemaining',
          'SomeFinalizersRemain',
          `Some content in the namespace has finalizers remaining: ${held.join(', ')}`,
          true,
        ],
  ];
  return wanted.reduce(
    (conditions, [type, reason, message, bad]) =>
      withCondition(conditions, { type, status: bad ? 'True' : 'False', reason, message, lastTransitionTime: now }),
    old,
  );
}

/** How violations are said (upstream's words: people and tests match on them). */
import type { Container, Pod, SecurityContext } from '../../../api/generated/types/core.v1.ts';

export type PodLike = Pick<Pod, 'spec'> & {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> | undefined } | undefined;
};

/** What every container is asked about. */
export type AnyContainer = Pick<
  Container,
  'name' | 'securityContext' | 'ports' | 'livenessProbe' | 'readinessProbe' | 'startupProbe' | 'lifecycle'
>;

/** All of a pod, in the order upstream visits them. */
export const containersOf = ({ spec }: PodLike): readonly AnyContainer[] => [
  ...(spec?.initContainers ?? []),
  ...(spec?.containers ?? []),
  ...(spec?.ephemeralContainers ?? []),
];

export const quoted = (items: readonly string[]): string => items.map(item => `"${item}"`).join(', ');

/** `container "a"`, `containers "a", "b"` */
export const counted = (one: string, many: string, items: readonly string[]): string =>
  `${items.length === 1 ? one : many} ${quoted(items)}`;

export const containers = (names: readonly string[]): string => counted('container', 'containers', names);

/** Each once, in the order of Go's string sets. */
export const sorted = (items: Iterable<string>): string[] =>
  [...new Set(items)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));

/** Names of the containers whose security context is so. */
export const namesOf = (pod: PodLike, is: (context: SecurityContext | undefined) => boolean): string[] =>
  containersOf(pod)
    .filter(({ securityContext }) => is(securityContext))
    .map(({ name }) => name);

/** `pod and container "a"`: who said it. */
export function setters(byPod: boolean, names: readonly string[]): string {
  return [...(byPod ? ['pod'] : []), ...(names.length > 0 ? [containers(names)] : [])].join(' and ');
}

/** Pods as upstream's fixtures build theirs: the smallest pod a level lets in, with one thing changed. */
import type { Container, PodSpec, SecurityContext } from '../../../api/generated/types/core.v1.ts';
import type { Level } from './policy.ts';
import type { PodLike } from './words.ts';

type Loose = Record<string, unknown>;

export interface Change {
  readonly annotations?: Record<string, string>;
  readonly spec?: Loose;
  /** Of the pod's security context. */
  readonly pod?: Loose;
  /** Of `c`, the container. */
  readonly main?: Loose;
  /** Of `i`, the init container. */
  readonly init?: Loose;
  /** Fields of `c` beside its security context. */
  readonly container?: Loose;
}

export const restrictedContext: SecurityContext = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };

export function podOf(level: Level, change: Change): PodLike {
  const context = level === 'restricted' ? restrictedContext : undefined;
  const podContext =
    level === 'restricted' ? { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } } : undefined;
  const container = (name: string, more: Loose | undefined, fields: Loose | undefined): Container =>
    ({
      name,
      image: 'x',
      ...(context || more ? { securityContext: { ...context, ...more } } : {}),
      ...fields,
    }) as Container;
  const spec = {
    initContainers: [container('i', change.init, undefined)],
    containers: [container('c', change.main, change.container)],
    ...(podContext || change.pod ? { securityContext: { ...podContext, ...change.pod } } : {}),
    ...change.spec,
  } as PodSpec;
  return { ...(change.annotations ? { metadata: { annotations: change.annotations } } : {}), spec };
}

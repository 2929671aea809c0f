/** Which updates of a pod are judged anew: those of images and seccomp annotations, all that matters can change no more. Pure. */
import type { Pod } from '../../../api/generated/types/core.v1.ts';

const POD_ANNOTATION = 'seccomp.security.alpha.kubernetes.io/pod';
const CONTAINER_ANNOTATION = 'container.seccomp.security.alpha.kubernetes.io/';

interface Named {
  readonly name: string;
  readonly image?: string | undefined;
}

export function isSignificantUpdate(pod: Pod, old: Pod): boolean {
  const annotation = ({ metadata }: Pod, key: string): string => metadata.annotations?.[key] ?? '';
  if (annotation(pod, POD_ANNOTATION) !== annotation(old, POD_ANNOTATION)) return true;
  const differs = (next: Named, previous: Named | undefined): boolean => {
    if (!previous || (next.image ?? '') !== (previous.image ?? '')) return true;
    const key = CONTAINER_ANNOTATION + next.name;
    return annotation(pod, key) !== annotation(old, key);
  };
  for (const list of ['containers', 'initContainers'] as const) {
    const [next, previous] = [pod.spec?.[list] ?? [], old.spec?.[list] ?? []];
    if (next.length !== previous.length || next.some((container, i) => differs(container, previous[i]))) return true;
  }
  const before = old.spec?.ephemeralContainers ?? [];
  return (pod.spec?.ephemeralContainers ?? []).some(next =>
    differs(
      next,
      before.find(({ name }) => name === next.name),
    ),
  );
}

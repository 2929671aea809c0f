/**
 * Volumes of a pod, from the node's side.
 *
 * On disk (as upstream, so that tools know it): `<pods>/<uid>/volumes/kubernetes.io~<plugin>/<volume>`; subPath mounts are
 * bind-mounted below `<pods>/<uid>/volume-subpaths/…` only while a container uses them.
 */
import type { Container, Pod } from '../../api/generated/types/core.v1.ts';
import type { Mount } from '../cri/types.ts';

/** A volume cannot be made; the pod waits and the attempt is repeated. The message becomes a `FailedMount` event. */
export class VolumeError extends Error {
  override readonly name = 'VolumeError';
}

export interface Volumes {
  /**
   * Makes every volume of the pod; safe to repeat, also after a crash in the middle.
   * @throws VolumeError naming the volume and what is missing.
   */
  mount(pod: Pod): Promise<void>;
  /**
   * The container's mounts for CRI. `variable` resolves `subPathExpr`. Call after {@link mount}.
   * @throws VolumeError for a volume that does not exist or a subPath that leaves its volume.
   */
  mountsFor(pod: Pod, container: Container, variable: (name: string) => string | undefined): Promise<Mount[]>;
  /** Writes changed ConfigMaps, Secrets, tokens and downward values into the running pod's files. */
  refresh(pod: Pod): Promise<void>;
  /** Unmounts and removes all of a pod's volumes; works from the disk alone, for pods nobody remembers. */
  unmount(podUid: string): Promise<void>;
}

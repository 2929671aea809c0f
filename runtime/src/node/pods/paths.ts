/** Where a pod's things are (https://kubernetes.io/docs/concepts/cluster-administration/logging/). */
import { join } from 'node:path';
import type { Pod } from '../../api/generated/types/core.v1.ts';
import type { NodeDirs } from '../context.ts';

export function uidOf(pod: Pod): string {
  return pod.metadata.uid ?? '';
}

export function podDirectory(dirs: NodeDirs, uid: string): string {
  return join(dirs.pods, uid);
}

/** `/var/log/pods/<namespace>_<name>_<uid>` */
export function podLogDirectory(dirs: NodeDirs, pod: Pod): string {
  return join(dirs.logs, `${pod.metadata.namespace}_${pod.metadata.name}_${uidOf(pod)}`);
}

/** Relative to the pod's log directory. */
export function containerLogPath(containerName: string, attempt: number): string {
  return `${containerName}/${attempt}.log`;
}

export function terminationLogPath(dirs: NodeDirs, uid: string, containerName: string, attempt: number): string {
  return join(podDirectory(dirs, uid), 'containers', containerName, `termination-${attempt}`);
}

export function etcHostsPath(dirs: NodeDirs, uid: string): string {
  return join(podDirectory(dirs, uid), 'etc-hosts');
}

/** `web_default(uid)`: how messages name a pod. */
export function podText(pod: Pod): string {
  return `${pod.metadata.name}_${pod.metadata.namespace}(${uidOf(pod)})`;
}

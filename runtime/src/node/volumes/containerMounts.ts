/** What is mounted into a container: its volumes, /etc/hosts, the file for its last words. */
import type { Pod } from '../../api/generated/types/core.v1.ts';
import type { Mount } from '../cri/types.ts';
import type { AnyContainer } from '../pods/model.ts';
import { ContainerConfigError } from '../spec/env.ts';
import { expand } from '../spec/expand.ts';
import { subPathIn } from './subPath.ts';
import type { Volumes } from './volumes.ts';

export interface ContainerMountFiles {
  /** Not for host-network pods that alias nothing, nor where the container mounts its own. */
  readonly etcHosts: string;
  readonly terminationLog: string;
}

const propagations = {
  None: 'PROPAGATION_PRIVATE',
  HostToContainer: 'PROPAGATION_HOST_TO_CONTAINER',
  Bidirectional: 'PROPAGATION_BIDIRECTIONAL',
} as const;

/** @throws ContainerConfigError when a volume or a sub-path cannot be had. */
export async function containerMounts(
  pod: Pod,
  container: AnyContainer,
  volumes: Pick<Volumes, 'hostPath'>,
  environment: ReadonlyMap<string, string>,
  files: ContainerMountFiles,
): Promise<Mount[]> {
  const mounts: Mount[] = [];
  for (const wanted of container.volumeMounts ?? []) {
    const volume = pod.spec?.volumes?.find(v => v.name === wanted.name);
    if (!volume) throw new ContainerConfigError(`volume "${wanted.name}" is not one of the pod's`);
    const root = volumes.hostPath(pod, volume);
    const subPath = wanted.subPathExpr ? expanded(wanted.subPathExpr, environment) : wanted.subPath;
    const hostPath = subPath ? await subPathOrError(root, subPath, container.name) : root;
    const projected = !!(volume.configMap || volume.secret || volume.downwardAPI || volume.projected);
    mounts.push({
      containerPath: wanted.mountPath.startsWith('/') ? wanted.mountPath : `/${wanted.mountPath}`,
      hostPath,
      readonly: wanted.readOnly === true || projected,
      propagation: propagations[wanted.mountPropagation ?? 'None'],
      ...(wanted.recursiveReadOnly === 'Enabled' ? { recursiveReadOnly: true } : {}),
    });
  }
  if (files.etcHosts && !mounts.some(m => m.containerPath === '/etc/hosts'))
    mounts.push({ containerPath: '/etc/hosts', hostPath: files.etcHosts });
  if (container.terminationMessagePath)
    mounts.push({ containerPath: container.terminationMessagePath, hostPath: files.terminationLog });
  return mounts;
}

function expanded(expression: string, environment: ReadonlyMap<string, string>): string {
  return expand(expression, name => {
    const value = environment.get(name);
    if (value === undefined) throw new ContainerConfigError(`missing value for "${name}" in subPathExpr ${expression}`);
    return value;
  });
}

async function subPathOrError(root: string, subPath: string, container: string): Promise<string> {
  try {
    return await subPathIn(root, subPath);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ContainerConfigError(`failed to prepare subPath for volumeMount of container "${container}": ${why}`);
  }
}

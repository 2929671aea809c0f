/** A container as CRI wants it. */
import type { Container, Pod } from '../../api/generated/types/core.v1.ts';
import type { ContainerConfig, Mount } from '../cri/types.ts';
import {
  CONTAINER_HASH,
  CONTAINER_NAME,
  GRACE_PERIOD,
  POD_NAME,
  POD_NAMESPACE,
  POD_UID,
  RESTART_COUNT,
  TERMINATION_MESSAGE_PATH,
  TERMINATION_MESSAGE_POLICY,
} from '../labels.ts';
import { type AnyContainer, containerHash, DEFAULT_GRACE_SECONDS } from '../pods/model.ts';
import { containerLogPath } from '../pods/paths.ts';
import { expand } from './expand.ts';
import { linuxResources } from './resources.ts';
import { containerSecurity, type ImageUser } from './security.ts';

export interface ContainerOptions {
  readonly attempt: number;
  /** The image as the runtime knows it: an id, so that a tag that moves meanwhile does not matter. */
  readonly imageId: string;
  readonly imageUser: ImageUser;
  readonly environment: ReadonlyMap<string, string>;
  readonly mounts: readonly Mount[];
  readonly memoryCapacityBytes: number;
  /** Id of the container whose processes an ephemeral container sees. */
  readonly targetId?: string;
}

/** @throws ContainerConfigError when the security context forbids the image's user. */
export function containerConfig(pod: Pod, anyContainer: AnyContainer, options: ContainerOptions): ContainerConfig {
  const container = anyContainer as Container;
  const { name = '', namespace = '', uid = '' } = pod.metadata;
  const known = (variable: string): string | undefined => options.environment.get(variable);
  const security = containerSecurity(pod, container, options.imageUser);
  if (options.targetId)
    security.namespaceOptions = { ...security.namespaceOptions, pid: 'TARGET', targetId: options.targetId };
  return {
    metadata: { name: container.name, attempt: options.attempt },
    image: { image: options.imageId, userSpecifiedImage: container.image ?? '' },
    command: (container.command ?? []).map(word => expand(word, known)),
    args: (container.args ?? []).map(word => expand(word, known)),
    workingDir: container.workingDir ?? '',
    envs: [...options.environment].map(([key, value]) => ({ key, value: Buffer.from(value) })),
    mounts: [...options.mounts],
    labels: { [POD_NAME]: name, [POD_NAMESPACE]: namespace, [POD_UID]: uid, [CONTAINER_NAME]: container.name },
    annotations: {
      [CONTAINER_HASH]: containerHash(container),
      [RESTART_COUNT]: String(options.attempt),
      [TERMINATION_MESSAGE_PATH]: container.terminationMessagePath ?? '',
      [TERMINATION_MESSAGE_POLICY]: container.terminationMessagePolicy ?? 'File',
      [GRACE_PERIOD]: String(pod.spec?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS),
    },
    logPath: containerLogPath(container.name, options.attempt),
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    linux: {
      resources: linuxResources(pod, container, options.memoryCapacityBytes),
      securityContext: security,
    },
    ...(container.lifecycle?.stopSignal ? { stopSignal: criSignal(container.lifecycle.stopSignal) } : {}),
  };
}

/** `SIGRTMIN+3` is `SIGRTMINPLUS3` in CRI. */
function criSignal(signal: string): string {
  return signal.replace('+', 'PLUS').replace('-', 'MINUS');
}

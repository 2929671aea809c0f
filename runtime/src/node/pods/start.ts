/** Makes and starts a container: image, environment, mounts, files, CRI, postStart. */
import { chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Container, Pod } from '../../api/generated/types/core.v1.ts';
import type { Image, SandboxConfig } from '../cri/types.ts';
import { ImageError } from '../images/images.ts';
import { ask } from '../probes/handlers.ts';
import { containerConfig } from '../spec/container.ts';
import { dnsConfig, etcHosts, hostAliases, parseResolvConf } from '../spec/dns.ts';
import { ContainerConfigError, environment } from '../spec/env.ts';
import type { PodAddresses } from '../spec/fieldRef.ts';
import { sandboxConfig } from '../spec/sandbox.ts';
import { serviceVariables } from '../spec/serviceEnv.ts';
import { containerMounts } from '../volumes/containerMounts.ts';
import type { PayloadSources } from '../volumes/payload.ts';
import type { PodDependencies } from './dependencies.ts';
import { killContainer } from './kill.ts';
import { type AnyContainer, containersOf, graceSecondsOf, latest, type Observed } from './model.ts';
import { containerLogPath, etcHostsPath, podLogDirectory, podText, terminationLogPath, uidOf } from './paths.ts';

/** Why a container does not run; `reason` is that of its waiting state. */
export class StartError extends Error {
  readonly reason: string;
  constructor(reason: string, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = 'StartError';
    this.reason = reason;
  }
}

export function addressesOf(pod: Pod, observed: Observed, parts: PodDependencies): PodAddresses {
  const hostIps = parts.context.hostIps();
  return { hostIps, podIps: pod.spec?.hostNetwork ? hostIps : (observed.sandboxes[0]?.ips ?? []) };
}

export function sourcesOf(pod: Pod, observed: Observed, parts: PodDependencies): PayloadSources {
  return {
    objects: parts.objects.of(pod),
    tokens: parts.tokens,
    addresses: addressesOf(pod, observed, parts),
    allocatable: parts.context.allocatable(),
  };
}

export async function sandboxConfigOf(pod: Pod, attempt: number, parts: PodDependencies): Promise<SandboxConfig> {
  const { context } = parts;
  const text = await readFile(context.resolvConf, 'utf8').catch((error: unknown) => {
    context.logger.warn(
      { err: error, pod: podText(pod) },
      'resolv-conf cannot be read: no name servers but those of the cluster',
    );
    return '';
  });
  const cluster = { servers: context.clusterDns, domain: context.clusterDomain };
  return sandboxConfig(pod, {
    attempt,
    logDirectory: podLogDirectory(context.dirs, pod),
    dns: dnsConfig(pod, cluster, parseResolvConf(text)),
    cgroupDriver: context.cgroupDriver,
  });
}

export interface StartRequest {
  readonly name: string;
  readonly attempt: number;
  readonly sandboxId: string;
}

/** @throws StartError */
export async function startContainer(
  pod: Pod,
  observed: Observed,
  request: StartRequest,
  parts: PodDependencies,
  signal: AbortSignal,
): Promise<void> {
  const container = containersOf(pod).find(c => c.container.name === request.name)?.container;
  if (!container) throw new StartError('CreateContainerConfigError', `the pod has no container ${request.name}`);
  const image = await findImage(pod, container, parts, signal);
  const id = await create(pod, observed, container, image, request, parts);
  const event = (type: 'Normal' | 'Warning', reason: string, message: string): void =>
    parts.event(pod, type, reason, message, container.name);
  event('Normal', 'Created', `Created container: ${container.name}`);
  try {
    await parts.context.cri.startContainer(id);
  } catch (error) {
    event('Warning', 'Failed', `Error: ${error instanceof Error ? error.message : String(error)}`);
    throw new StartError('RunContainerError', error);
  }
  event('Normal', 'Started', `Started container ${container.name}`);
  await linkLog(pod, container.name, request.attempt, id, parts);
  await postStart(pod, observed, container as Container, id, parts, signal);
}

async function findImage(
  pod: Pod,
  container: AnyContainer,
  parts: PodDependencies,
  signal: AbortSignal,
): Promise<Image> {
  const event = (type: 'Normal' | 'Warning', reason: string, message: string): void =>
    parts.event(pod, type, reason, message, container.name);
  try {
    return await parts.images.ensure(pod, container as Container, parts.objects.of(pod), event, signal);
  } catch (error) {
    const reason = error instanceof ImageError ? error.reason : 'ImageInspectError';
    if (!signal.aborted) event('Warning', 'Failed', `Error: ${reason}`);
    throw new StartError(reason, error);
  }
}

async function create(
  pod: Pod,
  observed: Observed,
  container: AnyContainer,
  image: Image,
  { attempt, sandboxId }: StartRequest,
  parts: PodDependencies,
): Promise<string> {
  const { dirs, cri, allocatable } = parts.context;
  const fail = (reason: string, error: unknown): never => {
    const message = error instanceof Error ? error.message : String(error);
    parts.event(pod, 'Warning', 'Failed', `Error: ${message}`, container.name);
    throw new StartError(reason, error);
  };
  const config = await (async () => {
    const terminationLog = terminationLogPath(dirs, uidOf(pod), container.name, attempt);
    const services = serviceVariables(
      parts.services(),
      pod.metadata.namespace ?? '',
      pod.spec?.enableServiceLinks ?? true,
    );
    const addresses = addressesOf(pod, observed, parts);
    const env = await environment(pod, container as Container, {
      addresses,
      allocatable: allocatable(),
      objects: parts.objects.of(pod),
      services,
    });
    const hosts = await writeHosts(pod, addresses, parts);
    const mounts = await containerMounts(pod, container, parts.volumes, env, { etcHosts: hosts, terminationLog });
    await mkdir(join(podLogDirectory(dirs, pod), container.name), { recursive: true, mode: 0o755 });
    await mkdir(dirname(terminationLog), { recursive: true, mode: 0o755 });
    await writeFile(terminationLog, '');
    await chmod(terminationLog, 0o666); // whoever the container runs as writes it
    const target =
      'targetContainerName' in container && container.targetContainerName
        ? latest(observed, container.targetContainerName)?.id
        : undefined;
    return containerConfig(pod, container, {
      attempt,
      imageId: image.id,
      imageUser: { uid: image.uid?.value ?? (image.username ? undefined : 0), username: image.username },
      environment: env,
      mounts,
      memoryCapacityBytes: parts.memoryCapacityBytes,
      ...(target ? { targetId: target } : {}),
    });
  })().catch(error =>
    fail(error instanceof ContainerConfigError ? 'CreateContainerConfigError' : 'CreateContainerError', error),
  );
  const sandboxOf = await sandboxConfigOf(pod, observed.sandboxes[0]?.attempt ?? 0, parts);
  return cri.createContainer(sandboxId, config, sandboxOf).catch(error => fail('CreateContainerError', error));
}

/** @returns the file to mount on /etc/hosts; empty where the host's own serves. */
async function writeHosts(pod: Pod, addresses: PodAddresses, parts: PodDependencies): Promise<string> {
  const path = etcHostsPath(parts.context.dirs, uidOf(pod));
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  if (pod.spec?.hostNetwork) {
    const own = await readFile('/etc/hosts', 'utf8').catch(() => '127.0.0.1\tlocalhost\n');
    const aliases = hostAliases(pod);
    await writeFile(
      path,
      `# Kubernetes-managed hosts file (host network).\n${own}${aliases.join('\n')}${aliases.length > 0 ? '\n' : ''}`,
    );
  } else {
    await writeFile(path, etcHosts(pod, addresses.podIps, parts.context.clusterDomain));
  }
  await chmod(path, 0o644);
  return path;
}

/** `/var/log/containers/<pod>_<namespace>_<container>-<id>.log`: where log shippers look. */
export function logLinkPath(containerLogs: string, pod: Pod, name: string, id: string): string {
  return join(containerLogs, `${pod.metadata.name}_${pod.metadata.namespace}_${name}-${id}.log`);
}

async function linkLog(pod: Pod, name: string, attempt: number, id: string, parts: PodDependencies): Promise<void> {
  const { dirs, logger } = parts.context;
  const link = logLinkPath(dirs.containerLogs, pod, name, id);
  try {
    await mkdir(dirs.containerLogs, { recursive: true });
    await rm(link, { force: true });
    await symlink(join(podLogDirectory(dirs, pod), containerLogPath(name, attempt)), link);
  } catch (error) {
    logger.warn({ err: error, link }, 'a log has no link for log shippers');
  }
}

const HOOK_TIMEOUT_MS = 30 * 60_000;

/** A hook that fails ends the container (https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/). */
async function postStart(
  pod: Pod,
  observed: Observed,
  container: Container,
  id: string,
  parts: PodDependencies,
  signal: AbortSignal,
): Promise<void> {
  const hook = container.lifecycle?.postStart;
  if (!hook) return;
  const podIp = addressesOf(pod, observed, parts).podIps[0] ?? '127.0.0.1';
  const target = { cri: parts.context.cri, container, containerId: id, podIp };
  const answer = await ask(hook, target, HOOK_TIMEOUT_MS, signal);
  if (answer.ok || signal.aborted) return;
  parts.event(pod, 'Warning', 'FailedPostStartHook', 'PostStartHook failed', container.name);
  parts.context.logger.warn({ pod: podText(pod), container: container.name, text: answer.text }, 'postStart failed');
  const message = 'FailedPostStartHook';
  await killContainer({ pod, id, name: container.name, graceSeconds: graceSecondsOf(pod), message, podIp }, parts);
}

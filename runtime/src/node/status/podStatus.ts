/** What the API says of a pod, from what the runtime shows (kubelet `generateAPIPodStatus`, `getPhase`). Pure. */
import type { ContainerStatus, PodStatus } from '../../api/generated/types/core.v1.ts';
import { containersOf, isSidecar } from '../pods/model.ts';
import { initialized } from '../pods/next.ts';
import { qosClass } from '../spec/qos.ts';
import { podConditions } from './conditions.ts';
import { containerStatus, wireTime } from './containerStatus.ts';
import type { PodStatusInput } from './types.ts';

type Phase = NonNullable<PodStatus['phase']>;

export function podStatus(input: PodStatusInput): PodStatus {
  const { pod, observed, memory, hostIps, now } = input;
  const running = observed.containers.some(c => c.state === 'running');
  const ending = memory.verdict !== undefined || (!!pod.metadata.deletionTimestamp && !running);
  const all = containersOf(pod).map(({ container, role }) => ({
    role,
    status: containerStatus(container, role, { pod, observed, memory, now, ending }),
  }));
  const of = (...roles: string[]): ContainerStatus[] => all.filter(a => roles.includes(a.role)).map(a => a.status);
  const init = of('init', 'sidecar');
  const main = of('main');
  const ephemeral = of('ephemeral');
  const begun = initialized(pod, observed);
  const phase = memory.verdict?.phase ?? phaseOf(input, init, main, begun);
  const sandbox = observed.sandboxes[0];
  const hostNetwork = pod.spec?.hostNetwork === true;
  const sandboxReady = sandbox?.ready === true && (hostNetwork || sandbox.ips.length > 0);
  const ips = hostNetwork ? (sandbox ? hostIps : []) : (sandbox?.ips ?? []);
  const podIps = ips.length > 0 ? ips : (pod.status?.podIPs?.map(p => p.ip) ?? []);
  return {
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    phase,
    conditions: podConditions({ pod, phase, init, main, initialized: begun, sandboxReady, now }),
    ...(memory.verdict?.message ? { message: memory.verdict.message } : {}),
    ...(memory.verdict?.reason ? { reason: memory.verdict.reason } : {}),
    ...(hostIps[0] ? { hostIP: hostIps[0], hostIPs: hostIps.map(ip => ({ ip })) } : {}),
    ...(podIps[0] ? { podIP: podIps[0], podIPs: podIps.map(ip => ({ ip })) } : {}),
    startTime: wireTime(memory.startedAt),
    ...(init.length > 0 ? { initContainerStatuses: init } : {}),
    containerStatuses: main,
    ...(ephemeral.length > 0 ? { ephemeralContainerStatuses: ephemeral } : {}),
    qosClass: qosClass(pod),
  };
}

function phaseOf(
  { pod, observed }: PodStatusInput,
  init: readonly ContainerStatus[],
  main: readonly ContainerStatus[],
  begun: boolean,
): Phase {
  const sidecars = new Set((pod.spec?.initContainers ?? []).filter(isSidecar).map(c => c.name));
  if (!begun && init.some(s => (sidecars.has(s.name) ? !s.started : !s.ready))) return 'Pending';
  const stopped = main.filter(s => s.state?.terminated ?? (s.state?.waiting && s.lastState?.terminated));
  const waiting = main.filter(s => s.state?.waiting && !s.lastState?.terminated);
  if (waiting.length > 0)
    return pod.metadata.deletionTimestamp && observed.containers.length > 0 ? 'Running' : 'Pending';
  if (stopped.length < main.length || stopped.length === 0) return 'Running';
  const succeeded = stopped.every(s => (s.state?.terminated ?? s.lastState?.terminated)?.exitCode === 0);
  if (pod.metadata.deletionTimestamp) return succeeded ? 'Succeeded' : 'Failed';
  const policy = pod.spec?.restartPolicy ?? 'Always';
  if (policy === 'Always') return 'Running';
  if (succeeded) return 'Succeeded';
  return policy === 'Never' ? 'Failed' : 'Running';
}

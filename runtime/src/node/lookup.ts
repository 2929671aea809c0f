/** What the kubelet API asks about this node's pods (`streaming/types.ts`), answered from the workers. */
import { join } from 'node:path';
import type { Container, Pod } from '../api/generated/types/core.v1.ts';
import type { NodeDirs } from './context.ts';
import type { CriClient } from './cri/client.ts';
import { containersOf, type ObservedContainer } from './pods/model.ts';
import { containerLogPath, podLogDirectory } from './pods/paths.ts';
import type { PodSet } from './pods/pods.ts';
import type { PodWorker } from './pods/worker.ts';
import { statusesOf } from './status/containerStatus.ts';
import type { ContainerTarget, PodLookup, PodTarget, StreamingRuntime } from './streaming/types.ts';

export function streamingRuntime(cri: CriClient): StreamingRuntime {
  return {
    exec: ({ containerId, command, ...streams }) => cri.exec({ containerId, cmd: command, ...streams }),
    attach: request => cri.attach(request),
    portForward: ({ podSandboxId, ports }) => cri.portForward(podSandboxId, [...ports]),
  };
}

export interface LookupOptions {
  readonly pods: PodSet;
  readonly dirs: NodeDirs;
  readonly statusOf: (uid: string) => Pod['status'];
}

export function podLookup({ pods, dirs, statusOf }: LookupOptions): PodLookup {
  return {
    find(namespace, name) {
      const worker = pods.find(namespace, name);
      return worker && targetOf(worker, dirs, statusOf);
    },
    // The runtime's events wake the worker, and its next look tells.
    exited: async (containerId, signal) => pods.withContainer(containerId)?.stopped(containerId, signal),
    list: () => ({
      kind: 'PodList',
      apiVersion: 'v1',
      metadata: {},
      items: pods.list().map(pod => ({ ...pod, status: statusOf(pod.metadata.uid ?? '') ?? pod.status })),
    }),
  };
}

function targetOf(worker: PodWorker, dirs: NodeDirs, statusOf: LookupOptions['statusOf']): PodTarget {
  const { pod, observed } = worker;
  return {
    podSandboxId: observed.sandboxes.find(s => s.ready)?.id,
    container(name): ContainerTarget | undefined {
      const container = containersOf(pod).find(c => c.container.name === name)?.container as Container | undefined;
      if (!container) return undefined;
      const [newest, previous] = observed.containers.filter(c => c.name === name && c.state !== 'created');
      const logPath = (c: ObservedContainer | undefined): string | undefined =>
        c && join(podLogDirectory(dirs, pod), containerLogPath(name, c.attempt));
      const status = statusesOf({ ...pod, status: statusOf(worker.uid) }).find(s => s.name === name);
      const waitingReason = status?.state?.waiting?.reason;
      return {
        containerId: newest?.id,
        running: newest?.state === 'running',
        ...(waitingReason ? { waitingReason } : {}),
        tty: container.tty === true,
        stdin: container.stdin === true,
        logPath: logPath(newest),
        previousLogPath: logPath(previous),
      };
    },
  };
}

/**
 * The smallest cluster kubectl's streams can be tried on: a real containerd with one pod, the kubelet API over a real tunnel,
 * and a front that knows this one pod and nothing else.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../src/api/generated/types/core.v1.ts';
import { notFound, statusOf } from '../src/api/status.ts';
import type { PodStream } from '../src/apiserver/kubelet/location.ts';
import { podLog, podStream } from '../src/apiserver/kubelet/proxy.ts';
import { Tunnels } from '../src/apiserver/kubelet/tunnels.ts';
import type { Handler, UpgradeHandler } from '../src/lib/exchange.ts';
import { silentLogger } from '../src/lib/log.ts';
import { ensurePki, issueClientCertificate } from '../src/lib/pki.ts';
import { refuseUpgrade } from '../src/lib/upgrade.ts';
import { generateKeyPair } from '../src/lib/x509.ts';
import { keepTunnel } from '../src/net/tunnel.ts';
import { CriClient } from '../src/node/cri/client.ts';
import { createKubeletServer } from '../src/node/streaming/server.ts';
import type { ContainerTarget, PodLookup } from '../src/node/streaming/types.ts';
import { type Containerd, startContainerd, testImages } from './containerd.ts';
import { startFront } from './front.ts';

const POD = 'streams';
const NODE = 'node-1';

export interface TestContainer {
  readonly name: string;
  readonly command: readonly string[];
  readonly stdin?: boolean;
  readonly tty?: boolean;
}

export interface StreamingNode {
  readonly containerd: Containerd;
  readonly kubeconfig: string;
  /** For clients other than kubectl: the server's URL and what TLS needs. */
  readonly url: string;
  readonly credentials: { readonly ca: string; readonly cert: string; readonly key: string };
  /** Of each container. */
  readonly logPaths: ReadonlyMap<string, string>;
  /** Cuts the node's tunnel for good. */
  disconnect(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a pod `streams` in namespace `default` with these containers, besides one named `pending` that never starts. */
export async function startStreamingNode(containers: readonly TestContainer[]): Promise<StreamingNode> {
  const containerd = await startContainerd();
  const cri = new CriClient(containerd.socket);
  const cleanups: (() => unknown)[] = [() => containerd.stop(), () => cri.close()];
  const stop = async (): Promise<void> => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  };
  try {
    const { lookup, logPaths } = await runPod(cri, containerd, containers);
    const kubelet = createKubeletServer({
      logger: silentLogger,
      pods: lookup,
      runtime: {
        exec: ({ containerId, command, ...streams }) => cri.exec({ containerId, cmd: [...command], ...streams }),
        attach: request => cri.attach(request),
        portForward: ({ podSandboxId, ports }) => cri.portForward(podSandboxId, [...ports]),
      },
    });
    const pki = await ensurePki(join(containerd.dir, 'tls'), { now: new Date(), sans: [] });
    const tunnels = new Tunnels({ logger: silentLogger });
    const pod: Pod = {
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { name: POD, namespace: 'default', uid: 'streams-uid' },
      spec: {
        nodeName: NODE,
        containers: [...containers, { name: 'pending' }].map(({ name, ...rest }) => ({
          name,
          image: testImages.busybox,
          stdin: 'stdin' in rest && rest.stdin === true,
          tty: 'tty' in rest && rest.tty === true,
        })),
      },
      status: { phase: 'Running' },
    };
    const front = await startFront(pki, onePod(tunnels, pod), onePodStreams(tunnels, pod));
    cleanups.push(() => front.close());
    const stopTunnel = new AbortController();
    const keys = generateKeyPair();
    const subject = { commonName: `system:node:${NODE}`, organizations: ['system:nodes'] };
    let tunnel: Promise<void> = Promise.resolve();
    await new Promise<void>(resolve => {
      tunnel = keepTunnel({
        server: front.url,
        credentials: () => ({
          ca: pki.serverCa.certificatePem,
          cert: issueClientCertificate(pki.clientCa, subject, keys.publicKey, new Date()),
          key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
        }),
        kubelet,
        logger: silentLogger,
        signal: stopTunnel.signal,
        onState: connected => {
          if (connected) resolve();
        },
      });
    });
    const disconnect = (): Promise<void> => {
      stopTunnel.abort();
      return tunnel;
    };
    cleanups.push(disconnect);
    const kubeconfig = join(containerd.dir, 'kubeconfig');
    const data = (pem: string): string => Buffer.from(pem).toString('base64');
    await writeFile(
      kubeconfig,
      JSON.stringify({
        kind: 'Config',
        apiVersion: 'v1',
        'current-context': 'test',
        contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
        clusters: [
          {
            name: 'test',
            cluster: { server: front.url, 'certificate-authority-data': data(pki.serverCa.certificatePem) },
          },
        ],
        users: [
          {
            name: 'admin',
            user: {
              'client-certificate-data': data(pki.admin.certificatePem),
              'client-key-data': data(pki.admin.privateKeyPem),
            },
          },
        ],
      }),
    );
    const credentials = {
      ca: pki.serverCa.certificatePem,
      cert: pki.admin.certificatePem,
      key: pki.admin.privateKeyPem,
    };
    return { containerd, kubeconfig, url: front.url, credentials, logPaths, disconnect, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function runPod(
  cri: CriClient,
  containerd: Containerd,
  containers: readonly TestContainer[],
): Promise<{ lookup: PodLookup; logPaths: Map<string, string> }> {
  const logDirectory = join(containerd.dir, 'pod-logs');
  await mkdir(logDirectory);
  const sandboxConfig = {
    metadata: { name: POD, namespace: 'default', uid: 'streams-uid', attempt: 0 },
    hostname: POD,
    logDirectory,
    linux: { cgroupParent: containerd.cgroupParent },
  };
  const podSandboxId = await cri.runPodSandbox(sandboxConfig);
  const ids = new Map<string, string>();
  const logPaths = new Map<string, string>();
  for (const { name, command, stdin = false, tty = false } of containers) {
    await mkdir(join(logDirectory, name));
    const id = await cri.createContainer(
      podSandboxId,
      {
        metadata: { name, attempt: 0 },
        image: { image: testImages.busybox },
        command: [...command],
        logPath: `${name}/0.log`,
        stdin,
        tty,
        linux: {},
      },
      sandboxConfig,
    );
    await cri.startContainer(id);
    ids.set(name, id);
    logPaths.set(name, join(logDirectory, name, '0.log'));
  }
  const isRunning = async (id: string): Promise<boolean> =>
    (await cri.containerStatus(id))?.state === 'CONTAINER_RUNNING';
  const target = async ({ name, stdin = false, tty = false }: TestContainer): Promise<ContainerTarget> => {
    const containerId = ids.get(name);
    const running = containerId !== undefined && (await isRunning(containerId));
    return { containerId, running, stdin, tty, logPath: logPaths.get(name), previousLogPath: undefined };
  };
  const lookup: PodLookup = {
    find: async (namespace, name) => {
      if (namespace !== 'default' || name !== POD) return undefined;
      const targets = new Map<string, ContainerTarget>();
      for (const container of containers) targets.set(container.name, await target(container));
      targets.set('pending', {
        containerId: undefined,
        running: false,
        waitingReason: 'ContainerCreating',
        stdin: false,
        tty: false,
        logPath: undefined,
        previousLogPath: undefined,
      });
      return { podSandboxId, container: wanted => targets.get(wanted) };
    },
    exited: async (id, signal) => {
      if (!(await isRunning(id))) return;
      for await (const event of cri.events(signal)) {
        if (event.containerId === id && event.containerEventType === 'CONTAINER_STOPPED_EVENT') return;
        if (!(await isRunning(id))) return;
      }
    },
    list: () => ({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items: [] }),
  };
  return { lookup, logPaths };
}

const podPath = `/api/v1/namespaces/default/pods/${POD}`;

function onePod(tunnels: Tunnels, pod: Pod): Handler {
  const documents: Readonly<Record<string, unknown>> = {
    '/api': { kind: 'APIVersions', versions: ['v1'] },
    '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [] },
    '/api/v1': {
      kind: 'APIResourceList',
      apiVersion: 'v1',
      groupVersion: 'v1',
      resources: [
        {
          name: 'pods',
          singularName: 'pod',
          namespaced: true,
          kind: 'Pod',
          verbs: ['get', 'list'],
          shortNames: ['po'],
        },
      ],
    },
    [podPath]: pod,
  };
  return async request => {
    if (request.path === `${podPath}/log`) return podLog(tunnels, pod, request);
    const document = documents[request.path];
    if (document === undefined) throw notFound({ group: '', resource: 'pods' }, request.path);
    return {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify(document)),
    };
  };
}

function onePodStreams(tunnels: Tunnels, pod: Pod): UpgradeHandler {
  return async (request, socket, head) => {
    if (request.path === '/v1-atoll/connect') return tunnels.upgrade(request, socket, head);
    const stream = (['exec', 'attach', 'portforward'] as const).find(
      (name: PodStream) => request.path === `${podPath}/${name}`,
    );
    if (stream) return podStream(tunnels, pod, stream, request, socket, head);
    const error = notFound({ group: '', resource: 'pods' }, request.path);
    return refuseUpgrade(socket, error.code, statusOf(error));
  };
}

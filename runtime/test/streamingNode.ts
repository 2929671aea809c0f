/** A node for kubectl's streams: the real API server and agent with a real tunnel between them, and two pods. */
import { Pods } from '../src/client/resources.ts';
import { silentLogger } from '../src/lib/log.ts';
import { keepTunnel } from '../src/net/tunnel.ts';
import { NODE, podOf, podUntil, sh, startTestNode, type TestNode } from './nodeFixture.ts';

const serve = [
  'mkdir -p /www && echo hello > /www/index.html && head -c 5000000 /dev/zero > /www/big',
  'httpd -p 8080 -h /www',
  'exec sleep 100000',
].join(' && ');

const talk = 'for i in 1 2 3; do echo line $i; echo oops $i >&2; done; read go; echo last; exit 4';

export interface StreamingNode extends TestNode {
  /** Cuts the node's tunnel for good. */
  disconnect(): Promise<void>;
}

/**
 * Pod `streams` serves HTTP in `main`, has a shell on a terminal in `shell` and in `talker` a process that writes six lines,
 * waits for one, and exits with 4. Pod `waiting` has an image that is not there.
 */
export async function startStreamingNode(): Promise<StreamingNode> {
  const stop = new AbortController();
  let tunnel: Promise<void> | undefined;
  let connected: () => void = () => undefined;
  const up = new Promise<void>(resolve => {
    connected = resolve;
  });
  const node = await startTestNode();
  const { certificatePem, privateKeyPem } = node.server.certificateFor(`system:node:${NODE}`, ['system:nodes']);
  const disconnect = async (): Promise<void> => {
    stop.abort();
    await tunnel;
  };
  const close = async (): Promise<void> => {
    await disconnect();
    await node.close();
  };
  try {
    tunnel = keepTunnel({
      server: node.server.url,
      credentials: () => ({ ca: node.server.ca, cert: certificatePem, key: privateKeyPem }),
      kubelet: node.node.kubelet,
      logger: silentLogger,
      signal: stop.signal,
      onState: isUp => {
        if (isUp) connected();
      },
    });
    const containers = [
      { name: 'main', ...sh(serve), readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 } },
      { name: 'shell', command: ['/bin/sh'], stdin: true, tty: true },
      { name: 'talker', stdin: true, ...sh(talk) },
    ];
    await node.client.create(Pods, podOf('streams', { restartPolicy: 'Never', containers }));
    const absent = { name: 'absent', image: 'docker.io/atoll/absent:test', imagePullPolicy: 'Never' as const };
    await node.client.create(Pods, podOf('waiting', { containers: [absent] }));
    await podUntil(node.client, 'streams', pod => pod.status?.containerStatuses?.every(c => c.ready) === true);
    await podUntil(node.client, 'waiting', pod => pod.status?.containerStatuses?.[0]?.state?.waiting !== undefined);
    await up;
  } catch (error) {
    await close();
    throw error;
  }
  return { ...node, disconnect, close };
}

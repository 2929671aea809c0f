/** What the cluster says of its nodes and pods, in short. */
import { existsSync, readFileSync } from 'node:fs';
import type { Node, Pod } from '../api/generated/types/core.v1.ts';
import { Client } from '../client/client.ts';
import { httpTransport } from '../client/http.ts';
import { Nodes, Pods } from '../client/resources.ts';
import { kubeconfigAccess, nodeAccess } from '../machine/access.ts';
import type { MachineStatus, NodeLine } from './statusReport.ts';

const API_TIMEOUT_MS = 5_000;

/** As the administrator where this is a server; else as the node, which may ask of itself only. */
export async function clusterStatus(
  kubeconfigPath: string,
  node: { readonly directory: string; readonly name: string | undefined; readonly apiUrl: string | undefined },
): Promise<MachineStatus['cluster']> {
  let close = (): void => undefined;
  try {
    const joined = node.name !== undefined && node.apiUrl !== undefined && !existsSync(kubeconfigPath);
    const own = joined ? nodeAccess(node.directory, node.apiUrl) : undefined;
    const transport = httpTransport(own ?? kubeconfigAccess(readFileSync(kubeconfigPath, 'utf8')));
    close = () => transport.close();
    const client = new Client(transport, { userAgent: 'atoll-status', timeoutMs: API_TIMEOUT_MS });
    if (own && node.name !== undefined) {
      const fieldSelector = `spec.nodeName=${node.name}`;
      const [self, pods] = await Promise.all([
        client.get(Nodes, { name: node.name }),
        client.list(Pods, { fieldSelector }),
      ]);
      return { nodes: [nodeLine(self)], pods: podCounts(pods.items) };
    }
    const [nodes, pods] = await Promise.all([client.list(Nodes), client.list(Pods)]);
    return { nodes: nodes.items.map(nodeLine), pods: podCounts(pods.items) };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EACCES') return { error: `${kubeconfigPath} may be read by root only: run this as root` };
    if (code === 'ENOENT')
      return { error: `${kubeconfigPath} does not exist: this machine runs no control plane, or it has not started` };
    return { error: `the API server does not answer: ${error instanceof Error ? error.message : String(error)}` };
  } finally {
    close();
  }
}

function nodeLine(node: Node): NodeLine {
  const ready = node.status?.conditions?.find(c => c.type === 'Ready');
  return {
    name: node.metadata.name ?? '',
    ready: ready?.status === 'True',
    reason: ready?.status === 'True' ? '' : (ready?.message ?? 'the node has not reported yet'),
    addresses: (node.status?.addresses ?? []).filter(a => a.type === 'InternalIP').map(a => a.address),
  };
}

function podCounts(pods: readonly Pod[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const pod of pods) {
    const phase = pod.status?.phase ?? 'Unknown';
    counts[phase] = (counts[phase] ?? 0) + 1;
  }
  return counts;
}

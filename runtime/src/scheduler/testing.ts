/** Snapshots for tests. */
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../api/generated/types/core.v1.ts';
import { nodeInfoOf, type Snapshot } from './snapshot.ts';

export interface World {
  readonly claims?: Readonly<Record<string, PersistentVolumeClaim>>;
  readonly volumes?: Readonly<Record<string, PersistentVolume>>;
  readonly namespaces?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Pods are on the node they name. */
export function snapshotOf(nodes: readonly Node[], pods: readonly Pod[] = [], world: World = {}): Snapshot {
  return {
    nodes: nodes.map(node =>
      nodeInfoOf(
        node,
        pods.filter(({ spec }) => spec?.nodeName === node.metadata.name),
      ),
    ),
    namespaceLabels: name => world.namespaces?.[name],
    claim: (namespace, name) => world.claims?.[`${namespace}/${name}`],
    volume: name => world.volumes?.[name],
  };
}

/**
 * PodTopologyLabels: a pod carries zone and region of the node it is bound to, so that its containers can read them through the
 * downward API (KEP-4742).
 */
import type { Pod } from '../../api/generated/types/core.v1.ts';
import type { Store } from '../../store/store.ts';
import { deserialize } from '../serialized.ts';
import { type AdmissionPlugin, groupResourceOf } from './admission.ts';

const labels = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'];

export function podTopologyLabels(store: Pick<Store, 'get'>): AdmissionPlugin {
  return {
    name: 'PodTopologyLabels',
    // A binding is a change of the pod here.
    handles: (_, resource, subresource) => groupResourceOf(resource) === 'pods' && subresource === 'binding',
    async mutate({ object }) {
      const pod = object as unknown as Pod;
      // Nodes are many and large, so there is no mirror of them; one read a pod's life.
      const stored = await store.get(`/registry/core/nodes/${pod.spec?.nodeName ?? ''}`);
      if (!stored) return; // bound to a node that is not there: the kubelet may come later
      const found = deserialize(stored.value, stored.modRevision).metadata.labels ?? {};
      const copied = labels.flatMap(name => (found[name] === undefined ? [] : [[name, found[name]] as const]));
      if (copied.length > 0) pod.metadata.labels = { ...pod.metadata.labels, ...Object.fromEntries(copied) };
    },
  };
}

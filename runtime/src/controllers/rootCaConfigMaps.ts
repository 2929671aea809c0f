/** Every active namespace has a ConfigMap `kube-root-ca.crt` with the authority of the API server, for pods to trust. */
import type { ConfigMap } from '../api/generated/types/core.v1.ts';
import { isAlreadyExists, isNamespaceTerminating, isNotFound } from '../client/apiError.ts';
import { namespacesOf } from '../client/caches.ts';
import { ConfigMaps } from '../client/resources.ts';
import { type Controller, newQueue, reconcile } from './context.ts';

const NAME = 'kube-root-ca.crt';
const DESCRIPTION =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.';

export function rootCaConfigMaps(rootCaPem: string): Controller {
  return (context, signal) => {
    const { client, informers } = context;
    const namespaces = namespacesOf(informers);
    // Only ours: a cluster's other ConfigMaps may be large.
    const maps = informers.of(ConfigMaps, { fieldSelector: `metadata.name=${NAME}` });
    const queue = newQueue(context);
    const enqueue = (map: ConfigMap): void => queue.add(map.metadata.namespace ?? '');
    namespaces.on({
      add: namespace => queue.add(namespace.metadata.name ?? ''),
      update: namespace => queue.add(namespace.metadata.name ?? ''),
    });
    maps.on({ update: enqueue, delete: enqueue });
    const work = async (namespace: string): Promise<undefined> => {
      if (namespaces.get(undefined, namespace)?.status?.phase !== 'Active') return;
      const data = { 'ca.crt': rootCaPem };
      const existing = maps.get(namespace, NAME);
      try {
        if (!existing) {
          const annotations = { 'kubernetes.io/description': DESCRIPTION };
          await client.create(ConfigMaps, { metadata: { namespace, name: NAME, annotations }, data }, { signal });
        } else if (existing.data?.['ca.crt'] !== rootCaPem || Object.keys(existing.data).length !== 1) {
          await client.update(ConfigMaps, { ...existing, data }, { signal });
        }
      } catch (error) {
        if (!isAlreadyExists(error) && !isNamespaceTerminating(error) && !isNotFound(error)) throw error;
      }
    };
    return reconcile(context, queue, [namespaces, maps], work, signal);
  };
}

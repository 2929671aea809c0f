/** Every active namespace has a service account `default`; one that is deleted is made again. */
import { isAlreadyExists, isNamespaceTerminating, isNotFound } from '../client/apiError.ts';
import { metadataCacheOf, namespacesOf } from '../client/caches.ts';
import { ServiceAccounts } from '../client/resources.ts';
import { type Controller, newQueue, reconcile } from './context.ts';

const NAME = 'default';

export const serviceAccounts: Controller = (context, signal) => {
  const { client, informers } = context;
  const namespaces = namespacesOf(informers);
  const accounts = metadataCacheOf(informers, ServiceAccounts);
  const queue = newQueue(context);
  namespaces.on({
    add: namespace => queue.add(namespace.metadata.name ?? ''),
    update: namespace => queue.add(namespace.metadata.name ?? ''),
  });
  accounts.on({
    delete: account => {
      if (account.metadata.name === NAME) queue.add(account.metadata.namespace ?? '');
    },
  });
  const work = async (namespace: string): Promise<undefined> => {
    if (namespaces.get(undefined, namespace)?.status?.phase !== 'Active') return;
    if (accounts.get(namespace, NAME)) return;
    try {
      await client.create(ServiceAccounts, { metadata: { namespace, name: NAME } }, { signal });
    } catch (error) {
      if (!isAlreadyExists(error) && !isNamespaceTerminating(error) && !isNotFound(error)) throw error;
    }
  };
  return reconcile(context, queue, [namespaces, accounts], work, signal);
};

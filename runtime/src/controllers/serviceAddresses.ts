/** Every address a service has is an IPAddress that names the service, as the allocator of other clusters keeps it (KEP-1880). */
import type { Service } from '../api/generated/types/core.v1.ts';
import type { IPAddress } from '../api/generated/types/networking.v1.ts';
import { isAlreadyExists, isNotFound } from '../client/apiError.ts';
import { IPAddresses, Services } from '../client/resources.ts';
import { type Controller, newQueue, reconcile } from './context.ts';

const BY_ADDRESS = 'address';
const MANAGED_BY = 'ipaddress.kubernetes.io/managed-by';
const FAMILY = 'ipaddress.kubernetes.io/ip-family';
const OURS = 'ipallocator';

const addressesOf = ({ spec }: Service): string[] =>
  (spec?.clusterIPs ?? []).filter(address => address !== '' && address !== 'None');

/** Only what is looked at here. */
function slim({ metadata, spec }: Service): Service {
  const { name, namespace, uid, resourceVersion } = metadata;
  return { metadata: { name, namespace, uid, resourceVersion }, spec: { clusterIPs: spec?.clusterIPs } };
}

function objectFor(address: string, { metadata }: Service): IPAddress {
  return {
    metadata: { name: address, labels: { [MANAGED_BY]: OURS, [FAMILY]: address.includes(':') ? 'IPv6' : 'IPv4' } },
    spec: {
      parentRef: { group: '', resource: 'services', namespace: metadata.namespace ?? '', name: metadata.name ?? '' },
    },
  };
}

export const serviceAddresses: Controller = (context, signal) => {
  const { client, informers } = context;
  const services = informers.of(Services, { transform: slim });
  services.addIndex(BY_ADDRESS, addressesOf);
  const addresses = informers.of(IPAddresses, { labelSelector: `${MANAGED_BY}=${OURS}` });
  const queue = newQueue(context);
  const enqueue = (service: Service): void => {
    for (const address of addressesOf(service)) queue.add(address);
  };
  services.on({
    add: enqueue,
    update: (service, old) => {
      enqueue(old);
      enqueue(service);
    },
    delete: enqueue,
  });
  const enqueueAddress = (address: IPAddress): void => queue.add(address.metadata.name ?? '');
  addresses.on({ add: enqueueAddress, delete: enqueueAddress });
  const work = async (name: string): Promise<undefined> => {
    const [service] = services.byIndex(BY_ADDRESS, name);
    const existing = addresses.get(undefined, name);
    const parent = existing?.spec?.parentRef;
    const of = service?.metadata;
    const fits = parent !== undefined && of?.name === parent.name && of?.namespace === parent.namespace;
    if (fits || (!service && !existing)) return;
    try {
      // What is of another service cannot be changed, only made anew.
      if (existing)
        await client.delete(IPAddresses, { name }, { preconditions: { uid: existing.metadata.uid } }, { signal });
      if (service) await client.create(IPAddresses, objectFor(name, service), { signal });
    } catch (error) {
      if (!isAlreadyExists(error) && !isNotFound(error)) throw error;
    }
  };
  return reconcile(context, queue, [services, addresses], work, signal, 1);
};

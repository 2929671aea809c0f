/** Every group-version that custom resources are served in is an APIService of the server itself, and goes with the last of them. */
import type { CustomResourceDefinition } from '../api/generated/types/apiextensions-apiserver.pkg.apis.apiextensions.v1.ts';
import type { APIService } from '../api/generated/types/kube-aggregator.pkg.apis.apiregistration.v1.ts';
import { isAlreadyExists, isNotFound } from '../client/apiError.ts';
import { customResourceDefinitionsOf } from '../client/caches.ts';
import { APIServices } from '../client/resources.ts';
import { type Controller, newQueue, reconcile } from './context.ts';

const BY_GROUP_VERSION = 'groupVersion';
const AUTO_MANAGED = 'kube-aggregator.kubernetes.io/automanaged';
/** After every group of the server's own (upstream: `crdregistration`). */
const GROUP_PRIORITY = 1000;
const VERSION_PRIORITY = 100;

/** `v1.example.com`: the names of its APIServices. */
const namesOf = ({ spec, status }: CustomResourceDefinition): string[] =>
  status?.conditions?.some(condition => condition.type === 'Established' && condition.status === 'True')
    ? (spec.versions ?? []).filter(version => version.served).map(version => `${version.name}.${spec.group}`)
    : [];

function serviceFor(name: string): APIService {
  const dot = name.indexOf('.');
  const [version, group] = [name.slice(0, dot), name.slice(dot + 1)];
  return {
    metadata: { name, labels: { [AUTO_MANAGED]: 'true' } },
    spec: { group, version, groupPriorityMinimum: GROUP_PRIORITY, versionPriority: VERSION_PRIORITY },
  };
}

export const localApiServices: Controller = (context, signal) => {
  const { client, informers } = context;
  const definitions = customResourceDefinitionsOf(informers);
  definitions.addIndex(BY_GROUP_VERSION, namesOf);
  const services = informers.of(APIServices, { labelSelector: `${AUTO_MANAGED}=true` });
  const queue = newQueue(context);
  const enqueue = (definition: CustomResourceDefinition): void => {
    for (const name of namesOf(definition)) queue.add(name);
  };
  definitions.on({
    add: enqueue,
    update: (definition, old) => {
      enqueue(old);
      enqueue(definition);
    },
    delete: enqueue,
  });
  const enqueueService = (service: APIService): void => queue.add(service.metadata.name ?? '');
  services.on({ add: enqueueService, delete: enqueueService });
  const work = async (name: string): Promise<undefined> => {
    const wanted = definitions.byIndex(BY_GROUP_VERSION, name).length > 0;
    const existing = services.get(undefined, name);
    if (wanted === (existing !== undefined)) return;
    try {
      if (wanted) await client.create(APIServices, serviceFor(name), { signal });
      else await client.delete(APIServices, { name }, { preconditions: { uid: existing?.metadata.uid } }, { signal });
    } catch (error) {
      // One that people made of the same name stays theirs.
      if (!isAlreadyExists(error) && !isNotFound(error)) throw error;
    }
  };
  return reconcile(context, queue, [definitions, services], work, signal, 1);
};

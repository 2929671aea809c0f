/**
 * ResourceQuota: a namespace uses no more than it was given (https://kubernetes.io/docs/concepts/policy/resource-quotas/).
 * Objects are charged here before they are written; what goes or shrinks is given back by `controllers/resourceQuota/`.
 */
import type { Pod, ResourceQuota } from '../../../api/generated/types/core.v1.ts';
import type { KubeObject } from '../../../api/object.ts';
import { formatQuantities } from '../../../api/quantities.ts';
import { evaluatorOf, isTerminatingScope } from '../../../api/quota/index.ts';
import { StatusError } from '../../../api/status.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { Store } from '../../../store/store.ts';
import { keyOf } from '../../keys.ts';
import type { Mirrors } from '../../mirrors.ts';
import { type AdmissionAttributes, type AdmissionPlugin, groupResourceOf, refused } from '../admission.ts';
import { ByNamespace } from '../byNamespace.ts';
import { type Charge, Charges } from './charges.ts';
import { type LimitedResource, uncovered } from './limited.ts';
import { recount } from './recount.ts';

/** What is charged for a change, by resource; of all others, only that they are made. */
const updates: Readonly<Record<string, readonly string[]>> = {
  pods: ['', 'resize'],
  services: [''],
  persistentvolumeclaims: ['', 'status'],
  'resourceclaims.resource.k8s.io': [''],
};

export function resourceQuota(
  mirrors: Mirrors,
  store: Store,
  clock: Clock,
  limited: readonly LimitedResource[] = [],
): AdmissionPlugin {
  const quotas = new ByNamespace<ResourceQuota & KubeObject>(mirrors.resourceQuotas, '/registry/core/resourcequotas/');
  const charges = new Charges(
    store,
    namespace => quotas.of(namespace),
    () => clock.now(),
  );

  const validate = (attributes: AdmissionAttributes): void | Promise<void> => {
    const { namespace } = attributes;
    if (namespace === '' || (limited.length === 0 && quotas.of(namespace).length === 0)) return;
    return charge(attributes);
  };

  const charge = async (attributes: AdmissionAttributes): Promise<void> => {
    const { namespace, operation, resource, subresource, name, object, old, dryRun } = attributes;
    const evaluator = evaluatorOf(groupResourceOf(resource));
    if (!object || !evaluator) return;
    if (operation === 'UPDATE' && subresource === '' && resource.resource === 'pods') {
      const [next, previous] = [object as unknown as Pod, old as unknown as Pod];
      if (isTerminatingScope(next) === isTerminatingScope(previous)) return; // all else that counts cannot change
    }
    // It would be charged for nothing: the write refuses it.
    if (operation === 'CREATE' && name !== '' && (await store.get(keyOf(resource, namespace, name)))) return;
    const request = {
      evaluator,
      object,
      old: operation === 'UPDATE' ? old : undefined,
      isStatus: subresource === 'status',
    };
    if (limited.length > 0) {
      const open = uncovered(limited, quotas.of(namespace), request, clock.now());
      if (open && 'names' in open) throw refused(attributes, open.names);
      if (open) throw new StatusError(500, '', open.scopes);
    }
    const asked: Charge = { request, dryRun, refused: reason => refused(attributes, reason) };
    await charges.charge(namespace, asked);
    attributes.onSettled = () => charges.settle(namespace, asked);
  };

  /** Somebody has counted; while objects come, he may have missed some. */
  const correct = async (quota: ResourceQuota, namespace: string): Promise<void> => {
    const used = await recount(store, quota, charges.unsettled(namespace), clock.now());
    quota.status = { ...quota.status, used: formatQuantities(used) };
  };

  return {
    name: 'ResourceQuota',
    handles(operation, resource, subresource) {
      const which = groupResourceOf(resource);
      if (which === 'resourcequotas' && subresource === 'status') return operation === 'UPDATE';
      if (!resource.namespaced || !evaluatorOf(which)) return false;
      if (operation === 'CREATE') return subresource === '';
      return operation === 'UPDATE' && (updates[which]?.includes(subresource) ?? false);
    },
    mutate({ resource, subresource, namespace, object }) {
      if (subresource !== 'status' || resource.resource !== 'resourcequotas' || !charges.isBusy(namespace)) return;
      if (object?.status) return correct(object as unknown as ResourceQuota, namespace);
    },
    validate(attributes) {
      if (attributes.subresource === 'status' && attributes.resource.resource === 'resourcequotas') return;
      if (quotas.mirror.ready) return validate(attributes);
      return quotas.mirror.start().then(() => validate(attributes));
    },
  };
}

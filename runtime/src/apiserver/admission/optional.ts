/** Plugins that are there and off unless asked for, as upstream's. */
import { isDeepStrictEqual } from 'node:util';
import type { OwnerReference } from '../../api/generated/types/apimachinery.pkg.apis.meta.v1.ts';
import type { Pod, Service } from '../../api/generated/types/core.v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { resourceOfKind } from '../../api/resources.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import { type AdmissionAttributes, type AdmissionPlugin, groupResourceOf, on, refused } from './admission.ts';

/** Nobody starts an image that somebody else has pulled with his credentials. */
export const alwaysPullImages: AdmissionPlugin = {
  name: 'AlwaysPullImages',
  handles: (operation, resource, subresource) =>
    groupResourceOf(resource) === 'pods' &&
    (operation === 'CREATE' || operation === 'UPDATE') &&
    ['', 'ephemeralcontainers'].includes(subresource),
  mutate({ object, old }) {
    const { spec } = object as unknown as Pod;
    const before = (old as unknown as Pod | undefined)?.spec;
    for (const list of ['initContainers', 'containers', 'ephemeralContainers'] as const) {
      for (const container of spec?.[list] ?? []) {
        // Of a pod that is there, only changed images are pulled anew.
        const known = before?.[list]?.find(({ name }) => name === container.name);
        if (known?.image === undefined || known.image !== container.image) container.imagePullPolicy = 'Always';
      }
    }
    if (old) return;
    for (const { image } of spec?.volumes ?? []) if (image) image.pullPolicy = 'Always';
  },
};

/** Nodes with rare devices are tainted with the devices' names: pods that ask for one tolerate it. */
export const extendedResourceToleration: AdmissionPlugin = {
  name: 'ExtendedResourceToleration',
  handles: on('pods', 'CREATE', 'UPDATE'),
  mutate({ object }) {
    const { spec } = object as unknown as Pod;
    if (!spec) return;
    const all = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
    const names = new Set(all.flatMap(({ resources }) => Object.keys(resources?.requests ?? {}).filter(isExtended)));
    for (const key of [...names].sort()) {
      const known = (spec.tolerations ?? []).some(
        toleration => toleration.key === key && toleration.operator === 'Exists' && toleration.effect === 'NoSchedule',
      );
      if (!known) {
        spec.tolerations = [...(spec.tolerations ?? []), { key, operator: 'Exists', effect: 'NoSchedule' }];
      }
    }
  },
};

/** Of somebody's domain, and no part of Kubernetes. */
const isExtended = (name: string): boolean =>
  name.includes('/') && !name.includes('kubernetes.io/') && !name.startsWith('requests.');

/** CVE-2020-8554: an external address lets a service take others' traffic. */
export const denyServiceExternalIps: AdmissionPlugin = {
  name: 'DenyServiceExternalIPs',
  handles: on('services', 'CREATE', 'UPDATE'),
  validate(attributes) {
    const addresses = (of: KubeObject | undefined): readonly string[] =>
      (of as unknown as Service | undefined)?.spec?.externalIPs ?? [];
    const before = new Set(addresses(attributes.old));
    if (addresses(attributes.object).some(address => !before.has(address)))
      throw refused(attributes, 'Use of external IPs is denied by admission control');
  },
};

/** Whoever hands an object to the garbage collector must be allowed to delete it; whoever holds up an owner, to finalize it. */
export function ownerReferencesPermissionEnforcement(authorizer: Authorizer): AdmissionPlugin {
  const may = async (
    { user, namespace }: AdmissionAttributes,
    verb: string,
    of: { group: string; version: string; resource: string; namespaced: boolean },
    subresource: string,
    name: string,
  ): Promise<string | undefined> => {
    const { opinion, reason } = await authorizer.authorize({
      user,
      verb,
      isResource: true,
      path: '',
      group: of.group,
      version: of.version,
      resource: of.resource,
      subresource,
      namespace: of.namespaced ? namespace : '',
      name,
      fieldSelector: '',
    });
    return opinion === 'allow' ? undefined : `${reason}, <nil>`;
  };
  return {
    name: 'OwnerReferencesPermissionEnforcement',
    handles: (operation, resource, subresource) =>
      (operation === 'CREATE' || operation === 'UPDATE') &&
      !(subresource === 'status' && groupResourceOf(resource) === 'pods'),
    async validate(attributes) {
      const { object, old, resource, subresource, name } = attributes;
      const next = object?.metadata.ownerReferences ?? [];
      const previous = old?.metadata.ownerReferences ?? [];
      if (isDeepStrictEqual(next, previous)) return;
      const refusal = await may(attributes, 'delete', resource, subresource, name);
      if (refusal !== undefined)
        throw refused(attributes, `cannot set an ownerRef on a resource you can't delete: ${refusal}`);
      for (const reference of next.filter(one => isNewlyBlocking(one, previous))) {
        const [version = '', group = ''] = reference.apiVersion.split('/').reverse();
        const owner = resourceOfKind(group, version, reference.kind);
        if (!owner) {
          throw refused(
            attributes,
            `cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion ${reference.apiVersion} Kind ${reference.kind}: no matches for kind ${JSON.stringify(reference.kind)} in version ${JSON.stringify(reference.apiVersion)}`,
          );
        }
        const why = await may(attributes, 'update', owner, 'finalizers', reference.name);
        if (why !== undefined) {
          throw refused(
            attributes,
            `cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: ${why}`,
          );
        }
      }
    },
  };
}

const isNewlyBlocking = (reference: OwnerReference, previous: readonly OwnerReference[]): boolean =>
  reference.blockOwnerDeletion === true &&
  previous.find(({ uid }) => uid === reference.uid)?.blockOwnerDeletion !== true;

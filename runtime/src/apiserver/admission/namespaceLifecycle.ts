/** NamespaceLifecycle: nothing is made in a namespace that is not there or is going; the cluster's own namespaces stay. */
import { forbidden, notFound, StatusError } from '../../api/status.ts';
import type { Store } from '../../store/store.ts';
import { keyOf } from '../keys.ts';
import type { Mirrors } from '../mirrors.ts';
import { deserialize } from '../serialized.ts';
import { type AdmissionAttributes, type AdmissionPlugin, groupResourceOf, refused } from './admission.ts';

const immortal = new Set(['default', 'kube-system', 'kube-public']);
const namespaces = { group: '', resource: 'namespaces', namespaced: false };

/** Asked about access, not about objects: whether the namespace is there is none of the asker's business. */
const ACCESS_REVIEW = 'localsubjectaccessreviews.authorization.k8s.io';

interface Found {
  readonly metadata: { readonly deletionTimestamp?: string | undefined };
  readonly status?: { readonly phase?: string | undefined } | undefined;
}

export function namespaceLifecycle({ namespaces: mirror }: Mirrors, store: Pick<Store, 'get'>): AdmissionPlugin {
  const check = (attributes: AdmissionAttributes): void | Promise<void> => {
    const { namespace } = attributes;
    if (namespace === '') return; // a namespace itself, or what has none
    const found = mirror.get(keyOf(namespaces, '', namespace));
    if (!found) return checkLive(attributes);
    refuseTerminating(attributes, found);
  };
  /** The mirror follows the store; whoever was told that his namespace is there may be quicker. */
  const checkLive = async (attributes: AdmissionAttributes): Promise<void> => {
    const { namespace } = attributes;
    const stored = await store.get(keyOf(namespaces, '', namespace));
    if (!stored) throw notFound(namespaces, namespace);
    refuseTerminating(attributes, deserialize(stored.value, stored.modRevision));
  };
  return {
    name: 'NamespaceLifecycle',
    handles: (operation, resource) =>
      operation === 'DELETE'
        ? groupResourceOf(resource) === 'namespaces'
        : operation === 'CREATE' && resource.namespaced && groupResourceOf(resource) !== ACCESS_REVIEW,
    mutate(attributes) {
      if (attributes.operation !== 'CREATE') return;
      if (mirror.ready) return check(attributes);
      return mirror.start().then(() => check(attributes));
    },
    validate({ operation, name }) {
      if (operation === 'DELETE' && immortal.has(name))
        throw forbidden(namespaces, name, 'this namespace may not be deleted');
    },
  };
}

function refuseTerminating(attributes: AdmissionAttributes, found: Found): void {
  if (found.metadata.deletionTimestamp === undefined && found.status?.phase !== 'Terminating') return;
  const { namespace } = attributes;
  const { message, details } = refused(
    attributes,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
  ).status;
  throw new StatusError(403, 'Forbidden', message, {
    ...details,
    causes: [
      {
        reason: 'NamespaceTerminating',
        message: `namespace ${namespace} is being terminated`,
        field: 'metadata.namespace',
      },
    ],
  });
}

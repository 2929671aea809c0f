/** NamespaceLifecycle: nothing is made in a namespace that is not there or is going; the cluster's own namespaces stay. */
import { forbidden, notFound, StatusError } from '../../api/status.ts';
import type { Mirrors } from '../mirrors.ts';
import type { AdmissionAttributes, AdmissionPlugin } from './admission.ts';

const immortal = new Set(['default', 'kube-system', 'kube-public']);

/** Asked about access, not about objects: they may name a namespace that is not there. */
const reviews = new Set(['localsubjectaccessreviews', 'subjectaccessreviews']);

export function namespaceLifecycle(mirrors: Mirrors): AdmissionPlugin {
  return {
    name: 'NamespaceLifecycle',
    async mutate(attributes) {
      const { operation, namespace, resource } = attributes;
      if (operation !== 'CREATE' || namespace === '' || reviews.has(resource.resource)) return;
      await mirrors.namespaces.start();
      const found = mirrors.namespaces.get(`/registry/core/namespaces/${namespace}`);
      if (!found) throw notFound({ group: '', resource: 'namespaces' }, namespace);
      const terminating = found.metadata.deletionTimestamp !== undefined || found.status?.phase === 'Terminating';
      if (terminating) throw isTerminating(attributes);
    },
    validate({ operation, name, resource }) {
      if (operation === 'DELETE' && resource.group === '' && resource.resource === 'namespaces' && immortal.has(name)) {
        throw forbidden({ group: '', resource: 'namespaces' }, name, 'this namespace may not be deleted');
      }
    },
  };
}

function isTerminating({ resource, name, namespace }: AdmissionAttributes): StatusError {
  const error = forbidden(
    resource,
    name,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
  );
  return new StatusError(403, 'Forbidden', error.message, {
    ...error.status.details,
    causes: [
      {
        reason: 'NamespaceTerminating',
        message: `namespace ${namespace} is being terminated`,
        field: 'metadata.namespace',
      },
    ],
  });
}

/** NodeRestriction: a node creates and changes only its own objects, whatever their content says. */
import type { Node, Pod } from '../../api/generated/types/core.v1.ts';
import { forbidden } from '../../api/status.ts';
import { nodeNameOf } from '../authorization/node.ts';
import type { AdmissionPlugin } from './admission.ts';

export const nodeRestriction: AdmissionPlugin = {
  name: 'NodeRestriction',
  validate({ operation, user, resource, subresource, name, object, old }) {
    const node = nodeNameOf(user);
    if (node === undefined) return;
    const refuse = (why: string): never => {
      throw forbidden(resource, name, why);
    };
    switch (`${resource.group}/${resource.resource}`) {
      case '/nodes': {
        if (name !== node) refuse(`node ${JSON.stringify(node)} is not allowed to modify node ${JSON.stringify(name)}`);
        const taints = (of: unknown): string => JSON.stringify((of as Node | undefined)?.spec?.taints ?? []);
        if (operation === 'UPDATE' && subresource === '' && taints(object) !== taints(old)) {
          refuse(`node ${JSON.stringify(node)} is not allowed to modify taints`);
        }
        return;
      }
      case '/pods': {
        if (operation !== 'CREATE' || subresource !== '') return;
        const pod = object as unknown as Pod;
        const isMirror = pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined;
        if (!isMirror)
          refuse(
            `pod does not have "kubernetes.io/config.mirror" annotation, node ${JSON.stringify(node)} can only create mirror pods`,
          );
        if (pod.spec?.nodeName !== node)
          refuse(`node ${JSON.stringify(node)} can only create pods with spec.nodeName set to itself`);
        return;
      }
      case 'coordination.k8s.io/leases':
      case 'storage.k8s.io/csinodes':
        if (name !== node) refuse(`can only access node lease with the same name as the requesting node`);
    }
  },
};

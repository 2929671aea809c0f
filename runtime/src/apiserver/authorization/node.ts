/**
 * What a node may do: what its agent needs, and of secrets, config maps and the like only those that its own pods use
 * (https://kubernetes.io/docs/reference/access-authn-authz/node/, and the write rules of the NodeRestriction admission).
 */
import type { User } from '../../lib/exchange.ts';
import { type Attributes, type Authorizer, type Decision, noOpinion } from './authorizer.ts';
import type { NodeReferences } from './nodeReferences.ts';

const PREFIX = 'system:node:';

const allow: Decision = { opinion: 'allow', reason: '' };
const no = (reason: string): Decision => ({ opinion: 'none', reason });

/** Undefined for anybody who is not a node. */
export function nodeNameOf(user: User): string | undefined {
  if (!user.groups.includes('system:nodes') || !user.name.startsWith(PREFIX)) return undefined;
  return user.name.slice(PREFIX.length) || undefined;
}

const READ = new Set(['get', 'list', 'watch']);
/** Harmless and cluster-wide: everything a kubelet or a service proxy reads. */
const readable = new Set([
  '/services',
  '/endpoints',
  '/namespaces',
  'discovery.k8s.io/endpointslices',
  'networking.k8s.io/networkpolicies',
  'node.k8s.io/runtimeclasses',
  'storage.k8s.io/csidrivers',
  'storage.k8s.io/storageclasses',
  'storage.k8s.io/csinodes',
  'storage.k8s.io/volumeattachments',
]);

export function nodeAuthorizer(references: NodeReferences): Authorizer {
  return {
    authorize(attributes) {
      const node = nodeNameOf(attributes.user);
      if (node === undefined || !attributes.isResource) return noOpinion;
      return decide(node, attributes, references);
    },
  };
}

function decide(node: string, attributes: Attributes, references: NodeReferences): Decision | Promise<Decision> {
  const { verb, group, resource, subresource, namespace, name } = attributes;
  const kind = `${group}/${resource}`;
  const reads = READ.has(verb);
  switch (kind) {
    case '/secrets':
    case '/configmaps':
    case '/persistentvolumeclaims':
      if (!reads || subresource !== '') break;
      if (name === '') return no(`No Object name found`);
      return references
        .uses(node, resource, namespace, name)
        .then(used => (used ? allow : no(`no relationship found between node '${node}' and this object`)));
    case '/serviceaccounts':
      if (subresource === '' && verb === 'get') return usedAccount(node, namespace, name, references);
      if (subresource === 'token' && verb === 'create') return usedAccount(node, namespace, name, references);
      break;
    case '/persistentvolumes':
      if (verb === 'get') return allow;
      break;
    case '/nodes':
      if (reads) return allow;
      if (verb === 'create' && subresource === '') return allow; // its own only: admission looks at the object
      if ((verb === 'update' || verb === 'patch') && (subresource === '' || subresource === 'status')) {
        return name === node ? allow : no('a node may only change itself');
      }
      break;
    case '/pods':
      return pods(node, attributes, references);
    case '/events':
    case 'events.k8s.io/events':
      if (verb === 'create' || verb === 'update' || verb === 'patch') return allow;
      break;
    case 'coordination.k8s.io/leases':
      if (namespace !== 'kube-node-lease') break;
      return name === node || verb === 'create'
        ? allow
        : no('can only access node lease with the same name as the requesting node');
    case 'storage.k8s.io/csinodes':
      if (name === node || verb === 'create') return allow;
      break;
    case 'authentication.k8s.io/tokenreviews':
    case 'authorization.k8s.io/subjectaccessreviews':
    case 'authorization.k8s.io/localsubjectaccessreviews':
      if (verb === 'create') return allow;
      break;
  }
  if (reads && readable.has(kind)) return allow;
  return noOpinion;
}

function pods(node: string, attributes: Attributes, references: NodeReferences): Decision | Promise<Decision> {
  const { verb, subresource, namespace, name, fieldSelector } = attributes;
  if (subresource === '' && (verb === 'list' || verb === 'watch') && name === '') {
    const own = fieldSelector.split(',').includes(`spec.nodeName=${node}`);
    return own ? allow : no(`can only list/watch pods with spec.nodeName field selector`);
  }
  if (subresource === '' && verb === 'create') return allow; // mirror pods of its own: admission looks at the object
  const ownOnly = ['get', 'list', 'watch', 'delete'].includes(verb) && subresource === '';
  const ownStatus = (verb === 'update' || verb === 'patch' || verb === 'get') && subresource === 'status';
  const eviction = verb === 'create' && subresource === 'eviction';
  if (!ownOnly && !ownStatus && !eviction) return noOpinion;
  return references
    .runs(node, namespace, name)
    .then(runs => (runs ? allow : no(`no relationship found between node '${node}' and this object`)));
}

async function usedAccount(
  node: string,
  namespace: string,
  name: string,
  references: NodeReferences,
): Promise<Decision> {
  const used = await references.uses(node, 'serviceaccounts', namespace, name);
  return used ? allow : no(`no relationship found between node '${node}' and this object`);
}

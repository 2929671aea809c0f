/**
 * What a node may do: what its agent needs, and of secrets, config maps and the like only those that its own pods use
 * (https://kubernetes.io/docs/reference/access-authn-authz/node/). What a node may write into an object is for the admission
 * plugin NodeRestriction to say, which sees the object.
 */
import type { PolicyRule } from '../../api/generated/types/rbac.v1.ts';
import { parseFieldSelector } from '../../api/selectors.ts';
import type { User } from '../../lib/exchange.ts';
import { type Attributes, type Authorizer, type Decision, noOpinion } from './authorizer.ts';
import { nodeRules } from './bootstrap/roles.ts';
import { ruleOf } from './bootstrap/rule.ts';
import type { NodeReferences } from './nodeReferences.ts';
import type { NodeVolumes } from './nodeVolumes.ts';
import { ruleAllows } from './rules.ts';

const PREFIX = 'system:node:';
const LEASES = 'kube-node-lease';

const allow: Decision = { opinion: 'allow', reason: '' };
const no = (reason: string): Decision => ({ opinion: 'none', reason });

/** Undefined for anybody who is not a node; empty for a node that does not say which. */
export function nodeNameOf(user: User): string | undefined {
  if (!user.groups.includes('system:nodes') || !user.name.startsWith(PREFIX)) return undefined;
  return user.name.slice(PREFIX.length);
}

export function nodeAuthorizer(references: NodeReferences, volumes: NodeVolumes): Authorizer {
  let rules: readonly PolicyRule[] | undefined;
  return {
    authorize(attributes) {
      const node = nodeNameOf(attributes.user);
      if (node === undefined) return noOpinion;
      if (node === '') return no(`unknown node for user ${JSON.stringify(attributes.user.name)}`);
      const decided = attributes.isResource ? decide(node, attributes, references, volumes) : undefined;
      if (decided) return decided;
      rules ??= nodeRules.map(ruleOf);
      return rules.some(rule => ruleAllows(rule, attributes)) ? allow : noOpinion;
    },
  };
}

type Decided = Decision | Promise<Decision>;

/** Undefined: nodes are not told apart here, the rules for all of them decide. */
function decide(
  node: string,
  attributes: Attributes,
  references: NodeReferences,
  volumes: NodeVolumes,
): Decided | undefined {
  const { verb, group, resource, subresource, namespace, name } = attributes;
  const used = (): Promise<boolean> => references.uses(node, resource, namespace, name);
  switch (`${group}/${resource}`) {
    case '/secrets':
      return readOfUsed(node, attributes, async () => {
        return (await used()) || volumes.volumeNamesSecret(node, namespace, name);
      });
    case '/configmaps':
      return readOfUsed(node, attributes, used);
    case '/persistentvolumeclaims':
      if (subresource !== 'status') return getOfUsed(node, attributes, used);
      if (verb !== 'update' && verb !== 'patch') return no('can only get/update/patch this type');
      return ifRelated(node, name, used);
    case '/persistentvolumes':
      return getOfUsed(node, attributes, () => volumes.usesVolume(node, name));
    case 'resource.k8s.io/resourceclaims':
      return getOfUsed(node, attributes, used);
    case 'storage.k8s.io/volumeattachments':
      return getOfUsed(node, attributes, () => volumes.isOfNode(node, group, resource, name));
    case '/serviceaccounts':
      if (verb === 'get' && subresource === '') return readOfUsed(node, attributes, used);
      if (verb !== 'create' || name === '') return no('can only create tokens for individual service accounts');
      if (subresource !== 'token') return no('can only create token subresource of serviceaccount');
      return ifRelated(node, name, used);
    case 'coordination.k8s.io/leases':
      return ownLease(node, attributes);
    case 'storage.k8s.io/csinodes':
      return ownCsiNode(node, attributes);
    case 'resource.k8s.io/resourceslices':
      return ownSlices(node, attributes, volumes);
    case '/nodes':
      return ownNode(node, attributes);
    case '/pods':
      return ownPods(node, attributes, references);
    default:
      return undefined;
  }
}

/** get, list and watch of one object. */
function readOfUsed(node: string, attributes: Attributes, used: () => Promise<boolean>): Decided {
  const { verb, subresource, namespace, name } = attributes;
  if (verb !== 'get' && verb !== 'list' && verb !== 'watch') return no('can only read resources of this type');
  if (subresource !== '') return no('cannot read subresource');
  if (namespace === '') return no('can only read namespaced object of this type');
  return ifRelated(node, name, used);
}

function getOfUsed(node: string, { verb, subresource, name }: Attributes, used: () => Promise<boolean>): Decided {
  if (verb !== 'get') return no('can only get individual resources of this type');
  if (subresource !== '') return no('cannot get subresource');
  return ifRelated(node, name, used);
}

async function ifRelated(node: string, name: string, related: () => Promise<boolean>): Promise<Decision> {
  if (name === '') return no('No Object name found');
  return (await related()) ? allow : no(`no relationship found between node '${node}' and this object`);
}

const WRITES_OWN = new Set(['get', 'create', 'update', 'patch', 'delete']);

function ownLease(node: string, { verb, namespace, name }: Attributes): Decision {
  if (!WRITES_OWN.has(verb)) return no('can only get, create, update, patch, or delete a node lease');
  if (namespace !== LEASES) return no(`can only access leases in the ${JSON.stringify(LEASES)} system namespace`);
  if (verb !== 'create' && name !== node) {
    return no('can only access node lease with the same name as the requesting node');
  }
  return allow;
}

function ownCsiNode(node: string, { verb, subresource, name }: Attributes): Decision {
  if (!WRITES_OWN.has(verb)) return no('can only get, create, update, patch, or delete a CSINode');
  if (subresource !== '') return no('cannot authorize CSINode subresources');
  if (verb !== 'create' && name !== node) {
    return no('can only access CSINode with the same name as the requesting node');
  }
  return allow;
}

function ownSlices(node: string, attributes: Attributes, volumes: NodeVolumes): Decided {
  const { verb, group, resource, subresource, name } = attributes;
  if (subresource !== '') return no('cannot authorize ResourceSlice subresources');
  switch (verb) {
    case 'create':
      return allow;
    case 'get':
    case 'update':
    case 'patch':
    case 'delete':
      return ifRelated(node, name, () => volumes.isOfNode(node, group, resource, name));
    case 'watch':
    case 'list':
    case 'deletecollection':
      if (selects(attributes, 'spec.nodeName', node)) return allow;
      return no('can only list/watch/deletecollection resourceslices with nodeName field selector');
    default:
      return no(
        'only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection',
      );
  }
}

function ownNode(node: string, { verb, subresource, name }: Attributes): Decision {
  const writes = verb === 'update' || verb === 'patch';
  if (subresource === 'status') return writes ? allow : noOpinion;
  if (subresource !== '') return noOpinion;
  if (writes || verb === 'create') return allow;
  if (verb !== 'get' && verb !== 'list' && verb !== 'watch') return noOpinion;
  if (name === node) return allow;
  if (name === '') return no(`node '${node}' cannot read all nodes, only its own Node object`);
  return no(`node '${node}' cannot read '${name}', only its own Node object`);
}

function ownPods(node: string, attributes: Attributes, references: NodeReferences): Decided {
  const { verb, subresource, namespace, name } = attributes;
  switch (subresource) {
    case '':
      if (verb === 'create' || verb === 'delete') return allow;
      if (verb !== 'get' && verb !== 'list' && verb !== 'watch') return noOpinion;
      if (verb !== 'get' && selects(attributes, 'spec.nodeName', node)) return allow;
      if (verb !== 'get' && name === '') return no('can only list/watch pods with spec.nodeName field selector');
      return ifRelated(node, name, () => references.runs(node, namespace, name));
    case 'status':
      return verb === 'update' || verb === 'patch' ? allow : noOpinion;
    case 'eviction':
      return verb === 'create' ? allow : noOpinion;
    default:
      return noOpinion;
  }
}

/** Whether the field selector asks for nothing but objects with this value. */
function selects({ fieldSelector }: Attributes, field: string, value: string): boolean {
  if (fieldSelector === '') return false;
  try {
    return parseFieldSelector(fieldSelector).some(term => {
      return term.field === field && term.operator === '=' && term.value === value;
    });
  } catch {
    return false;
  }
}

/**
 * Nobody grants what he does not hold
 * (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#restrictions-on-role-creation-or-update): who writes a role
 * holds all its rules or may `escalate` it; who writes a binding holds all rules of its role or may `bind` it. Not an admission
 * plugin upstream (its storage does it), but here it stands where the whole object is known and decided upon.
 */
import { isDeepStrictEqual } from 'node:util';
import type { AggregationRule, PolicyRule, RoleRef } from '../../api/generated/types/rbac.v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { forbidden, notFound } from '../../api/status.ts';
import type { User } from '../../lib/exchange.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../admission/admission.ts';
import type { Authorizer } from './authorizer.ts';
import type { Bindings } from './bindings.ts';
import { aggregate, rulesFor } from './rbac.ts';
import { compacted, quoted, ruleText, uncovered } from './rules.ts';

const GROUP = 'rbac.authorization.k8s.io';
const guarded = new Set(['roles', 'clusterroles', 'rolebindings', 'clusterrolebindings']);
const everything: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

export function escalation(bindings: Bindings, authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'RBACEscalation',
    handles: (operation, resource) =>
      resource.group === GROUP && guarded.has(resource.resource) && (operation === 'CREATE' || operation === 'UPDATE'),
    async validate(attributes) {
      const { resource, object, old, user } = attributes;
      if (!object) return;
      if (user.groups.includes('system:masters')) return;
      if (old && onlyForGarbageCollection(object, old)) return;
      if (resource.resource.endsWith('bindings')) await checkBinding(attributes, object);
      else await checkRole(attributes, object);
    },
  };

  async function checkRole(attributes: AdmissionAttributes, object: KubeObject): Promise<void> {
    const { resource, name, namespace } = attributes;
    if (await may(attributes, 'escalate', resource.resource, namespace, name)) return;
    const { rules, aggregationRule } = object as { rules?: PolicyRule[] | null; aggregationRule?: AggregationRule };
    // It can gather anything.
    if (aggregationRule?.clusterRoleSelectors?.length && (await missing(attributes, everything)) !== undefined) {
      throw forbidden(resource, name, 'must have cluster-admin privileges to use an aggregationRule');
    }
    await mustHold(attributes, rules ?? []);
  }

  async function checkBinding(attributes: AdmissionAttributes, object: KubeObject): Promise<void> {
    const { kind, name } = object.roleRef as RoleRef;
    const role = kind === 'ClusterRole' ? 'clusterroles' : 'roles';
    if (await may(attributes, 'bind', role, attributes.namespace, name)) return;
    await bindings.ready();
    const rules = bindings.rulesOf(object.roleRef as RoleRef, attributes.namespace);
    if (!rules) throw notFound({ group: GROUP, resource: role }, name);
    await mustHold(attributes, rules);
  }

  async function mustHold(attributes: AdmissionAttributes, rules: readonly PolicyRule[]): Promise<void> {
    const reason = await missing(attributes, rules);
    if (reason !== undefined) throw forbidden(attributes.resource, attributes.name, reason);
  }

  /** What the user would grant without having it; undefined: nothing. */
  async function missing(
    { user, namespace }: AdmissionAttributes,
    rules: readonly PolicyRule[],
  ): Promise<string | undefined> {
    const held = await rulesFor(bindings, user, namespace);
    const parts = uncovered(held.rules, rules);
    if (parts.length === 0) return undefined;
    const texts = [...new Set(compacted(parts).map(ruleText))].sort();
    const errors = held.errors.length > 0 ? `; resolution errors: [${aggregate(held.errors)}]` : '';
    return `${whoIs(user)} is attempting to grant RBAC permissions not currently held:\n${texts.join('\n')}${errors}`;
  }

  async function may(
    { user }: AdmissionAttributes,
    verb: string,
    resource: string,
    namespace: string,
    name: string,
  ): Promise<boolean> {
    const { opinion } = await authorizer.authorize({
      user,
      verb,
      isResource: true,
      path: '',
      group: GROUP,
      version: 'v1',
      resource,
      subresource: '',
      namespace,
      name,
      fieldSelector: '',
    });
    return opinion === 'allow';
  }
}

const whoIs = ({ name, groups }: User): string => `user ${JSON.stringify(name)} (groups=${quoted(groups)})`;

/** The garbage collector takes owners and finalizers off what it deletes. */
function onlyForGarbageCollection(object: KubeObject, old: KubeObject): boolean {
  const rest = ({ metadata, ...others }: KubeObject): object => {
    const { ownerReferences: _o, finalizers: _f, resourceVersion: _r, managedFields: _m, ...kept } = metadata;
    return { ...others, metadata: kept };
  };
  return isDeepStrictEqual(rest(object), rest(old));
}

/** Role-based access control: roles say what, bindings say who (https://kubernetes.io/docs/reference/access-authn-authz/rbac/). */
import type { PolicyRule, RoleRef, Subject } from '../../api/generated/types/rbac.v1.ts';
import type { User } from '../../lib/exchange.ts';
import type { Mirrors } from '../mirrors.ts';
import { type Attributes, type Authorizer, type Decision, noOpinion } from './authorizer.ts';

const PREFIX = '/registry/rbac.authorization.k8s.io';

export function rbacAuthorizer(mirrors: Mirrors): Authorizer {
  const { roles, roleBindings, clusterRoles, clusterRoleBindings } = mirrors;
  let started: Promise<unknown> | undefined;
  let ready = false;
  const decide = (attributes: Attributes): Decision => {
    const { user, namespace } = attributes;
    for (const binding of clusterRoleBindings.values()) {
      if (!names(binding.subjects, user, '')) continue;
      const rule = rulesOf(binding.roleRef, '').find(candidate => allows(candidate, attributes));
      if (rule) return allowed(`ClusterRoleBinding "${binding.metadata.name}"`, binding.roleRef);
    }
    if (namespace === '') return noOpinion;
    for (const binding of roleBindings.values(`${PREFIX}/rolebindings/${namespace}/`)) {
      if (!names(binding.subjects, user, namespace)) continue;
      const rule = rulesOf(binding.roleRef, namespace).find(candidate => allows(candidate, attributes));
      if (rule) return allowed(`RoleBinding "${binding.metadata.name}/${namespace}"`, binding.roleRef);
    }
    return noOpinion;
  };
  const rulesOf = ({ kind, name }: RoleRef, namespace: string): readonly PolicyRule[] => {
    const role =
      kind === 'ClusterRole'
        ? clusterRoles.get(`${PREFIX}/clusterroles/${name}`)
        : roles.get(`${PREFIX}/roles/${namespace}/${name}`);
    return role?.rules ?? [];
  };
  return {
    authorize(attributes) {
      if (ready) return decide(attributes);
      started ??= Promise.all([roles, roleBindings, clusterRoles, clusterRoleBindings].map(mirror => mirror.start()));
      return started.then(() => {
        ready = true;
        return decide(attributes);
      });
    },
  };
}

const allowed = (binding: string, { kind, name }: RoleRef): Decision => ({
  opinion: 'allow',
  reason: `RBAC: allowed by ${binding} of ${kind} ${JSON.stringify(name)}`,
});

/** @param namespace where the binding stands; a service account without a namespace is of that one. */
function names(subjects: readonly Subject[] | undefined, user: User, namespace: string): boolean {
  return (subjects ?? []).some(subject => {
    switch (subject.kind) {
      case 'User':
        return subject.name === user.name;
      case 'Group':
        return user.groups.includes(subject.name);
      case 'ServiceAccount':
        return user.name === `system:serviceaccount:${subject.namespace ?? namespace}:${subject.name}`;
      default:
        return false;
    }
  });
}

/** Whether one rule covers the request. */
export function allows(rule: PolicyRule, attributes: Attributes): boolean {
  const { verb, isResource, path, group, resource, subresource, name } = attributes;
  if (!includes(rule.verbs, verb)) return false;
  if (!isResource) return (rule.nonResourceURLs ?? []).some(pattern => coversPath(pattern, path));
  if (!includes(rule.apiGroups, group)) return false;
  const whole = subresource === '' ? resource : `${resource}/${subresource}`;
  const covered = (rule.resources ?? []).some(
    pattern => pattern === '*' || pattern === whole || (subresource !== '' && pattern === `*/${subresource}`),
  );
  if (!covered) return false;
  const resourceNames = rule.resourceNames ?? [];
  return resourceNames.length === 0 || resourceNames.includes(name);
}

const includes = (list: readonly string[] | undefined, value: string): boolean =>
  list?.includes('*') === true || list?.includes(value) === true;

function coversPath(pattern: string, path: string): boolean {
  if (pattern === '*' || pattern === path) return true;
  return pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1));
}

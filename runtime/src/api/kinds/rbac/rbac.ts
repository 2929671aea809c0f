/** Roles and bindings (upstream: `pkg/apis/rbac`). */
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  RoleRef,
  Subject,
} from '../../generated/types/rbac.v1.ts';
import { dns1123SubdomainErrors, pathSegmentErrors } from '../../names.ts';
import { ageColumn, column, wide } from '../columns.ts';
import { defineKind } from '../define.ts';
import { at, child, immutable, invalid, invalidEach, notSupported, required } from '../errors.ts';
import type { Column, FieldError } from '../kind.ts';
import { validateLabelSelector } from '../objectMeta.ts';

const GROUP = 'rbac.authorization.k8s.io';

const createdColumn: Column<Role | ClusterRole> = column(
  'Created At',
  'date',
  'When this object was created.',
  o => o.metadata.creationTimestamp ?? null,
);

function ruleErrors(rules: readonly PolicyRule[] | undefined, namespaced: boolean): FieldError[] {
  return (rules ?? []).flatMap((rule, i) => {
    const path = at('rules', i);
    const errors: FieldError[] = [];
    if (!rule.verbs?.length) errors.push(required(child(path, 'verbs'), 'verbs must contain at least one value'));
    if (rule.nonResourceURLs?.length) {
      if (namespaced)
        errors.push(
          invalid(
            child(path, 'nonResourceURLs'),
            rule.nonResourceURLs,
            'namespaced rules cannot apply to non-resource URLs',
          ),
        );
      if (rule.apiGroups?.length || rule.resources?.length || rule.resourceNames?.length)
        errors.push(
          invalid(
            child(path, 'nonResourceURLs'),
            rule.nonResourceURLs,
            'rules cannot apply to both regular resources and non-resource URLs',
          ),
        );
      return errors;
    }
    if (!rule.apiGroups?.length)
      errors.push(required(child(path, 'apiGroups'), 'resource rules must supply at least one api group'));
    if (!rule.resources?.length)
      errors.push(required(child(path, 'resources'), 'resource rules must supply at least one resource'));
    return errors;
  });
}

function subjectErrors(subjects: readonly Subject[] | undefined, namespaced: boolean): FieldError[] {
  return (subjects ?? []).flatMap((subject, i) => {
    const path = at('subjects', i);
    const errors: FieldError[] = [];
    if (!subject.name) errors.push(required(child(path, 'name')));
    if (subject.kind === 'ServiceAccount') {
      if (subject.name)
        errors.push(...invalidEach(child(path, 'name'), subject.name, dns1123SubdomainErrors(subject.name)));
      if (subject.apiGroup) errors.push(notSupported(child(path, 'apiGroup'), subject.apiGroup, ['']));
      if (!namespaced && !subject.namespace) errors.push(required(child(path, 'namespace')));
    } else if (subject.kind === 'User' || subject.kind === 'Group') {
      if (subject.apiGroup !== GROUP) errors.push(notSupported(child(path, 'apiGroup'), subject.apiGroup, [GROUP]));
    } else errors.push(notSupported(child(path, 'kind'), subject.kind, ['ServiceAccount', 'User', 'Group']));
    return errors;
  });
}

function roleRefErrors(ref: RoleRef | undefined, kinds: readonly string[]): FieldError[] {
  const errors: FieldError[] = [];
  if (ref?.apiGroup !== GROUP) errors.push(notSupported('roleRef.apiGroup', ref?.apiGroup, [GROUP]));
  if (!kinds.includes(ref?.kind ?? '')) errors.push(notSupported('roleRef.kind', ref?.kind, kinds));
  if (!ref?.name) errors.push(required('roleRef.name'));
  else errors.push(...invalidEach('roleRef.name', ref.name, pathSegmentErrors(ref.name)));
  return errors;
}

interface Binding {
  readonly metadata: { readonly creationTimestamp?: string | undefined };
  subjects?: Subject[] | undefined;
  roleRef: RoleRef;
}

function bindingDefaults(object: Binding): void {
  if (object.roleRef && !object.roleRef.apiGroup) object.roleRef.apiGroup = GROUP;
  for (const subject of object.subjects ?? [])
    if (!subject.apiGroup && (subject.kind === 'User' || subject.kind === 'Group')) subject.apiGroup = GROUP;
}

const subjectNames = (object: Binding, kind: string): string =>
  (object.subjects ?? [])
    .filter(s => s.kind === kind)
    .map(s => (kind === 'ServiceAccount' && s.namespace ? `${s.namespace}/${s.name}` : s.name))
    .join(', ');

const bindingColumns: readonly Column<Binding>[] = [
  column('Role', 'string', 'The role that is granted.', o => `${o.roleRef?.kind ?? ''}/${o.roleRef?.name ?? ''}`),
  ageColumn,
  wide('Users', 'string', 'Users in the roleBinding', o => subjectNames(o, 'User')),
  wide('Groups', 'string', 'Groups in the roleBinding', o => subjectNames(o, 'Group')),
  wide('ServiceAccounts', 'string', 'ServiceAccounts in the roleBinding', o => subjectNames(o, 'ServiceAccount')),
];

const version = 'v1';

export const role = defineKind<Role>({
  group: GROUP,
  version,
  kind: 'Role',
  columns: [createdColumn],
  validate: object => ruleErrors(object.rules, true),
});

export const clusterRole = defineKind<ClusterRole>({
  group: GROUP,
  version,
  kind: 'ClusterRole',
  columns: [createdColumn],
  validate: object => [
    ...ruleErrors(object.rules, false),
    ...(object.aggregationRule && !object.aggregationRule.clusterRoleSelectors?.length
      ? [
          required(
            'aggregationRule.clusterRoleSelectors',
            'at least one clusterRoleSelector required if aggregationRule is non-nil',
          ),
        ]
      : []),
    ...(object.aggregationRule?.clusterRoleSelectors ?? []).flatMap((selector, i) =>
      validateLabelSelector(selector, at('aggregationRule.clusterRoleSelectors', i)),
    ),
  ],
});

export const roleBinding = defineKind<RoleBinding>({
  group: GROUP,
  version,
  kind: 'RoleBinding',
  columns: bindingColumns,
  defaults: object => {
    bindingDefaults(object);
    for (const subject of object.subjects ?? [])
      if (subject.kind === 'ServiceAccount' && !subject.namespace && object.metadata.namespace)
        subject.namespace = object.metadata.namespace;
  },
  validate: object => [
    ...roleRefErrors(object.roleRef, ['Role', 'ClusterRole']),
    ...subjectErrors(object.subjects, true),
  ],
  validateUpdate: (object, old) => roleRefUpdate(object, old),
});

export const clusterRoleBinding = defineKind<ClusterRoleBinding>({
  group: GROUP,
  version,
  kind: 'ClusterRoleBinding',
  columns: bindingColumns,
  defaults: bindingDefaults,
  validate: object => [...roleRefErrors(object.roleRef, ['ClusterRole']), ...subjectErrors(object.subjects, false)],
  validateUpdate: (object, old) => roleRefUpdate(object, old),
});

function roleRefUpdate(object: Binding, old: Binding): FieldError[] {
  return immutable('roleRef', object.roleRef, old.roleRef).map(error => ({
    ...error,
    message: error.message.replace('field is immutable', 'cannot change roleRef'),
  }));
}

/** Roles and RoleBindings in the system's namespaces (Kubernetes 1.36). */
import type { BindingLines } from './roles.ts';
import { EVENTS } from './rule.ts';

export interface NamespacedRole {
  readonly namespace: string;
  readonly name: string;
  readonly rules: readonly string[];
}

export interface NamespacedBinding extends BindingLines {
  readonly namespace: string;
  readonly name: string;
  readonly role: string;
}

const SYSTEM = 'kube-system';
const PUBLIC = 'kube-public';
const SIGNER = 'system:controller:bootstrap-signer';
const READER = 'extension-apiserver-authentication-reader';
const component = (name: string): string => `system:kube-${name}`;

const leaderLocking = (name: string): NamespacedRole => ({
  namespace: SYSTEM,
  name: `system::leader-locking-${name}`,
  rules: ['watch core configmaps', `get,update core configmaps ${name}`],
});

const ofAccount = (namespace: string, role: string, account: string): NamespacedBinding => ({
  namespace,
  name: role,
  role,
  serviceAccounts: [`${SYSTEM}/${account}`],
});

const ofLeader = (name: string): NamespacedBinding => ({
  ...ofAccount(SYSTEM, `system::leader-locking-kube-${name}`, `kube-${name}`),
  users: [component(name)],
});

export const roles: readonly NamespacedRole[] = [
  { namespace: SYSTEM, name: READER, rules: ['read core configmaps extension-apiserver-authentication'] },
  { namespace: SYSTEM, name: SIGNER, rules: ['read core secrets'] },
  { namespace: SYSTEM, name: 'system:controller:cloud-provider', rules: ['create,read core configmaps'] },
  { namespace: SYSTEM, name: 'system:controller:token-cleaner', rules: ['delete,read core secrets', EVENTS] },
  leaderLocking('kube-controller-manager'),
  leaderLocking('kube-scheduler'),
  { namespace: PUBLIC, name: SIGNER, rules: ['read core configmaps', 'update core configmaps cluster-info', EVENTS] },
];

export const roleBindings: readonly NamespacedBinding[] = [
  {
    namespace: SYSTEM,
    name: `system::${READER}`,
    role: READER,
    users: [component('controller-manager'), component('scheduler')],
  },
  ofLeader('controller-manager'),
  ofLeader('scheduler'),
  ofAccount(SYSTEM, SIGNER, 'bootstrap-signer'),
  ofAccount(SYSTEM, 'system:controller:cloud-provider', 'cloud-provider'),
  ofAccount(SYSTEM, 'system:controller:token-cleaner', 'token-cleaner'),
  ofAccount(PUBLIC, SIGNER, 'bootstrap-signer'),
];

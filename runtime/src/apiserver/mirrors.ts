/** The mirrors the server keeps, each begun when somebody first needs it. */
import type { Namespace, Service, ServiceAccount } from '../api/generated/types/core.v1.ts';
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '../api/generated/types/rbac.v1.ts';
import type { PriorityClass } from '../api/generated/types/scheduling.v1.ts';
import type { KubeObject } from '../api/object.ts';
import type { Store } from '../store/store.ts';
import { Mirror } from './mirror.ts';

type Stored<T> = T & KubeObject;

export class Mirrors {
  readonly namespaces: Mirror<Stored<Namespace>>;
  readonly serviceAccounts: Mirror<Stored<ServiceAccount>>;
  readonly services: Mirror<Stored<Service>>;
  readonly priorityClasses: Mirror<Stored<PriorityClass>>;
  readonly roles: Mirror<Stored<Role>>;
  readonly roleBindings: Mirror<Stored<RoleBinding>>;
  readonly clusterRoles: Mirror<Stored<ClusterRole>>;
  readonly clusterRoleBindings: Mirror<Stored<ClusterRoleBinding>>;

  constructor(store: Store) {
    this.namespaces = new Mirror(store, '/registry/core/namespaces/');
    this.serviceAccounts = new Mirror(store, '/registry/core/serviceaccounts/');
    this.services = new Mirror(store, '/registry/core/services/');
    this.priorityClasses = new Mirror(store, '/registry/scheduling.k8s.io/priorityclasses/');
    this.roles = new Mirror(store, '/registry/rbac.authorization.k8s.io/roles/');
    this.roleBindings = new Mirror(store, '/registry/rbac.authorization.k8s.io/rolebindings/');
    this.clusterRoles = new Mirror(store, '/registry/rbac.authorization.k8s.io/clusterroles/');
    this.clusterRoleBindings = new Mirror(store, '/registry/rbac.authorization.k8s.io/clusterrolebindings/');
  }

  get all(): readonly Mirror<KubeObject>[] {
    const { namespaces, serviceAccounts, services, priorityClasses } = this;
    const { roles, roleBindings, clusterRoles, clusterRoleBindings } = this;
    return [
      namespaces,
      serviceAccounts,
      services,
      priorityClasses,
      roles,
      roleBindings,
      clusterRoles,
      clusterRoleBindings,
    ] as readonly Mirror<KubeObject>[];
  }

  close(): void {
    for (const mirror of this.all) mirror.close();
  }
}

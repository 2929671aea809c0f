/** The mirrors the server keeps, each begun when somebody first needs it. */
import type { LimitRange, Namespace, ResourceQuota, Service, ServiceAccount } from '../api/generated/types/core.v1.ts';
import type { IngressClass } from '../api/generated/types/networking.v1.ts';
import type { RuntimeClass } from '../api/generated/types/node.v1.ts';
import type { PodDisruptionBudget } from '../api/generated/types/policy.v1.ts';
import type { PriorityClass } from '../api/generated/types/scheduling.v1.ts';
import type { StorageClass } from '../api/generated/types/storage.v1.ts';
import type { KubeObject } from '../api/object.ts';
import type { Store } from '../store/store.ts';
import { Mirror } from './mirror.ts';

type Stored<T> = T & KubeObject;

export class Mirrors {
  readonly namespaces: Mirror<Stored<Namespace>>;
  readonly serviceAccounts: Mirror<Stored<ServiceAccount>>;
  readonly services: Mirror<Stored<Service>>;
  readonly priorityClasses: Mirror<Stored<PriorityClass>>;
  readonly limitRanges: Mirror<Stored<LimitRange>>;
  readonly resourceQuotas: Mirror<Stored<ResourceQuota>>;
  readonly podDisruptionBudgets: Mirror<Stored<PodDisruptionBudget>>;
  readonly storageClasses: Mirror<Stored<StorageClass>>;
  readonly ingressClasses: Mirror<Stored<IngressClass>>;
  readonly runtimeClasses: Mirror<Stored<RuntimeClass>>;

  constructor(store: Store) {
    this.namespaces = new Mirror(store, '/registry/core/namespaces/');
    this.serviceAccounts = new Mirror(store, '/registry/core/serviceaccounts/');
    this.services = new Mirror(store, '/registry/core/services/');
    this.priorityClasses = new Mirror(store, '/registry/scheduling.k8s.io/priorityclasses/');
    this.limitRanges = new Mirror(store, '/registry/core/limitranges/');
    this.resourceQuotas = new Mirror(store, '/registry/core/resourcequotas/');
    this.podDisruptionBudgets = new Mirror(store, '/registry/policy/poddisruptionbudgets/');
    this.storageClasses = new Mirror(store, '/registry/storage.k8s.io/storageclasses/');
    this.ingressClasses = new Mirror(store, '/registry/networking.k8s.io/ingressclasses/');
    this.runtimeClasses = new Mirror(store, '/registry/node.k8s.io/runtimeclasses/');
  }

  get all(): readonly Mirror<KubeObject>[] {
    return Object.values(this).filter(value => value instanceof Mirror) as Mirror<KubeObject>[];
  }

  close(): void {
    for (const mirror of this.all) mirror.close();
  }
}

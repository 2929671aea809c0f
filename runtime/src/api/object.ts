/** What every Kubernetes object has in common, for code that handles any kind. */
import type { ListMeta, ObjectMeta } from './generated/types/apimachinery.pkg.apis.meta.v1.ts';

export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

export interface KubeList<T> {
  apiVersion: string;
  kind: string;
  metadata: ListMeta;
  items: T[];
}

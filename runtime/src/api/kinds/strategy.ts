/**
 * What happens to an object before it is validated and stored, for every kind: its own module's rule where it has one,
 * the generic rule otherwise (upstream: `rest.RESTCreateStrategy`, `rest.RESTUpdateStrategy`).
 */
import type { User } from '../../lib/exchange.ts';
import type { KubeObject } from '../object.ts';
import { bumpGeneration } from './generation.ts';
import { kindModule } from './index.ts';
import type { FieldError, KindModule } from './kind.ts';
import { finalizerNameErrors, type Named, validateObjectMeta, validateObjectMetaUpdate } from './objectMeta.ts';

/** What of a `ResourceInfo` the rules need. */
export interface Kept extends Named {
  readonly version: string;
  readonly subresources: readonly { readonly name: string }[];
  /** Its rules, where they are none of the built-in kinds' (custom resources). */
  readonly module?: KindModule | undefined;
}

const moduleOf = (info: Kept): KindModule | undefined => info.module ?? kindModule(info.group, info.kind, info.version);

const hasStatus = (info: Kept): boolean => info.subresources.some(s => s.name === 'status');

/** Replaces, or removes where `value` is unset. */
function assign(object: KubeObject, field: string, value: unknown): void {
  if (value === undefined) delete object[field];
  else object[field] = value;
}

/** Drops what only the server may say; `generation` starts at 1 for kinds with a `spec`. In place. */
export function prepareForCreate(info: Kept, object: KubeObject, user?: User): void {
  const own = moduleOf(info);
  if (own?.prepareForCreate) {
    own.prepareForCreate(object, user);
    return;
  }
  if (hasStatus(info)) delete object.status;
  if (object.spec !== undefined) object.metadata.generation = 1;
}

/** The status stays as it was; `generation` grows when anything but metadata and status changed. In place. */
export function prepareForUpdate(info: Kept, object: KubeObject, old: KubeObject): void {
  if (hasStatus(info)) assign(object, 'status', old.status);
  const own = moduleOf(info);
  if (own?.prepareForUpdate) {
    own.prepareForUpdate(object, old);
    return;
  }
  bumpGeneration(object, old);
}

/** A write to `/status`: everything but the status, and metadata's own bookkeeping, stays as it was. In place. */
export function prepareForStatusUpdate(info: Kept, object: KubeObject, old: KubeObject): void {
  for (const field of new Set([...Object.keys(object), ...Object.keys(old)])) {
    if (field !== 'status' && field !== 'metadata' && field !== 'apiVersion' && field !== 'kind')
      assign(object, field, old[field]);
  }
  const { generation, deletionTimestamp, ownerReferences } = old.metadata;
  const keep = { generation, deletionTimestamp, ownerReferences };
  for (const [field, value] of Object.entries(keep)) assign(object.metadata as unknown as KubeObject, field, value);
  moduleOf(info)?.prepareForStatusUpdate?.(object, old);
}

/** A write to a subresource that a kind's `parts` names; false: it names none of that name. In place. */
export function prepareForPartUpdate(info: Kept, object: KubeObject, old: KubeObject, subresource: string): boolean {
  const part = moduleOf(info)?.parts?.[subresource];
  if (!part) return false;
  part.prepare(object, old);
  if (!part.ofStatus) prepareForUpdate(info, object, old);
  return true;
}

/** Fills unset fields in place. */
export function applyDefaults(info: Kept, object: KubeObject): void {
  moduleOf(info)?.defaults?.(object);
}

export function validateCreate(info: Kept, object: KubeObject): FieldError[] {
  const own = moduleOf(info);
  const finalizers = info.module ? [] : (object.metadata.finalizers ?? []);
  return [
    ...validateObjectMeta(info, object.metadata, own?.nameErrors),
    ...finalizers.flatMap((name, i) => finalizerNameErrors(name, `metadata.finalizers[${i}]`)),
    ...(own?.validate?.(object) ?? []),
  ];
}

/** A changed object must be valid and its change allowed, through this subresource where it is one of the kind's `parts`. */
export function validateUpdate(info: Kept, object: KubeObject, old: KubeObject, subresource = ''): FieldError[] {
  const own = moduleOf(info);
  const allowed = own?.parts?.[subresource]?.validate ?? own?.validateUpdate;
  return [
    ...validateObjectMetaUpdate(object.metadata, old.metadata),
    ...(own?.validateUpdateAlone ? [] : (own?.validate?.(object) ?? [])),
    ...(allowed?.(object, old) ?? []),
  ];
}

/** A write to `/status`. */
export function validateStatusUpdate(info: Kept, object: KubeObject, old: KubeObject): FieldError[] {
  const own = moduleOf(info);
  return [
    ...validateObjectMetaUpdate(object.metadata, old.metadata),
    ...(own?.validateStatusUpdate?.(object, old) ?? []),
  ];
}

/** What the client should know of a valid object; `old` is unset for a new one. */
export function warningsOf(info: Kept, object: KubeObject, old?: KubeObject): string[] {
  return moduleOf(info)?.warnings?.(object, old) ?? [];
}

/** Validation of `metadata`, the same for every kind (apimachinery's `ValidateObjectMeta`, `ValidateObjectMetaUpdate`). */
import type { LabelSelector, ObjectMeta, OwnerReference } from '../generated/types/apimachinery.pkg.apis.meta.v1.ts';
import {
  dns1035LabelErrors,
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  labelValueErrors,
  pathSegmentErrors,
  qualifiedNameErrors,
} from '../names.ts';
import { at, child, forbidden, immutable, invalid, invalidEach, nonNegative, required, tooLong } from './errors.ts';
import type { FieldError } from './kind.ts';

const ANNOTATIONS_LIMIT_BYTES = 256 * 1024;

/** What of a resource decides how its objects are named. */
export interface Named {
  readonly group: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

type NameRule = (name: string) => string[];

/** Kinds whose names are not DNS subdomains. */
const NAME_RULES: Readonly<Record<string, NameRule>> = {
  '/Namespace': dns1123LabelErrors,
  '/Service': dns1035LabelErrors,
  'rbac.authorization.k8s.io/Role': pathSegmentErrors,
  'rbac.authorization.k8s.io/RoleBinding': pathSegmentErrors,
  'rbac.authorization.k8s.io/ClusterRole': pathSegmentErrors,
  'rbac.authorization.k8s.io/ClusterRoleBinding': pathSegmentErrors,
};

export function nameErrors(of: Named, name: string): string[] {
  return (NAME_RULES[`${of.group}/${of.kind}`] ?? dns1123SubdomainErrors)(name);
}

export function validateLabels(labels: Readonly<Record<string, string>> | undefined, path: string): FieldError[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...invalidEach(path, key, qualifiedNameErrors(key)),
    ...invalidEach(path, value, labelValueErrors(value)),
  ]);
}

export function validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  let sizeBytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    errors.push(...invalidEach(path, key, qualifiedNameErrors(key.toLowerCase())));
    sizeBytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (sizeBytes > ANNOTATIONS_LIMIT_BYTES) errors.push(tooLong(path, ANNOTATIONS_LIMIT_BYTES));
  return errors;
}

function validateOwner(owner: OwnerReference, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!owner.apiVersion) errors.push(invalid(child(path, 'apiVersion'), '', 'version must not be empty'));
  if (!owner.kind) errors.push(invalid(child(path, 'kind'), '', 'must not be empty'));
  if (!owner.name) errors.push(invalid(child(path, 'name'), '', 'must not be empty'));
  if (!owner.uid) errors.push(invalid(child(path, 'uid'), '', 'must not be empty'));
  if (owner.apiVersion === 'v1' && owner.kind === 'Event')
    errors.push(invalid(path, owner, '/v1, Kind=Event is disallowed from being an owner'));
  return errors;
}

function validateOwners(owners: readonly OwnerReference[] | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  let first: string | undefined;
  for (const owner of owners ?? []) {
    errors.push(...validateOwner(owner, path));
    if (owner.controller !== true) continue;
    const name = `${owner.kind}/${owner.name}`;
    if (first !== undefined)
      errors.push(
        invalid(
          path,
          owners,
          `Only one reference can have Controller set to true. Found "true" in references for ${first} and ${name}`,
        ),
      );
    first ??= name;
  }
  return errors;
}

function validateFinalizers(finalizers: readonly string[] | undefined, path: string): FieldError[] {
  const errors = (finalizers ?? []).flatMap(name => invalidEach(path, name, qualifiedNameErrors(name)));
  if (finalizers?.includes('orphan') && finalizers.includes('foregroundDeletion'))
    errors.push(invalid(path, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'));
  return errors;
}

/** Those that need no domain. */
const STANDARD_FINALIZERS = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

/** What keeps a built-in object from going has a name of its own domain. */
export const finalizerNameErrors = (name: string, path: string): FieldError[] =>
  name.includes('/') || STANDARD_FINALIZERS.has(name)
    ? []
    : [invalid(path, name, 'name is neither a standard finalizer name nor is it fully qualified')];

/** For a new object, whose name has been generated already. */
export function validateObjectMeta(
  of: Named,
  meta: ObjectMeta,
  nameRule: NameRule = name => nameErrors(of, name),
): FieldError[] {
  const errors: FieldError[] = [];
  if (!meta.name) errors.push(required('metadata.name', 'name or generateName is required'));
  else errors.push(...invalidEach('metadata.name', meta.name, nameRule(meta.name)));
  if (of.namespaced) {
    if (!meta.namespace) errors.push(required('metadata.namespace'));
    else errors.push(...invalidEach('metadata.namespace', meta.namespace, dns1123LabelErrors(meta.namespace)));
  } else if (meta.namespace) errors.push(forbidden('metadata.namespace', 'not allowed on this type'));
  errors.push(...nonNegative('metadata.generation', meta.generation));
  errors.push(...validateLabels(meta.labels, 'metadata.labels'));
  errors.push(...validateAnnotations(meta.annotations, 'metadata.annotations'));
  errors.push(...validateOwners(meta.ownerReferences, 'metadata.ownerReferences'));
  errors.push(...validateFinalizers(meta.finalizers, 'metadata.finalizers'));
  return errors;
}

/** `meta` has been completed from `old` where the client said nothing (uid, creationTimestamp…). */
export function validateObjectMetaUpdate(meta: ObjectMeta, old: ObjectMeta): FieldError[] {
  const errors: FieldError[] = [];
  if (old.deletionTimestamp !== undefined) {
    const added = (meta.finalizers ?? []).filter(f => !(old.finalizers ?? []).includes(f)).sort();
    if (added.length > 0) {
      const list = `[]string{${added.map(f => JSON.stringify(f)).join(', ')}}`;
      errors.push(
        forbidden(
          'metadata.finalizers',
          `no new finalizers can be added if the object is being deleted, found new finalizers ${list}`,
        ),
      );
    }
  }
  for (const field of [
    'name',
    'namespace',
    'uid',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
  ] as const)
    errors.push(...immutable(`metadata.${field}`, meta[field], old[field]));
  errors.push(...validateLabels(meta.labels, 'metadata.labels'));
  errors.push(...validateAnnotations(meta.annotations, 'metadata.annotations'));
  errors.push(...validateOwners(meta.ownerReferences, 'metadata.ownerReferences'));
  return errors;
}

/** A selector inside an object: `spec.selector`. */
export function validateLabelSelector(selector: LabelSelector | undefined, path: string): FieldError[] {
  const errors = validateLabels(selector?.matchLabels, child(path, 'matchLabels'));
  for (const [i, { key, operator, values }] of (selector?.matchExpressions ?? []).entries()) {
    const here = at(child(path, 'matchExpressions'), i);
    if (operator === 'In' || operator === 'NotIn') {
      if (!values?.length)
        errors.push(required(child(here, 'values'), "must be specified when `operator` is 'In' or 'NotIn'"));
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values?.length)
        errors.push(
          forbidden(child(here, 'values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
        );
    } else errors.push(invalid(child(here, 'operator'), operator, 'not a valid selector operator'));
    errors.push(...invalidEach(child(here, 'key'), key, qualifiedNameErrors(key)));
    for (const [j, value] of (values ?? []).entries())
      errors.push(...invalidEach(at(child(here, 'values'), j), value, labelValueErrors(value)));
  }
  return errors;
}

/** The rules of a custom kind in one version, in the form the built-in kinds have theirs (upstream: `registry/customresource`). */
import type { CustomResourceDefinitionVersion } from '../../api/generated/types/apiextensions-apiserver.pkg.apis.apiextensions.v1.ts';
import { invalid } from '../../api/kinds/errors.ts';
import type { FieldError, KindModule } from '../../api/kinds/kind.ts';
import { qualifiedNameErrors } from '../../api/names.ts';
import type { KubeObject } from '../../api/object.ts';
import { normalizePart } from '../../api/prune.ts';
import type { ResourceInfo } from '../../api/resources.ts';
import { META } from '../../api/schema/table.ts';
import { forbidden } from '../../api/status.ts';
import { applyDefaults } from '../../api/structural/defaults.ts';
import { coerceEmbedded, embeddedErrors } from '../../api/structural/embedded.ts';
import { parseJsonPath, setValueAt, valueAt } from '../../api/structural/jsonPath.ts';
import { listTypeErrors } from '../../api/structural/listTypes.ts';
import { isObject, type Json, type Structural, sameJson, sortedJson } from '../../api/structural/model.ts';
import { dropNulls, prune } from '../../api/structural/prune.ts';
import { schemaErrors } from '../../api/structural/validator.ts';
import { columnsOf } from './columns.ts';
import type { Serving } from './serving.ts';

type Version = CustomResourceDefinitionVersion;
type Scale = NonNullable<NonNullable<Version['subresources']>['scale']>;

const MAX_INT32 = 2 ** 31 - 1;
const OBJECT_META = `${META}.ObjectMeta`;

export function customKind(serving: Serving, resource: ResourceInfo, version: Version | undefined): KindModule {
  const schema = serving.schemaOf(resource.version);
  const statusSchema = schema.properties.get('status');
  const hasStatus = version?.subresources?.status !== undefined;
  const scale = version?.subresources?.scale;
  const { group, kind } = resource;

  /** What the storage version has no place for does not come back: it is not taken in the first place. */
  const asStored = (object: KubeObject): void => {
    if (serving.storage === resource.version) return;
    const { apiVersion } = object;
    serving.toStorage(object);
    serving.toVersion(object, resource.version);
    object.apiVersion = apiVersion;
  };

  return {
    group,
    version: resource.version,
    kind,
    shortNames: resource.shortNames,
    categories: resource.categories,
    columns: columnsOf(version?.additionalPrinterColumns),
    ...selectable(version?.selectableFields ?? []),
    ...(scale ? { scale: scaleRules(scale) } : {}),
    decode: object => decode(object, schema),
    defaults: object => applyDefaults(object, schema),
    prepareForCreate: object => {
      if (serving.isTerminating()) {
        const why = 'create not allowed while custom resource definition is terminating';
        throw forbidden(resource, object.metadata.name ?? '', why);
      }
      if (hasStatus) delete object.status;
      object.metadata.generation = 1;
      asStored(object);
    },
    prepareForUpdate: (object, old) => {
      if (hasStatus) assign(object, 'status', old.status);
      asStored(object);
      const { generation = 1 } = old.metadata;
      object.metadata.generation = sameJson(wish(object), wish(old)) ? generation : generation + 1;
    },
    prepareForStatusUpdate: (object, old) => {
      const { managedFields, resourceVersion } = object.metadata;
      object.metadata = { ...old.metadata };
      assign(object.metadata as unknown as Json, 'managedFields', managedFields);
      assign(object.metadata as unknown as Json, 'resourceVersion', resourceVersion);
      asStored(object);
    },
    validate: object => [
      ...schemaErrors(object, schema),
      ...(scale ? [...scaleSpecErrors(object, scale), ...scaleStatusErrors(object, scale)] : []),
      ...embeddedErrors(object, schema),
      ...listTypeErrors(object, schema, ''),
    ],
    requiresRevision: true,
    validateUpdateAlone: true,
    validateUpdate: (object, old) => [
      ...schemaErrors(object, schema, { value: old }),
      ...(scale ? [...scaleSpecErrors(object, scale), ...scaleStatusErrors(object, scale)] : []),
      ...embeddedErrors(object, schema),
      ...newListTypeErrors(object, old, schema),
    ],
    validateStatusUpdate: (object, old) => [
      ...(statusSchema && object.status !== undefined
        ? schemaErrors(object.status, statusSchema, { value: old.status }, 'status')
        : []),
      ...(scale ? scaleStatusErrors(object, scale) : []),
      ...newListTypeErrors(object, old, schema),
    ],
    warnings: (object, old) => finalizerWarnings(object, old),
  };
}

/** What decoding does for built-in kinds by the schema table: unknown fields go, nulls go, metadata takes its form. */
function decode(object: KubeObject, schema: Structural): string[] {
  const metadata: unknown = object.metadata ?? {};
  const unknown = normalizePart(OBJECT_META, metadata, 'metadata');
  unknown.push(...prune(object, schema, true, true).map(path => `unknown field ${JSON.stringify(path)}`));
  dropNulls(object, schema);
  unknown.push(...coerceEmbedded(object, schema));
  object.metadata = metadata as KubeObject['metadata'];
  applyDefaults(object, schema);
  return unknown;
}

const wish = ({ metadata: _, ...rest }: KubeObject): Json => rest;

function assign(object: Json, field: string, value: unknown): void {
  if (value === undefined) delete object[field];
  else object[field] = value;
}

/** Ratcheting: a list that held something twice may stay so. */
function newListTypeErrors(object: KubeObject, old: KubeObject, schema: Structural): FieldError[] {
  const errors = listTypeErrors(object, schema, '');
  return errors.length > 0 && listTypeErrors(old, schema, '').length > 0 ? [] : errors;
}

/** Fields that lists and watches may be narrowed to (KEP-4358). */
function selectable(
  fields: readonly { readonly jsonPath: string }[],
): Pick<KindModule, 'selectableFields' | 'selectableFieldNames'> {
  if (fields.length === 0) return {};
  const paths = fields.map(({ jsonPath }) => ({
    name: jsonPath.replace(/^\./, ''),
    read: parseJsonPath(jsonPath),
  }));
  return {
    selectableFieldNames: paths.map(({ name }) => name),
    selectableFields: object => Object.fromEntries(paths.map(({ name, read }) => [name, text(read(object)[0])])),
  };
}

const text = (value: unknown): string => (value === undefined || value === null ? '' : String(value));

function scaleRules(scale: Scale): NonNullable<KindModule['scale']> {
  const number = (object: KubeObject, path: string): number | undefined => {
    const value = valueAt(object, path);
    return typeof value === 'number' ? Math.trunc(value) : undefined;
  };
  return {
    specReplicasPath: scale.specReplicasPath,
    replicas: object => number(object, scale.specReplicasPath),
    statusReplicas: object => number(object, scale.statusReplicasPath) ?? 0,
    selector: object => {
      const value = scale.labelSelectorPath ? valueAt(object, scale.labelSelectorPath) : undefined;
      return typeof value === 'string' ? value : '';
    },
    setReplicas: (object, replicas) => setValueAt(object, scale.specReplicasPath, replicas),
  };
}

const goType = (value: unknown): string => {
  if (Array.isArray(value)) return '[]interface {}';
  if (isObject(value)) return 'map[string]interface {}';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'number' ? 'float64' : typeof value;
};

/** A number of replicas at a path, if there is anything. */
function replicasErrors(object: KubeObject, path: string): FieldError[] {
  const value = valueAt(object, path);
  if (value === undefined) return [];
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    const shown = isObject(value) || Array.isArray(value) ? JSON.stringify(sortedJson(value)) : text(value);
    return [invalid(path, 0, `${path} accessor error: ${shown} is of the type ${goType(value)}, expected int64`)];
  }
  if (value < 0) return [invalid(path, value, 'should be a non-negative integer')];
  return value > MAX_INT32 ? [invalid(path, value, `should be less than or equal to ${MAX_INT32}`)] : [];
}

const scaleSpecErrors = (object: KubeObject, { specReplicasPath }: Scale): FieldError[] =>
  replicasErrors(object, specReplicasPath);

function scaleStatusErrors(object: KubeObject, { statusReplicasPath, labelSelectorPath }: Scale): FieldError[] {
  const errors = replicasErrors(object, statusReplicasPath);
  const selector = labelSelectorPath ? valueAt(object, labelSelectorPath) : undefined;
  if (labelSelectorPath && selector !== undefined && typeof selector !== 'string') {
    const why = `${labelSelectorPath} accessor error: ${JSON.stringify(sortedJson(selector))} is of the type ${goType(selector)}, expected string`;
    errors.push(invalid(labelSelectorPath, '', why));
  }
  return errors;
}

const STANDARD_FINALIZERS = ['orphan', 'foregroundDeletion', 'kubernetes'];

function finalizerWarnings(object: KubeObject, old: KubeObject | undefined): string[] {
  const before = old?.metadata.finalizers ?? [];
  const added = (object.metadata.finalizers ?? []).filter(name => !before.includes(name)).sort();
  return added.flatMap(name => {
    const said = `metadata.finalizers: ${JSON.stringify(name)}`;
    const faults = qualifiedNameErrors(name).map(fault => `${said}: ${fault}`);
    if (name.includes('/') || STANDARD_FINALIZERS.includes(name)) return faults;
    const path = name.includes('.') ? ' including a path (/)' : '';
    return [
      ...faults,
      `${said}: prefer a domain-qualified finalizer name${path} to avoid accidental conflicts with other finalizer writers`,
    ];
  });
}

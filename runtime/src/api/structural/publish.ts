/** A custom resource's schema as OpenAPI publishes it (upstream: `controller/openapi/builder` and `…/v2`). */
import type { JsonSchema } from '../openapi/schema.ts';
import { REF_PREFIX } from '../openapi/schema.ts';
import { META, packageDescriptions } from '../schema/table.ts';
import { sameJson } from './model.ts';
import { additionalOf, itemsOf, propertiesOf, type Schema } from './schemas.ts';

type Dialect = 'v2' | 'v3';

const intOrString = [{ type: 'integer' }, { type: 'string' }];

/** Said of a value as it is; junctors, items and properties are published apart. */
const PLAIN = [
  'description',
  'type',
  'format',
  'title',
  'default',
  'maximum',
  'exclusiveMaximum',
  'minimum',
  'exclusiveMinimum',
  'maxLength',
  'minLength',
  'pattern',
  'maxItems',
  'minItems',
  'multipleOf',
  'maxProperties',
  'minProperties',
  'required',
  'enum',
  'nullable',
  'example',
  'externalDocs',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-int-or-string',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-list-type',
  'x-kubernetes-map-type',
  'x-kubernetes-validations',
] as const;

const MORE = 'More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#';

interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface Published {
  readonly gvk: GroupVersionKind;
  readonly listKind: string;
  readonly plural: string;
  /** `com.example.stable.v1.CronTab` */
  readonly definition: string;
  readonly schema: Schema | undefined;
  /** `.spec.color` */
  readonly selectableFields: readonly string[];
}

/** The schema of the kind and of its list. */
export function publishedSchemas(
  of: Published,
  dialect: Dialect,
  texts: MetaTexts = metaTexts(),
): { readonly object: JsonSchema; readonly list: JsonSchema } {
  const { gvk, listKind, schema } = of;
  const fields = of.selectableFields.map(path => ({ fieldPath: path.replace(/^\./, '') }));
  const extra = dialect === 'v3' && fields.length > 0 ? { 'x-kubernetes-selectable-fields': fields } : {};
  const object = {
    ...objectSchema(schema, dialect, texts),
    'x-kubernetes-group-version-kind': [{ group: gvk.group, kind: gvk.kind, version: gvk.version }],
    ...extra,
  };
  const about = `List of ${of.plural}. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md`;
  const item = { $ref: `${REF_PREFIX[dialect]}${of.definition}` };
  const list = {
    description: `${listKind} is a list of ${gvk.kind}`,
    type: 'object',
    required: ['items'],
    properties: {
      ...typeMeta(texts),
      items: { description: about, type: 'array', items: dialect === 'v3' ? { allOf: [item] } : item },
      metadata: reference('ListMeta', `Standard list metadata. ${MORE}types-kinds`, dialect),
    },
    'x-kubernetes-group-version-kind': [{ group: gvk.group, kind: listKind, version: gvk.version }],
    ...extra,
  };
  return { object, list };
}

function objectSchema(schema: Schema | undefined, dialect: Dialect, texts: MetaTexts): JsonSchema {
  // kubectl takes what properties do not name for forbidden: where anything may stand, none are named.
  if (!schema || (dialect === 'v2' && schema['x-kubernetes-preserve-unknown-fields'])) return { type: 'object' };
  const published = nodeSchema(schema, dialect, texts);
  return { ...published, properties: { ...(published.properties as JsonSchema), ...metaProperties(dialect, texts) } };
}

/** What stands in every object, described; read once for a document. */
export interface MetaTexts {
  readonly apiVersion: string;
  readonly kind: string;
}

export function metaTexts(): MetaTexts {
  const { apiVersion = '', kind = '' } = packageDescriptions(META).TypeMeta ?? {};
  return { apiVersion, kind };
}

const typeMeta = ({ apiVersion, kind }: MetaTexts): JsonSchema => ({
  apiVersion: { description: apiVersion, type: 'string' },
  kind: { description: kind, type: 'string' },
});

function reference(type: string, description: string, dialect: Dialect): JsonSchema {
  const $ref = `${REF_PREFIX[dialect]}${META}.${type}`;
  return dialect === 'v3' ? { description, allOf: [{ $ref }] } : { description, $ref };
}

const metaProperties = (dialect: Dialect, texts: MetaTexts): JsonSchema => ({
  ...typeMeta(texts),
  metadata: reference('ObjectMeta', `Standard object's metadata. ${MORE}metadata`, dialect),
});

function nodeSchema(schema: Schema, dialect: Dialect, texts: MetaTexts): JsonSchema {
  const node: JsonSchema = {};
  for (const field of PLAIN) if (schema[field] !== undefined) node[field] = schema[field];
  const properties = propertiesOf(schema);
  if (properties.length > 0)
    node.properties = Object.fromEntries(properties.map(([name, inner]) => [name, nodeSchema(inner, dialect, texts)]));
  const items = itemsOf(schema);
  if (items) node.items = nodeSchema(items, dialect, texts);
  const additional = additionalOf(schema);
  if (schema.additionalProperties !== undefined)
    node.additionalProperties = additional ? nodeSchema(additional, dialect, texts) : schema.additionalProperties;
  if (dialect === 'v2') forSwagger(schema, node);
  else addJunctors(schema, node);
  if (
    schema['x-kubernetes-embedded-resource'] &&
    !(dialect === 'v2' && schema['x-kubernetes-preserve-unknown-fields'])
  ) {
    node.properties = { ...(node.properties as JsonSchema | undefined), ...metaProperties(dialect, texts) };
    const required = schema.required ?? [];
    node.required = [...required, ...['kind', 'apiVersion'].filter(name => !required.includes(name))];
  }
  return node;
}

/** As they are written; `x-kubernetes-int-or-string` is written out besides. */
function addJunctors(schema: Schema, node: JsonSchema): void {
  for (const name of ['allOf', 'anyOf', 'oneOf', 'not'] as const)
    if (schema[name] !== undefined) node[name] = schema[name];
  if (!schema['x-kubernetes-int-or-string']) return;
  if (sameJson(schema.anyOf, intOrString) || sameJson(schema.allOf?.[0]?.anyOf, intOrString)) return;
  if (schema.anyOf === undefined) node.anyOf = intOrString;
  else node.allOf = [{ anyOf: intOrString }, ...(schema.allOf ?? [])];
}

/** In place: OpenAPI 2 has no junctors and no `nullable`, and kubectl trips over properties of what may hold anything. */
function forSwagger(schema: Schema, node: JsonSchema): void {
  const preserved = schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (schema.nullable) {
    delete node.type;
    delete node.nullable;
  }
  if (schema.nullable || preserved) {
    delete node.items;
    delete node.properties;
  }
  if (node.type === 'array' && node.items === undefined) delete node.type;
  if (preserved && node.type === 'object') delete node.type;
  const nullable = new Set(propertiesOf(schema).flatMap(([name, inner]) => (inner.nullable ? [name] : [])));
  if (Array.isArray(node.required)) node.required = node.required.filter(name => !nullable.has(name as string));
  if (additionalOf(schema)?.nullable || (Array.isArray(node.required) && node.required.length === 0))
    delete node.required;
}

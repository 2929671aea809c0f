/** JSON schemas of the table's types, in OpenAPI 2's dialect and in OpenAPI 3's. */
import type { FieldSchema, TypeSchema } from '../schema/model.ts';
import { META, packageDescriptions, packageSchema, splitDefinition, typeOf } from '../schema/table.ts';

export type Dialect = 'v2' | 'v3';
export type JsonSchema = Record<string, unknown>;

const APIEXTENSIONS = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';

interface WellKnown {
  readonly definition: string;
  readonly v2: JsonSchema;
  readonly v3: JsonSchema;
}

const same = (definition: string, schema: JsonSchema): WellKnown => ({ definition, v2: schema, v3: schema });

/** The types that are no struct, under the names upstream publishes them. */
const WELL_KNOWN: Readonly<Record<string, WellKnown>> = {
  Time: same(`${META}.Time`, {
    description:
      'Time is a wrapper around time.Time which supports correct marshaling to YAML and JSON.  Wrappers are provided for many of the factory methods that the time package offers.',
    type: 'string',
    format: 'date-time',
  }),
  MicroTime: same(`${META}.MicroTime`, {
    description: 'MicroTime is version of Time with microsecond level precision.',
    type: 'string',
    format: 'date-time',
  }),
  Duration: same(`${META}.Duration`, { description: 'Duration is a wrapper around time.Duration.', type: 'string' }),
  Patch: same(`${META}.Patch`, {
    description: 'Patch is provided to give a concrete name and type to the Kubernetes PATCH request body.',
    type: 'object',
  }),
  FieldsV1: same(`${META}.FieldsV1`, {
    description: 'FieldsV1 stores a set of fields in a data structure like a Trie, in JSON format.',
    type: 'object',
  }),
  Quantity: {
    definition: 'io.k8s.apimachinery.pkg.api.resource.Quantity',
    v2: { description: 'Quantity is a fixed-point representation of a number.', type: 'string' },
    v3: {
      description: 'Quantity is a fixed-point representation of a number.',
      oneOf: [{ type: 'string' }, { type: 'number' }],
    },
  },
  IntOrString: {
    definition: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
    v2: {
      description: 'IntOrString is a type that can hold an int32 or a string.',
      type: 'string',
      format: 'int-or-string',
    },
    v3: {
      description: 'IntOrString is a type that can hold an int32 or a string.',
      format: 'int-or-string',
      oneOf: [{ type: 'integer' }, { type: 'string' }],
    },
  },
  RawExtension: same('io.k8s.apimachinery.pkg.runtime.RawExtension', {
    description: 'RawExtension is used to hold extensions in external versions.',
    type: 'object',
  }),
  JSON: same(`${APIEXTENSIONS}.JSON`, { description: 'JSON represents any valid JSON value.' }),
  JSONSchemaPropsOrBool: same(`${APIEXTENSIONS}.JSONSchemaPropsOrBool`, {
    description: 'JSONSchemaPropsOrBool represents JSONSchemaProps or a boolean value.',
  }),
  JSONSchemaPropsOrArray: same(`${APIEXTENSIONS}.JSONSchemaPropsOrArray`, {
    description: 'JSONSchemaPropsOrArray represents JSONSchemaProps or an array of them.',
  }),
  JSONSchemaPropsOrStringArray: same(`${APIEXTENSIONS}.JSONSchemaPropsOrStringArray`, {
    description: 'JSONSchemaPropsOrStringArray represents JSONSchemaProps or an array of strings.',
  }),
};

const wellKnownByDefinition = new Map(Object.values(WELL_KNOWN).map(w => [w.definition, w]));

const SCALARS: Readonly<Record<string, JsonSchema>> = {
  string: { type: 'string' },
  boolean: { type: 'boolean' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  double: { type: 'number', format: 'double' },
  bytes: { type: 'string', format: 'byte' },
};

export const REF_PREFIX = { v2: '#/definitions/', v3: '#/components/schemas/' } as const;

/** Writes schemas of definitions, and of everything they refer to. One document's worth; descriptions are read once. */
export class SchemaWriter {
  readonly schemas: Record<string, JsonSchema> = {};
  readonly #dialect: Dialect;
  readonly #gvksOf: (definition: string) => readonly GroupVersionKind[];
  readonly #others: ReadonlyMap<string, JsonSchema>;
  readonly #descriptions = new Map<string, ReturnType<typeof packageDescriptions>>();

  /** @param others schemas that the table does not know, by definition (custom resources). */
  constructor(
    dialect: Dialect,
    gvksOf: (definition: string) => readonly GroupVersionKind[],
    others: ReadonlyMap<string, JsonSchema> = new Map(),
  ) {
    this.#dialect = dialect;
    this.#gvksOf = gvksOf;
    this.#others = others;
  }

  /** `#/components/schemas/…`; the schema itself is added to {@link schemas}. */
  reference(definition: string): string {
    this.#add(definition);
    return `${REF_PREFIX[this.#dialect]}${definition}`;
  }

  #add(definition: string): void {
    if (Object.hasOwn(this.schemas, definition)) return;
    const other = this.#others.get(definition);
    if (other) {
      this.schemas[definition] = other;
      return;
    }
    const wellKnown = wellKnownByDefinition.get(definition);
    if (wellKnown) {
      this.schemas[definition] = wellKnown[this.#dialect];
      return;
    }
    const type = typeOf(definition);
    if (!type) throw new Error(`the schema table has no type ${definition}`);
    // Before its fields: types refer to themselves.
    const schema: JsonSchema = {};
    this.schemas[definition] = schema;
    const description = this.#describe(definition, '');
    if (description) schema.description = description;
    schema.type = 'object';
    const required: string[] = [];
    const properties: JsonSchema = {};
    this.#fields(definition, type, properties, required);
    if (required.length > 0) schema.required = required.sort();
    if (Object.keys(properties).length > 0) schema.properties = properties;
    if (type.atomic) schema['x-kubernetes-map-type'] = 'atomic';
    const gvks = this.#gvksOf(definition);
    if (gvks.length > 0) schema['x-kubernetes-group-version-kind'] = gvks;
  }

  #fields(definition: string, type: TypeSchema, properties: JsonSchema, required: string[]): void {
    for (const field of type.fields) {
      if (field.inline) {
        const inner = typeOf(field.type);
        if (inner) this.#fields(field.type, inner, properties, required);
        continue;
      }
      properties[field.name] = this.#property(field, this.#describe(definition, field.name));
      if (!field.optional && !field.omitEmpty && !(field.name === 'metadata' && field.type.startsWith(META)))
        required.push(field.name);
    }
  }

  #property(field: FieldSchema, description: string | undefined): JsonSchema {
    const schema: JsonSchema = description ? { description } : {};
    const shape = this.#shape(field.type, field.enum);
    // A reference stands alone in OpenAPI 3, so what is said beside it goes around it.
    if (this.#dialect === 'v3' && '$ref' in shape) {
      schema.allOf = [shape];
      if (!field.pointer && field.type.startsWith('io.k8s.')) schema.default = {};
    } else Object.assign(schema, shape);
    if (field.default !== undefined) schema.default = field.default;
    if (field.listMapKeys) schema['x-kubernetes-list-map-keys'] = field.listMapKeys;
    if (field.listType) schema['x-kubernetes-list-type'] = field.listType;
    if (field.mapType) schema['x-kubernetes-map-type'] = field.mapType;
    if (field.patchMergeKey) schema['x-kubernetes-patch-merge-key'] = field.patchMergeKey;
    if (field.patchStrategy) schema['x-kubernetes-patch-strategy'] = field.patchStrategy;
    return schema;
  }

  #shape(type: string, values?: readonly string[]): JsonSchema {
    if (type.endsWith('!')) return this.#shape(type.slice(0, -1));
    if (type.startsWith('[]')) return { type: 'array', items: this.#item(type.slice(2), values) };
    if (type.startsWith('{}')) return { type: 'object', additionalProperties: this.#item(type.slice(2), values) };
    const scalar = SCALARS[type];
    if (scalar) return values && values.length > 0 ? { ...scalar, enum: [...values].sort() } : { ...scalar };
    return { $ref: this.reference(WELL_KNOWN[type]?.definition ?? type) };
  }

  #item(type: string, values?: readonly string[]): JsonSchema {
    const shape = this.#shape(type, values);
    if (this.#dialect === 'v2' || !('$ref' in shape)) return shape;
    return type.startsWith('io.k8s.') ? { allOf: [shape], default: {} } : { allOf: [shape] };
  }

  #describe(definition: string, field: string): string | undefined {
    const [packageName, typeName] = splitDefinition(definition);
    let texts = this.#descriptions.get(packageName);
    if (!texts) {
      texts = packageDescriptions(packageName);
      this.#descriptions.set(packageName, texts);
    }
    return texts[typeName]?.[field];
  }
}

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** The kinds a definition stands for: its own, for the options every group takes one a group and version. */
export function gvksOf(
  definition: string,
  served: readonly { readonly group: string; readonly version: string }[],
): GroupVersionKind[] {
  const [packageName, kind] = splitDefinition(definition);
  const type = typeOf(definition);
  if (packageName === META) {
    if (kind === 'DeleteOptions' || kind === 'WatchEvent')
      return served.map(({ group, version }) => ({ group, kind, version }));
    return ['Status', 'APIGroup', 'APIGroupList', 'APIResourceList', 'APIVersions'].includes(kind)
      ? [{ group: '', kind, version: 'v1' }]
      : [];
  }
  const { group, version } = packageSchema(packageName) ?? {};
  if (!type?.topLevel || group === undefined || version === undefined) return [];
  return [{ group, kind, version }];
}

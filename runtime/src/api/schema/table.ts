/**
 * The generated schema, read as it is asked for: a package's table is parsed at the first question about it and kept.
 *
 * Always true: what is handed out is shared and never changed; nothing is parsed at import.
 */
import { type EmbeddedPackage, packages } from '../generated/index.ts';
import type { FieldSchema, PackageSchema, TypeSchema } from './model.ts';

export const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';

const embedded = new Map(packages.map(p => [p.name, p]));
const parsed = new Map<string, PackageSchema>();
const flattened = new Map<string, ReadonlyMap<string, FieldSchema>>();

/** Kinds of apimachinery that are accepted under every group and version. */
const META_KINDS = new Set([
  'APIGroup',
  'APIGroupList',
  'APIResourceList',
  'APIVersions',
  'CreateOptions',
  'DeleteOptions',
  'GetOptions',
  'ListOptions',
  'PatchOptions',
  'Status',
  'UpdateOptions',
  'WatchEvent',
]);

/** The package and short name of `io.k8s.api.core.v1.Pod`: `['io.k8s.api.core.v1', 'Pod']`. */
export function splitDefinition(definition: string): readonly [packageName: string, typeName: string] {
  const dot = definition.lastIndexOf('.');
  return [definition.slice(0, dot), definition.slice(dot + 1)];
}

export function packageNames(): string[] {
  return [...embedded.keys()];
}

export function packageSchema(name: string): PackageSchema | undefined {
  const known = parsed.get(name);
  if (known) return known;
  const source = embedded.get(name);
  if (!source) return undefined;
  const schema = JSON.parse(source.schema()) as PackageSchema;
  parsed.set(name, schema);
  return schema;
}

/** The descriptions of a package: type name → field name → text, the type's own under `''`. Not kept: only OpenAPI asks, once. */
export function packageDescriptions(name: string): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const source = embedded.get(name);
  return source ? (JSON.parse(source.descriptions()) as Record<string, Record<string, string>>) : {};
}

/** `io.k8s.api.core.v1.Pod` → its fields; `undefined` for a name no package declares. */
export function typeOf(definition: string): TypeSchema | undefined {
  const [packageName, typeName] = splitDefinition(definition);
  const types = packageSchema(packageName)?.types;
  return types && Object.hasOwn(types, typeName) ? types[typeName] : undefined;
}

/** Fields by JSON name, those of inlined structs among them: what a JSON object of this type may hold. */
export function fieldsOf(definition: string): ReadonlyMap<string, FieldSchema> {
  const known = flattened.get(definition);
  if (known) return known;
  const fields = new Map<string, FieldSchema>();
  for (const field of typeOf(definition)?.fields ?? []) {
    if (!field.inline) fields.set(field.name, field);
    else for (const [name, inner] of fieldsOf(field.type)) fields.set(name, inner);
  }
  flattened.set(definition, fields);
  return fields;
}

function packagesOf(group: string, version: string): EmbeddedPackage[] {
  return packages.filter(p => p.group === group && p.version === version);
}

/** The definition of a top-level kind, lists and options among them: `('apps', 'v1', 'DeploymentList')`. */
export function definitionOf(group: string, version: string, kind: string): string | undefined {
  for (const p of packagesOf(group, version)) {
    const definition = `${p.name}.${kind}`;
    if (typeOf(definition)) return definition;
  }
  const isMeta = META_KINDS.has(kind) || (group === 'meta.k8s.io' && version === 'v1');
  return isMeta && typeOf(`${META}.${kind}`) ? `${META}.${kind}` : undefined;
}

export interface SchemaTable {
  readonly typeOf: (definition: string) => TypeSchema | undefined;
  readonly fieldsOf: (definition: string) => ReadonlyMap<string, FieldSchema>;
  readonly definitionOf: (group: string, version: string, kind: string) => string | undefined;
}

/** The table as one value, for code that takes it as an argument. */
export function schemaTable(): SchemaTable {
  return { typeOf, fieldsOf, definitionOf };
}

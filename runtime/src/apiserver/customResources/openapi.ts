/**
 * OpenAPI of everything: the built-in kinds' documents, and what CustomResourceDefinitions add to them.
 *
 * Invariants: a document of OpenAPI 3 is made again only when a definition of its group and version has changed; of the one document
 * of OpenAPI 2, only the parts of definitions that have changed. Definitions are read from the store for it and not kept.
 */
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { groupVersionOf } from '../../api/discovery.ts';
import { digest, type OpenApiDocument, packDocument } from '../../api/openapi/document.ts';
import { type MediaTypes, operationsOf, rootOf } from '../../api/openapi/operations.ts';
import { gvksOf, type JsonSchema, REF_PREFIX, SchemaWriter } from '../../api/openapi/schema.ts';
import { openapiV2, operationV2 } from '../../api/openapi/v2.ts';
import { type OpenApiInfo, openapiV3, operationV3 } from '../../api/openapi/v3.ts';
import { type ResourceInfo, resources } from '../../api/resources.ts';
import { META } from '../../api/schema/table.ts';
import { type MetaTexts, metaTexts, publishedSchemas } from '../../api/structural/publish.ts';
import type { Store } from '../../store/store.ts';
import type { Catalog } from './catalog.ts';
import { DEFINITIONS_PREFIX, type Definition, type StoredDefinition } from './definition.ts';

const zip = promisify(gzip);
const unzip = promisify(gunzip);

const TYPES: MediaTypes = {
  bodies: ['application/json', 'application/yaml'],
  patches: ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml'],
};

/** Writes references, and none of the schemas they refer to. */
class References extends SchemaWriter {
  constructor() {
    super('v2', () => []);
  }

  override reference(definition: string): string {
    return `${REF_PREFIX.v2}${definition}`;
  }
}

interface Kept<T> {
  /** Of what the part was made. */
  readonly state: string;
  readonly made: T;
}

/** One definition's contribution to OpenAPI 2, as the JSON of members, gzipped. */
interface Fragment {
  readonly paths: Buffer;
  readonly definitions: Buffer;
}

export class OpenApi {
  readonly #catalog: Catalog;
  readonly #store: Store;
  readonly #info: OpenApiInfo;
  readonly #static;
  readonly #staticV2;
  readonly #documents = new Map<string, Kept<Promise<OpenApiDocument>>>();
  readonly #fragments = new Map<string, Kept<Fragment>>();
  #v2: Kept<Promise<OpenApiDocument>> | undefined;

  constructor(catalog: Catalog, store: Store, info: OpenApiInfo) {
    this.#catalog = catalog;
    this.#store = store;
    this.#info = info;
    this.#static = openapiV3(resources, info);
    this.#staticV2 = openapiV2(resources, info);
  }

  /** `/openapi/v3` */
  index(): { paths: Record<string, { serverRelativeURL: string }> } {
    const { paths } = this.#static.index();
    for (const { group, version } of this.#groupVersions()) {
      const path = rootOf(group, version).slice(1);
      paths[path] ??= { serverRelativeURL: `/openapi/v3/${path}?hash=${this.#hash(group, version)}` };
    }
    return { paths };
  }

  /** `/openapi/v3/<path>`; undefined where nothing is served. */
  async document(path: string): Promise<OpenApiDocument | undefined> {
    const fixed = this.#static.document(path);
    if (fixed) return fixed;
    const place = this.#groupVersions().find(({ group, version }) => rootOf(group, version).slice(1) === path);
    if (!place) {
      this.#documents.delete(path);
      return undefined;
    }
    const state = this.#hash(place.group, place.version);
    const kept = this.#documents.get(path);
    if (kept?.state === state) return kept.made;
    const made = this.#build(place.group, place.version, state);
    this.#documents.set(path, { state, made });
    made.catch(() => this.#documents.delete(path));
    return made;
  }

  /** `/openapi/v2` */
  async v2(): Promise<OpenApiDocument> {
    const definitions = this.#groupVersions().flatMap(({ group, version }) =>
      this.#catalog.definitionsOf(group, version),
    );
    const all = [...new Set(definitions)];
    if (all.length === 0) return this.#staticV2();
    const state = all.map(stateOf).join();
    if (this.#v2?.state !== state) {
      const made = this.#merge(all);
      this.#v2 = { state, made };
      made.catch(() => {
        this.#v2 = undefined;
      });
    }
    return this.#v2.made;
  }

  #groupVersions(): { readonly group: string; readonly version: string }[] {
    const found = new Map<string, { group: string; version: string }>();
    for (const { group, version, listDefinition } of this.#catalog.resources())
      if (listDefinition !== undefined) found.set(groupVersionOf(group, version), { group, version });
    return [...found.values()];
  }

  /** Changes when the document would, and costs no building of it. */
  #hash(group: string, version: string): string {
    const definitions = this.#catalog.definitionsOf(group, version);
    return digest(JSON.stringify([this.#info, group, version, definitions.map(stateOf)]));
  }

  async #read({ name }: Definition): Promise<StoredDefinition | undefined> {
    const found = await this.#store.get(DEFINITIONS_PREFIX + name);
    return found && (JSON.parse(found.value.toString('utf8')) as StoredDefinition);
  }

  async #build(group: string, version: string, state: string): Promise<OpenApiDocument> {
    const others = new Map<string, JsonSchema>();
    const texts = metaTexts();
    const served: ResourceInfo[] = [];
    for (const definition of this.#catalog.definitionsOf(group, version)) {
      const stored = await this.#read(definition);
      const resource = this.#catalog.custom(group, version, definition.plural)?.resource;
      if (!stored || !resource) continue;
      served.push(resource);
      addSchemas(others, stored, resource, 'v3', texts);
    }
    const writer = new SchemaWriter('v3', definition => gvksOf(definition, [{ group, version }]), others);
    // What the schemas themselves refer to.
    for (const type of ['ObjectMeta', 'ListMeta']) writer.reference(`${META}.${type}`);
    const answer = { schema: { $ref: writer.reference(`${META}.APIResourceList`) } };
    const paths: Record<string, JsonSchema> = {
      [`${rootOf(group, version)}/`]: {
        get: {
          description: 'get available resources',
          operationId: `get${group}APIResources`,
          responses: {
            200: { description: 'OK', content: Object.fromEntries(TYPES.bodies.map(type => [type, answer])) },
          },
        },
      },
    };
    for (const op of served.flatMap(operationsOf)) {
      const at = paths[op.path] ?? {};
      paths[op.path] = at;
      at[op.method] = operationV3(op, writer, TYPES);
    }
    const document = { openapi: '3.0.0', info: this.#info, paths, components: { schemas: writer.schemas } };
    return { ...packDocument(document), etag: `"${state}"` };
  }

  async #merge(definitions: readonly Definition[]): Promise<OpenApiDocument> {
    const texts = metaTexts();
    const names = new Set(definitions.map(({ name }) => name));
    for (const name of this.#fragments.keys()) if (!names.has(name)) this.#fragments.delete(name);
    const fragments: { readonly paths: string; readonly definitions: string }[] = [];
    for (const definition of definitions) {
      const { paths, definitions } = await this.#fragment(definition, texts);
      fragments.push({ paths: await unzipped(paths), definitions: await unzipped(definitions) });
    }
    const text = await unzipped(this.#staticV2().gzip);
    // The built-in document has no member of these names at its top but these.
    const pathsAt = text.indexOf('"paths":{') + '"paths":{'.length;
    const definitionsAt = text.indexOf('"definitions":{"', pathsAt) + '"definitions":{'.length;
    const whole = [
      text.slice(0, pathsAt),
      ...fragments.map(({ paths }) => before(paths)),
      text.slice(pathsAt, definitionsAt),
      ...fragments.map(fragment => before(fragment.definitions)),
      text.slice(definitionsAt),
    ].join('');
    return { gzip: await zip(whole, { level: 6 }), etag: `"${digest(whole)}"` };
  }

  async #fragment(definition: Definition, texts: MetaTexts): Promise<Fragment> {
    const state = stateOf(definition);
    const kept = this.#fragments.get(definition.name);
    if (kept?.state === state) return kept.made;
    const stored = await this.#read(definition);
    const others = new Map<string, JsonSchema>();
    const served = definition.versions.flatMap(({ name }) => {
      const resource = this.#catalog.custom(definition.group, name, definition.plural)?.resource;
      if (!stored || !resource) return [];
      addSchemas(others, stored, resource, 'v2', texts);
      return [resource];
    });
    // Only what refers to schemas is wanted: those of the built-in types are in the document already.
    const writer = new References();
    const paths: Record<string, JsonSchema> = {};
    for (const op of served.flatMap(operationsOf)) {
      const at = paths[op.path] ?? {};
      paths[op.path] = at;
      at[op.method] = operationV2(op, writer, TYPES);
    }
    const made = { paths: await zip(membersOf(paths)), definitions: await zip(membersOf(Object.fromEntries(others))) };
    this.#fragments.set(definition.name, { state, made });
    return made;
  }
}

const unzipped = async (bytes: Buffer): Promise<string> => (await unzip(bytes)).toString('utf8');

const stateOf = ({ uid, generation, terminating, versions }: Definition): string =>
  `${uid}/${generation}/${terminating}/${versions.length}`;

/** `"a":1,"b":2`: an object's JSON without its braces. */
const membersOf = (object: object): string => JSON.stringify(object).slice(1, -1);

/** Members that stand before others. None: the definition has gone while the document was made. */
const before = (members: string): string => (members === '' ? '' : `${members},`);

function addSchemas(
  into: Map<string, JsonSchema>,
  { spec }: StoredDefinition,
  { group, version, kind, resource, definition, listDefinition = '', listKind = '' }: ResourceInfo,
  dialect: 'v2' | 'v3',
  texts: MetaTexts,
): void {
  const defined = spec.versions.find(({ name }) => name === version);
  const { object, list } = publishedSchemas(
    {
      gvk: { group, version, kind },
      listKind,
      plural: resource,
      definition,
      schema: defined?.schema?.openAPIV3Schema,
      selectableFields: (defined?.selectableFields ?? []).map(({ jsonPath }) => jsonPath),
    },
    dialect,
    texts,
  );
  into.set(definition, object);
  into.set(listDefinition, list);
}

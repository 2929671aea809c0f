/**
 * OpenAPI of everything: the built-in kinds' documents, and what CustomResourceDefinitions add to them.
 *
 * Invariants: a document of OpenAPI 3 is made again only when a definition of its group and version has changed; definitions are read
 * from the store for it and not kept. What nobody has asked for in {@link KEEP_MS} is not held in memory.
 */
import { groupVersionOf } from '../../api/discovery.ts';
import { digest, type OpenApiDocument, packText } from '../../api/openapi/document.ts';
import { operationsOf, rootOf } from '../../api/openapi/operations.ts';
import { gvksOf, type JsonSchema, SchemaWriter } from '../../api/openapi/schema.ts';
import { type OpenApiInfo, type OpenApiV3, openapiV3, operationV3 } from '../../api/openapi/v3.ts';
import { type ResourceInfo, resources } from '../../api/resources.ts';
import { META } from '../../api/schema/table.ts';
import { metaTexts } from '../../api/structural/publish.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Store } from '../../store/store.ts';
import type { Catalog } from './catalog.ts';
import { DEFINITIONS_PREFIX, type Definition, type StoredDefinition } from './definition.ts';
import { addSchemas, CUSTOM_TYPES, type Kept, stateOf } from './openapiParts.ts';
import { OpenApiV2 } from './openapiV2.ts';

/** Making documents again takes a second on a small board, keeping them a megabyte. */
export const KEEP_MS = 10 * 60_000;

export interface OpenApiOptions {
  readonly catalog: Pick<Catalog, 'resources' | 'definitionsOf' | 'custom'>;
  readonly store: Pick<Store, 'get'>;
  readonly clock: Clock;
  readonly info: OpenApiInfo;
}

/** What has been made. */
interface Documents {
  readonly v2: OpenApiV2;
  readonly builtIn: OpenApiV3;
  readonly custom: Map<string, Kept<Promise<OpenApiDocument>>>;
}

export class OpenApi {
  readonly #options: OpenApiOptions;
  #kept: Documents | undefined;
  #askedMs = 0;

  constructor(options: OpenApiOptions) {
    this.#options = options;
  }

  /** Whether any document is held. */
  get holds(): boolean {
    return this.#kept !== undefined;
  }

  /** `/openapi/v3` */
  index(): { paths: Record<string, { serverRelativeURL: string }> } {
    const { paths } = this.#documents().builtIn.index();
    for (const { group, version } of this.#groupVersions()) {
      const path = rootOf(group, version).slice(1);
      paths[path] ??= { serverRelativeURL: `/openapi/v3/${path}?hash=${this.#hash(group, version)}` };
    }
    return { paths };
  }

  /** `/openapi/v3/<path>`; undefined where nothing is served. */
  async document(path: string): Promise<OpenApiDocument | undefined> {
    const { builtIn, custom } = this.#documents();
    const fixed = builtIn.document(path);
    if (fixed) return fixed;
    const place = this.#groupVersions().find(({ group, version }) => rootOf(group, version).slice(1) === path);
    if (!place) {
      custom.delete(path);
      return undefined;
    }
    const state = this.#hash(place.group, place.version);
    const kept = custom.get(path);
    if (kept?.state === state) return kept.made;
    const made = this.#build(place.group, place.version, state);
    custom.set(path, { state, made });
    made.catch(() => custom.delete(path));
    return made;
  }

  /** `/openapi/v2` */
  v2(): Promise<OpenApiDocument> {
    return this.#documents().v2.json(this.#definitions());
  }

  /** The same as protobuf (`v2Protobuf.ts`). */
  v2Protobuf(): Promise<OpenApiDocument> {
    return this.#documents().v2.protobuf(this.#definitions());
  }

  #documents(): Documents {
    const { catalog, clock, info } = this.#options;
    this.#askedMs = clock.now();
    if (this.#kept) return this.#kept;
    const read = (definition: Definition): Promise<StoredDefinition | undefined> => this.#read(definition);
    this.#kept = { v2: new OpenApiV2({ catalog, info, read }), builtIn: openapiV3(resources, info), custom: new Map() };
    this.#letGoAfter(KEEP_MS);
    return this.#kept;
  }

  #letGoAfter(delayMs: number): void {
    this.#options.clock.after(delayMs, () => {
      const leftMs = this.#askedMs + KEEP_MS - this.#options.clock.now();
      if (leftMs > 0) this.#letGoAfter(leftMs);
      else this.#kept = undefined;
    });
  }

  #definitions(): Definition[] {
    const all = this.#groupVersions().flatMap(({ group, version }) =>
      this.#options.catalog.definitionsOf(group, version),
    );
    return [...new Set(all)];
  }

  #groupVersions(): { readonly group: string; readonly version: string }[] {
    const found = new Map<string, { group: string; version: string }>();
    for (const { group, version, listDefinition } of this.#options.catalog.resources())
      if (listDefinition !== undefined) found.set(groupVersionOf(group, version), { group, version });
    return [...found.values()];
  }

  /** Changes when the document would, and costs no building of it. */
  #hash(group: string, version: string): string {
    const definitions = this.#options.catalog.definitionsOf(group, version);
    return digest(JSON.stringify([this.#options.info, group, version, definitions.map(stateOf)]));
  }

  async #read({ name }: Definition): Promise<StoredDefinition | undefined> {
    const found = await this.#options.store.get(DEFINITIONS_PREFIX + name);
    return found && (JSON.parse(found.value.toString('utf8')) as StoredDefinition);
  }

  async #build(group: string, version: string, state: string): Promise<OpenApiDocument> {
    const others = new Map<string, JsonSchema>();
    const texts = metaTexts();
    const served: ResourceInfo[] = [];
    for (const definition of this.#options.catalog.definitionsOf(group, version)) {
      const stored = await this.#read(definition);
      const resource = this.#options.catalog.custom(group, version, definition.plural)?.resource;
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
            200: { description: 'OK', content: Object.fromEntries(CUSTOM_TYPES.bodies.map(type => [type, answer])) },
          },
        },
      },
    };
    for (const op of served.flatMap(operationsOf)) {
      const at = paths[op.path] ?? {};
      paths[op.path] = at;
      at[op.method] = operationV3(op, writer, CUSTOM_TYPES);
    }
    const document = { openapi: '3.0.0', info: this.#options.info, paths, components: { schemas: writer.schemas } };
    return packText(JSON.stringify(document), `"${state}"`);
  }
}

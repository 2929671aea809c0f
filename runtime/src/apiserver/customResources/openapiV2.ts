/**
 * The one document of OpenAPI 2, as JSON and as protobuf: the built-in kinds and what CustomResourceDefinitions add.
 *
 * Invariants: when definitions change, only their parts of the JSON are made again; the protobuf is made of the JSON, has its ETag
 * (`Vary` tells them apart, as upstream's), and is made for who asks for it. Definitions are read from the store and not kept.
 */
import { type OpenApiDocument, packText, textOf } from '../../api/openapi/document.ts';
import { operationsOf } from '../../api/openapi/operations.ts';
import { pacer } from '../../api/openapi/pace.ts';
import { type JsonSchema, REF_PREFIX, SchemaWriter } from '../../api/openapi/schema.ts';
import { buildV2, operationV2 } from '../../api/openapi/v2.ts';
import type { Part } from '../../api/openapi/v2Protobuf.ts';
import type { OpenApiInfo } from '../../api/openapi/v3.ts';
import { resources } from '../../api/resources.ts';
import { type MetaTexts, metaTexts } from '../../api/structural/publish.ts';
import type { Catalog } from './catalog.ts';
import type { Definition, StoredDefinition } from './definition.ts';
import { addSchemas, CUSTOM_TYPES, type Kept, stateOf } from './openapiParts.ts';

/** Writes references, and none of the schemas they refer to. */
class References extends SchemaWriter {
  constructor() {
    super('v2', () => []);
  }

  override reference(definition: string): string {
    return `${REF_PREFIX.v2}${definition}`;
  }
}

/** One definition's contribution, as the JSON of members (`"a":1,"b":2`), gzipped. */
interface Fragment {
  readonly paths: OpenApiDocument;
  readonly definitions: OpenApiDocument;
}

export interface OpenApiV2Options {
  readonly catalog: Pick<Catalog, 'custom'>;
  readonly info: OpenApiInfo;
  /** Undefined: it has gone. */
  readonly read: (definition: Definition) => Promise<StoredDefinition | undefined>;
}

export class OpenApiV2 {
  readonly #options: OpenApiV2Options;
  readonly #fragments = new Map<string, Kept<Fragment>>();
  #builtIn: Promise<OpenApiDocument> | undefined;
  #json: Kept<Promise<OpenApiDocument>> | undefined;
  #protobuf: Kept<Promise<OpenApiDocument>> | undefined;

  constructor(options: OpenApiV2Options) {
    this.#options = options;
  }

  /** @param definitions all that are served, each once */
  json(definitions: readonly Definition[]): Promise<OpenApiDocument> {
    const state = definitions.map(stateOf).join();
    if (this.#json?.state === state) return this.#json.made;
    const made = definitions.length === 0 ? this.#ofBuiltIn() : this.#merge(definitions);
    const kept = { state, made };
    this.#json = kept;
    made.catch(() => {
      if (this.#json === kept) this.#json = undefined;
    });
    return made;
  }

  protobuf(definitions: readonly Definition[]): Promise<OpenApiDocument> {
    const state = definitions.map(stateOf).join();
    if (this.#protobuf?.state === state) return this.#protobuf.made;
    const made = this.#convert(definitions);
    const kept = { state, made };
    this.#protobuf = kept;
    made.catch(() => {
      if (this.#protobuf === kept) this.#protobuf = undefined;
    });
    return made;
  }

  #ofBuiltIn(): Promise<OpenApiDocument> {
    this.#builtIn ??= buildV2(resources, this.#options.info).then(document => packText(JSON.stringify(document)));
    return this.#builtIn;
  }

  async #merge(definitions: readonly Definition[]): Promise<OpenApiDocument> {
    const names = new Set(definitions.map(({ name }) => name));
    for (const name of this.#fragments.keys()) if (!names.has(name)) this.#fragments.delete(name);
    const texts = metaTexts();
    const fragments: Record<keyof Fragment, string>[] = [];
    for (const definition of definitions) {
      const { paths, definitions } = await this.#fragment(definition, texts);
      fragments.push({ paths: await textOf(paths), definitions: await textOf(definitions) });
    }
    const text = await textOf(await this.#ofBuiltIn());
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
    return packText(whole);
  }

  async #fragment(definition: Definition, texts: MetaTexts): Promise<Fragment> {
    const state = stateOf(definition);
    const kept = this.#fragments.get(definition.name);
    if (kept?.state === state) return kept.made;
    const stored = await this.#options.read(definition);
    const others = new Map<string, JsonSchema>();
    const served = definition.versions.flatMap(({ name }) => {
      const resource = this.#options.catalog.custom(definition.group, name, definition.plural)?.resource;
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
      at[op.method] = operationV2(op, writer, CUSTOM_TYPES);
    }
    const made = {
      paths: await packText(membersOf(paths)),
      definitions: await packText(membersOf(Object.fromEntries(others))),
    };
    this.#fragments.set(definition.name, { state, made });
    return made;
  }

  async #convert(definitions: readonly Definition[]): Promise<OpenApiDocument> {
    const { documentOf, partOf } = await import('../../api/openapi/v2Protobuf.ts');
    const { etag } = await this.json(definitions);
    const texts = metaTexts();
    const pace = pacer();
    const parts: Part[] = [];
    const add = async (document: Members): Promise<void> => {
      for (const slice of slices(document)) {
        parts.push(partOf(slice));
        await pace();
      }
    };
    for (const definition of definitions) {
      const { paths, definitions } = await this.#fragment(definition, texts);
      await add({ paths: parsed(await textOf(paths)), definitions: parsed(await textOf(definitions)) });
    }
    const builtIn = JSON.parse(await textOf(await this.#ofBuiltIn())) as Members;
    await add(builtIn);
    return packText(documentOf(builtIn, parts), etag);
  }
}

/** `"a":1,"b":2`: an object's JSON without its braces. */
const membersOf = (object: object): string => JSON.stringify(object).slice(1, -1);

const parsed = (members: string): Members['paths'] => JSON.parse(`{${members}}`) as Members['paths'];

/** Members that stand before others. None: the definition has gone while the document was made. */
const before = (members: string): string => (members === '' ? '' : `${members},`);

interface Members {
  readonly paths: Readonly<Record<string, unknown>>;
  readonly definitions: Readonly<Record<string, unknown>>;
}

const SLICE = 50;

/** The same in parts that take little time each. */
function* slices({ paths, definitions }: Members): Generator<Members> {
  const all = { paths: Object.entries(paths), definitions: Object.entries(definitions) };
  for (let at = 0; at < Math.max(all.paths.length, all.definitions.length); at += SLICE)
    yield {
      paths: Object.fromEntries(all.paths.slice(at, at + SLICE)),
      definitions: Object.fromEntries(all.definitions.slice(at, at + SLICE)),
    };
}

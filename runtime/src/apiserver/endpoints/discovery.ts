/** What can be asked for: `/api`, `/apis` (plain and aggregated), `/openapi/v2`, `/openapi/v3`. Made once, then served as bytes. */
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { apiGroup, apiGroupDiscoveryList, apiGroupList, apiResourceList, apiVersions } from '../../api/discovery.ts';
import type { OpenApiDocument } from '../../api/openapi/document.ts';
import type { ResourceInfo } from '../../api/resources.ts';
import { resourceNotServed } from '../../api/status.ts';
import type { Request, Response } from '../../lib/exchange.ts';
import { encode, headersOf, plainOffer } from '../answer.ts';
import { negotiate } from '../negotiate.ts';

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

export interface OpenApiSource {
  v2(): Promise<OpenApiDocument>;
  index(): unknown;
  document(path: string): Promise<OpenApiDocument | undefined>;
}

export interface DiscoveryOptions {
  /** What is served now. */
  readonly catalog: {
    resources(): readonly ResourceInfo[];
    /** Grows when something else is served. */
    readonly generation: number;
  };
  readonly serverAddress: string;
  /** Loaded when somebody asks: most servers never are. */
  readonly openApi: () => Promise<OpenApiSource>;
}

interface Document {
  readonly generation: number;
  readonly body: Buffer;
  readonly etag: string;
}

export class Discovery {
  readonly #options: DiscoveryOptions;
  readonly #aggregated = new Map<boolean, Document>();
  #openApi: Promise<OpenApiSource> | undefined;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
  }

  /** Undefined: not a path of discovery. @throws StatusError */
  async answer(request: Request): Promise<Response | undefined> {
    const { path } = request;
    const parts = path.split('/').filter(part => part !== '');
    if (parts[0] === 'openapi') return this.#openApiAnswer(request, parts.slice(1));
    if (parts[0] !== 'api' && parts[0] !== 'apis') return undefined;
    const core = parts[0] === 'api';
    if (parts.length === 1 && wantsAggregated(request)) return this.#aggregatedAnswer(request, core);
    const document = this.#document(core, parts.slice(1));
    if (document === undefined) throw resourceNotServed();
    const accepted = negotiate(request.headers.accept, plainOffer);
    return { status: 200, headers: headersOf(accepted.encoding, []), body: await encode(document, accepted, request) };
  }

  #document(core: boolean, [group, version, ...rest]: readonly string[]): object | undefined {
    const { catalog, serverAddress } = this.#options;
    const resources = catalog.resources();
    if (rest.length > 0) return undefined;
    if (core) {
      if (group === undefined) return { ...apiVersions(serverAddress), apiVersion: 'v1' };
      return version === undefined ? apiResourceList(resources, '', group) : undefined;
    }
    if (group === undefined) return apiGroupList(resources);
    return version === undefined ? apiGroup(resources, group) : apiResourceList(resources, group, version);
  }

  #aggregatedAnswer(request: Request, core: boolean): Response {
    let document = this.#aggregated.get(core);
    const { catalog } = this.#options;
    const { generation } = catalog;
    if (document?.generation !== generation) {
      const body = Buffer.from(JSON.stringify(apiGroupDiscoveryList(catalog.resources(), core)));
      document = { generation, body, etag: `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"` };
      this.#aggregated.set(core, document);
    }
    const headers = { 'content-type': AGGREGATED, etag: document.etag, vary: 'Accept', 'cache-control': 'public' };
    if (request.headers['if-none-match'] === document.etag) return { status: 304, headers, body: Buffer.alloc(0) };
    return { status: 200, headers, body: document.body };
  }

  async #openApiAnswer(request: Request, [version, ...rest]: readonly string[]): Promise<Response> {
    this.#openApi ??= this.#options.openApi();
    const source = await this.#openApi;
    if (version === 'v2' && rest.length === 0) {
      if (wantsProtobufDocument(request)) return protobufDocument();
      return this.#compressed(request, await source.v2());
    }
    if (version === 'v3' && rest.length === 0) {
      const body = Buffer.from(JSON.stringify(source.index()));
      return { status: 200, headers: { 'content-type': 'application/json' }, body };
    }
    const document = version === 'v3' ? await source.document(rest.join('/')) : undefined;
    if (!document) throw resourceNotServed();
    return this.#compressed(request, document);
  }

  #compressed(request: Request, { gzip, etag }: OpenApiDocument): Response {
    const headers = { 'content-type': 'application/json', etag, vary: 'Accept-Encoding, Accept' };
    // The hash in the query (from the index) lets clients keep the document for ever.
    const caching = request.query.has('hash') ? { 'cache-control': 'public, immutable' } : {};
    if (request.headers['if-none-match'] === etag) {
      return { status: 304, headers: { ...headers, ...caching }, body: Buffer.alloc(0) };
    }
    if (/\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) {
      return { status: 200, headers: { ...headers, ...caching, 'content-encoding': 'gzip' }, body: gzip };
    }
    return { status: 200, headers: { ...headers, ...caching }, body: gunzipSync(gzip) };
  }
}

const PROTOBUF_V2 = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

const wantsProtobufDocument = ({ headers }: Request): boolean =>
  headers.accept?.includes('proto-openapi.spec.v2') === true && !/application\/json|\*\/\*/.test(headers.accept);

/**
 * OpenAPI v2 as protobuf, without definitions: `Document { swagger = 1, info = 2 { title = 1, version = 2 } }` (gnostic). Only
 * kubectl's client-side validation reads it, for what it cannot leave to the server (`kind: List`); kinds it does not find
 * there it leaves to the server after all.
 */
function protobufDocument(): Response {
  const field = (number: number, content: Buffer): Buffer =>
    Buffer.concat([Buffer.of((number << 3) | 2, content.length), content]);
  const info = Buffer.concat([field(1, Buffer.from('Kubernetes')), field(2, Buffer.from('unversioned'))]);
  const body = Buffer.concat([field(1, Buffer.from('2.0')), field(2, info)]);
  return { status: 200, headers: { 'content-type': PROTOBUF_V2 }, body };
}

/** Whether the aggregated form comes before the plain one in `Accept`. */
function wantsAggregated(request: Request): boolean {
  const accept = request.headers.accept ?? '';
  for (const clause of accept.split(',')) {
    if (/as=APIGroupDiscoveryList/.test(clause)) {
      if (
        /v=v2(?:;|$|\s)/.test(`${clause};`) &&
        /g=apidiscovery\.k8s\.io/.test(clause) &&
        /application\/json/.test(clause)
      )
        return true;
    } else if (/^\s*application\/json\s*(?:;|$)/.test(clause)) return false;
  }
  return false;
}

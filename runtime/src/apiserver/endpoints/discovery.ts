/** What can be asked for: `/api`, `/apis` (plain and aggregated), `/openapi/v2`, `/openapi/v3`. Made once, then served as bytes. */
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { apiGroup, apiGroupDiscoveryList, apiGroupList, apiResourceList, apiVersions } from '../../api/discovery.ts';
import type { OpenApiDocument } from '../../api/openapi/document.ts';
import type { ResourceInfo } from '../../api/resources.ts';
import { resourceNotServed } from '../../api/status.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Request, Response } from '../../lib/exchange.ts';
import { encode, headersOf, plainOffer, wantsPretty } from '../answer.ts';
import { acceptsGzip, contentTypes, type Encoding, negotiate, plainJson } from '../negotiate.ts';

export interface OpenApiSource {
  v2(): Promise<OpenApiDocument>;
  v2Protobuf(): Promise<OpenApiDocument>;
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
  readonly clock: Clock;
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
    const aggregated = parts.length === 1 ? aggregatedForm(request) : undefined;
    if (aggregated !== undefined) return this.#aggregatedAnswer(request, core, aggregated);
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

  async #aggregatedAnswer(request: Request, core: boolean, encoding: Encoding): Promise<Response> {
    let document = this.#aggregated.get(core);
    const { catalog } = this.#options;
    const { generation } = catalog;
    if (document?.generation !== generation) {
      const list = apiGroupDiscoveryList(catalog.resources(), core);
      const body = Buffer.from(JSON.stringify(list));
      document = { generation, body, etag: `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"` };
      this.#aggregated.set(core, document);
    }
    const type = `${contentTypes[encoding]};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`;
    const headers = { 'content-type': type, etag: document.etag, vary: 'Accept', 'cache-control': 'public' };
    if (isKnown(request, document.etag)) return { status: 304, headers, body: Buffer.alloc(0) };
    const form = { ...plainJson, encoding };
    const isPlain = encoding === 'json' && !wantsPretty(request, form);
    const body = isPlain ? document.body : await encode(JSON.parse(document.body.toString()), form, request);
    return { status: 200, headers, body };
  }

  async #openApiAnswer(request: Request, [version, ...rest]: readonly string[]): Promise<Response> {
    this.#openApi ??= this.#options.openApi();
    const source = await this.#openApi;
    if (version === 'v2' && rest.length === 0) {
      const form = openApiForm(request, ['json', PROTOBUF_V2]);
      if (form === undefined) return notAcceptable();
      return form === 'json'
        ? compressed(request, await source.v2())
        : compressed(request, await source.v2Protobuf(), PROTOBUF_V2);
    }
    if (version === 'v3' && rest.length === 0) {
      const body = Buffer.from(JSON.stringify(source.index()));
      const etag = `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"`;
      const headers = { 'content-type': 'application/json', etag };
      if (isKnown(request, etag)) return { status: 304, headers, body: Buffer.alloc(0) };
      return { status: 200, headers, body };
    }
    const path = rest.join('/');
    const document = version === 'v3' ? await source.document(path) : undefined;
    if (!document) throw resourceNotServed();
    if (openApiForm(request, ['json']) === undefined) return notAcceptable();
    const hash = request.query.get('hash') ?? '';
    if (hash === '') return compressed(request, document);
    if (`"${hash}"` !== document.etag) {
      const location = `/openapi/v3/${path}?hash=${document.etag.slice(1, -1)}`;
      return { status: 301, headers: { location, vary: 'Accept' }, body: Buffer.alloc(0) };
    }
    // The hash in the query (from the index) lets clients keep the document for ever.
    const expires = new Date(this.#options.clock.now() + YEAR_MS).toUTCString();
    const answer = compressed(request, document);
    return { ...answer, headers: { ...answer.headers, 'cache-control': 'public, immutable', expires } };
  }
}

const YEAR_MS = 365 * 24 * 3600 * 1000;

function compressed(request: Request, { gzip, etag }: OpenApiDocument, type = 'application/json'): Response {
  const headers = { 'content-type': type, etag, vary: 'Accept-Encoding, Accept' };
  if (isKnown(request, etag)) return { status: 304, headers, body: Buffer.alloc(0) };
  if (acceptsGzip(request.headers['accept-encoding'])) {
    return { status: 200, headers: { ...headers, 'content-encoding': 'gzip' }, body: gzip };
  }
  return { status: 200, headers, body: gunzipSync(gzip) };
}

/** `If-None-Match` holds this tag (RFC 9110 §13.1.2: compared weakly). */
function isKnown({ headers }: Request, etag: string): boolean {
  const known = headers['if-none-match'];
  if (known === undefined) return false;
  return known.split(',').some(tag => ['*', etag].includes(tag.trim().replace(/^W\//, '')));
}

/** As kube-openapi refuses: without a body. */
const notAcceptable = (): Response => ({ status: 406, headers: { vary: 'Accept' }, body: Buffer.alloc(0) });

const PROTOBUF_V2 = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/** What names a form; clients before 2022 write `@` in the protobuf's. */
const formOf: Readonly<Record<string, string>> = {
  'application/json': 'json',
  [PROTOBUF_V2]: PROTOBUF_V2,
  [PROTOBUF_V2.replace('v2.v1', 'v2@v1')]: PROTOBUF_V2,
};

/** The offered form the client likes best (`q`); of an open question the first offered. */
function openApiForm({ headers }: Request, offered: readonly string[]): string | undefined {
  const clauses = (headers.accept || '*/*').split(',').map(clause => {
    const [type = '', ...parameters] = clause.split(';').map(part => part.trim().toLowerCase());
    const q = Number(parameters.find(parameter => parameter.startsWith('q='))?.slice(2) ?? 1);
    return { type, q: Number.isNaN(q) ? 1 : q };
  });
  for (const { type } of clauses.sort((a, b) => b.q - a.q)) {
    if (type === '*/*' || type === 'application/*') return offered[0];
    const form = formOf[type];
    if (form !== undefined && offered.includes(form)) return form;
  }
  return undefined;
}

/** In which encoding the aggregated form is asked for; undefined: not at all. Named anywhere in `Accept`, it is preferred. */
function aggregatedForm({ headers }: Request): Encoding | undefined {
  for (const clause of (headers.accept ?? '').split(',')) {
    const [type = '', ...parameters] = clause.split(';').map(part => part.trim());
    const wanted = ['g=apidiscovery.k8s.io', 'v=v2', 'as=APIGroupDiscoveryList'];
    if (!wanted.every(parameter => parameters.includes(parameter))) continue;
    for (const encoding of ['json', 'yaml', 'protobuf'] as const) {
      if (type === contentTypes[encoding] || type === '*/*' || type === 'application/*') return encoding;
    }
  }
  return undefined;
}

/**
 * `nodes/NAME/proxy`, `pods/NAME/proxy` and `services/NAME/proxy`: the request as it is, to the kubelet, the pod or an endpoint of the
 * service, and its answer back (upstream: apimachinery's `util/proxy`). Requests are authorized by now.
 *
 * Always true: the client's credentials go no further than this server; a connection serves one request.
 */
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import type { Endpoints, Node, Pod, Service } from '../../api/generated/types/core.v1.ts';
import type { EndpointSlice } from '../../api/generated/types/discovery.v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { findResource, type ResourceInfo } from '../../api/resources.ts';
import { notFound, resourceNotServed } from '../../api/status.ts';
import type { Request, Response, UpgradeHandler } from '../../lib/exchange.ts';
import { join, refuseUpgrade, requestUpgrade } from '../../lib/upgrade.ts';
import type { Context } from '../context.ts';
import { keyOf, prefixOf } from '../keys.ts';
import type { Tunnels } from '../kubelet/tunnels.ts';
import { deserialize } from '../serialized.ts';
import { connect, unreachable } from './connect.ts';
import { rewriteHtml, rewriteUrl, type Through } from './rewrite.ts';
import { nodeTarget, podTarget, serviceTarget, splitName, type Target } from './target.ts';

/** Larger pages are passed on with the links they have. */
const MAX_HTML_BYTES = 8 * 1024 * 1024;
/** Of this connection only (RFC 9110 §7.6.1), and what must stay here. */
const HOP_BY_HOP = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);
const OURS = new Set(['authorization', 'host', 'content-length']);

async function read<T>(
  context: Context,
  resource: ResourceInfo,
  namespace: string,
  name: string,
): Promise<T | undefined> {
  const found = await context.parts.store.get(keyOf(resource, namespace, name));
  return found && (deserialize(found.value, found.modRevision) as unknown as T);
}

function infoOf(group: string, resource: string): ResourceInfo {
  const info = findResource(group, 'v1', resource);
  if (!info) throw resourceNotServed();
  return info;
}

async function slicesOf(context: Context, namespace: string, service: string): Promise<EndpointSlice[]> {
  const prefix = prefixOf(infoOf('discovery.k8s.io', 'endpointslices'), namespace);
  const { items } = await context.parts.store.range({ prefix });
  return items
    .map(({ value, modRevision }) => deserialize(value, modRevision))
    .filter(
      ({ metadata }: KubeObject) => metadata.labels?.['kubernetes.io/service-name'] === service,
    ) as unknown[] as EndpointSlice[];
}

/** @throws StatusError 400, 404, 503 */
async function targetOf(context: Context): Promise<Target> {
  const { info, resource } = context;
  if (resource.resource === 'nodes') {
    const asked = splitName(info.name, 'node');
    const node = await read<Node>(context, resource, '', asked.name);
    if (!node) throw notFound(resource, asked.name);
    return nodeTarget(asked, node);
  }
  if (resource.resource === 'pods') {
    const asked = splitName(info.name, 'pod');
    const pod = await read<Pod>(context, resource, info.namespace, asked.name);
    if (!pod) throw notFound(resource, asked.name);
    return podTarget(asked, pod);
  }
  const asked = splitName(info.name, 'service');
  const service = await read<Service>(context, resource, info.namespace, asked.name);
  if (!service) throw notFound(resource, asked.name);
  const slices = await slicesOf(context, info.namespace, asked.name);
  const endpoints = await read<Endpoints>(context, infoOf('', 'endpoints'), info.namespace, asked.name);
  return serviceTarget(asked, service, slices, endpoints);
}

/** The path behind `…/proxy` with its query; empty for `…/proxy` itself. */
function pathBehind({ info, request }: Context): { readonly prefix: string; readonly path: string } {
  const { path } = request;
  const slash = path.endsWith('/') ? '/' : '';
  const rest = info.rest === '' ? slash : `/${info.rest}${slash}`;
  return { prefix: path.slice(0, path.length - rest.length), path: rest };
}

const queryOf = ({ query }: Request): string => (query.size > 0 ? `?${query}` : '');

/** What is passed on of the client's headers. */
function passedHeaders({ request }: Context, prefix: string, path: string): Record<string, string> {
  const { headers, remoteAddress } = request;
  const named = new Set((headers.connection ?? '').toLowerCase().split(/\s*,\s*/));
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const stays = name.startsWith(':') || HOP_BY_HOP.has(name) || OURS.has(name) || named.has(name);
    if (value !== undefined && !stays && !name.startsWith('impersonate-')) passed[name] = value;
  }
  const host = hostOf(request);
  return {
    ...passed,
    host,
    'x-forwarded-for': [headers['x-forwarded-for'], remoteAddress].filter(Boolean).join(', '),
    'x-forwarded-uri': `${prefix}${path}`,
    'x-forwarded-host': host,
    'x-forwarded-proto': 'https',
  };
}

const hostOf = ({ headers }: Request): string => headers.host ?? headers[':authority'] ?? '';

export async function proxyRequest(tunnels: Tunnels, context: Context): Promise<Response> {
  const { request } = context;
  const target = await targetOf(context);
  const { prefix, path } = pathBehind(context);
  if (path === '' && (request.method === 'GET' || request.method === 'HEAD')) {
    const headers = { location: `${request.path}/${queryOf(request)}` };
    return { status: 301, headers, body: Buffer.alloc(0) };
  }
  const connection = await connect(tunnels, target);
  const sent = http.request({
    method: request.method,
    path: `${path === '' ? '/' : path}${queryOf(request)}`,
    headers: { ...passedHeaders(context, prefix, path), connection: 'close', ...framing(request) },
    signal: request.signal,
    createConnection: () => connection,
  });
  try {
    // As upstream, the answer has all the time the client gives it: when he leaves, the signal ends this.
    if (request.bodyStream) request.bodyStream.pipe(sent);
    else sent.end(request.body);
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    // From here on it is the answer that reports a broken connection.
    sent.on('error', () => undefined);
    return await answered(answer, { prefix, host: hostOf(request) });
  } catch (error) {
    connection.destroy();
    throw unreachable(error);
  }
}

/** How the other side learns where the body ends. */
function framing({ method, headers, body, bodyStream }: Request): Record<string, string | number> {
  if (!bodyStream) {
    return body.length > 0 || /^(?:POST|PUT|PATCH)$/.test(method) ? { 'content-length': body.length } : {};
  }
  const length = headers['content-length'];
  return length === undefined ? { 'transfer-encoding': 'chunked' } : { 'content-length': length };
}

async function answered(answer: IncomingMessage, through: Through): Promise<Response> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value === undefined || HOP_BY_HOP.has(name) || name === 'set-cookie') continue;
    headers[name] = typeof value === 'string' ? value : value.join(', ');
  }
  const cookies = answer.headers['set-cookie'];
  const status = answer.statusCode ?? 502;
  const common = { status, headers, ...(cookies ? { cookies } : {}) };
  if (headers.location !== undefined) headers.location = rewriteUrl(headers.location, through);
  const isHtml = /^text\/html(?:;|$)/i.test(headers['content-type'] ?? '');
  const encoding = headers['content-encoding'] ?? '';
  if (headers.location !== undefined || !isHtml || !isDecoded(encoding)) return { ...common, body: answer };
  const { start, rest } = await beginning(answer, MAX_HTML_BYTES);
  const html = rest ? undefined : await decoded(start, encoding);
  if (html === undefined) return { ...common, body: rest ?? start };
  delete headers['content-encoding'];
  delete headers['content-length'];
  return { ...common, body: Buffer.from(rewriteHtml(html, through)) };
}

const decoders = { gzip: gunzip, deflate: inflate } as const;
const isDecoded = (encoding: string): encoding is '' | keyof typeof decoders => encoding === '' || encoding in decoders;

/** The whole of `answer`, or with `rest` all of it again where it is larger than `maxBytes`. */
async function beginning(
  answer: IncomingMessage,
  maxBytes: number,
): Promise<{ readonly start: Buffer; readonly rest?: AsyncIterable<Buffer> }> {
  const chunks: Buffer[] = [];
  let size = 0;
  const iterator: AsyncIterator<Buffer> = answer[Symbol.asyncIterator]();
  while (size <= maxBytes) {
    const { done, value } = await iterator.next();
    if (done) return { start: Buffer.concat(chunks, size) };
    chunks.push(value);
    size += value.length;
  }
  async function* again(): AsyncGenerator<Buffer> {
    try {
      yield* chunks;
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
    } finally {
      answer.destroy();
    }
  }
  return { start: Buffer.alloc(0), rest: again() };
}

/** The page as text; undefined where it is not what it says, or too large. */
async function decoded(raw: Buffer, encoding: '' | keyof typeof decoders): Promise<string | undefined> {
  if (encoding === '' || raw.length === 0) return raw.toString('utf8');
  try {
    return (await promisify(decoders[encoding])(raw, { maxOutputLength: MAX_HTML_BYTES })).toString('utf8');
  } catch {
    return undefined;
  }
}

/** WebSockets and every other upgrade: once the other side has switched, bytes are copied. */
export async function proxyUpgrade(
  tunnels: Tunnels,
  context: Context,
  ...[request, socket, head]: Parameters<UpgradeHandler>
): Promise<void> {
  const target = await targetOf(context);
  const { prefix, path } = pathBehind(context);
  const connection = await connect(tunnels, target);
  socket.once('close', () => connection.destroy());
  const answer = await requestUpgrade(connection, {
    method: request.method,
    path: `${path === '' ? '/' : path}${queryOf(request)}`,
    host: hostOf(request),
    headers: { ...passedHeaders(context, prefix, path), upgrade: request.headers.upgrade },
  }).catch(error => {
    throw unreachable(error);
  });
  if (!answer.upgraded) {
    refuseUpgrade(socket, answer.status, jsonOr(answer.body));
    return;
  }
  if (head.length > 0) answer.socket.write(head);
  socket.write(Buffer.concat([Buffer.from(answer.head), answer.first]));
  join(socket, answer.socket);
}

function jsonOr(body: Buffer): unknown {
  const text = body.toString('utf8');
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

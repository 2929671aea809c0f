/**
 * The generic API server: one {@link Handler} and one {@link UpgradeHandler}, fed by the TLS front end (`http.ts`) and by the
 * in-process clients. The path of a request is `answer` below, top to bottom.
 */
import type { Duplex } from 'node:stream';
import type { ResourceInfo } from '../api/resources.ts';
import { badRequest, forbidden, methodNotServed, resourceNotServed, StatusError, statusOf } from '../api/status.ts';
import type { Clock } from '../lib/clock.ts';
import type { Handler, Request, Response, UpgradeHandler, User } from '../lib/exchange.ts';
import type { Logger } from '../lib/log.ts';
import { MetricRegistry } from '../lib/metrics.ts';
import type { Pki } from '../lib/pki.ts';
import { refuseUpgrade } from '../lib/upgrade.ts';
import { type Store, StoreClosedError } from '../store/store.ts';
import { type AdmissionOptions, builtInAdmission } from './admission/plugins.ts';
import { Allocations, type NodePorts } from './allocation/services.ts';
import { answerError } from './answer.ts';
import type { AuditedRequest, Auditor } from './audit/auditor.ts';
import { type Authenticated, authenticator } from './authentication/authenticate.ts';
import { bootstrapTokens } from './authentication/bootstrapTokens.ts';
import { impersonated } from './authentication/impersonate.ts';
import { jsonWebKeys, signingKey, verificationKey } from './authentication/jwt.ts';
import { LegacyTokenUse } from './authentication/legacyTokenUse.ts';
import { type SecretTokenFor, ServiceAccountTokens } from './authentication/serviceAccount.ts';
import { type StaticTokens, staticTokens } from './authentication/staticTokens.ts';
import { tokenAuthenticators } from './authentication/tokens.ts';
import {
  type Attributes,
  type AuthorizationMode,
  type Authorizer,
  alwaysAllow,
  alwaysDeny,
  authorizationModes,
  authorizerChain,
  masters,
  refusalText,
} from './authorization/authorizer.ts';
import { Bindings } from './authorization/bindings.ts';
import { ensurePolicy } from './authorization/bootstrap/ensure.ts';
import { builtInRules } from './authorization/builtIn.ts';
import { nodeAuthorizer } from './authorization/node.ts';
import { NodeReferences } from './authorization/nodeReferences.ts';
import { NodeVolumes } from './authorization/nodeVolumes.ts';
import { rbacAuthorizer } from './authorization/rbac.ts';
import { advertise, bootstrap, publishClientCa } from './bootstrap.ts';
import type { Parts } from './context.ts';
import { Catalog } from './customResources/catalog.ts';
import { contextOf, dispatch, readPod } from './dispatch.ts';
import { Discovery } from './endpoints/discovery.ts';
import { answerHealth, type HealthCheck } from './endpoints/health.ts';
import { HealthMetrics } from './endpoints/healthMetrics.ts';
import { Join } from './endpoints/join.ts';
import { apiServerUser } from './internal.ts';
import { prefixOf } from './keys.ts';
import { podLog, podStream } from './kubelet/proxy.ts';
import { Tunnels } from './kubelet/tunnels.ts';
import { isMutating, isServed, requestLabels } from './metricLabels.ts';
import { labelsOf, Metrics, type Sized } from './metrics.ts';
import { Mirrors } from './mirrors.ts';
import { ObjectCounts } from './objectCounts.ts';
import { parseRequestInfo, type RequestInfo } from './requestInfo.ts';
import { measuredStore } from './storeMetrics.ts';
import { warningHeader } from './warnings.ts';
import { WatchHub } from './watch/hub.ts';

export interface ApiServerOptions {
  readonly store: Store;
  readonly pki: Pick<Pki, 'serverCa' | 'clientCa' | 'serviceAccountKey'>;
  readonly logger: Logger;
  readonly clock: Clock;
  /** `10.43.0.0/16` */
  readonly serviceCidr: string;
  /** Ports of NodePort services; default 30000-32767. */
  readonly nodePorts?: NodePorts;
  /** `iss` of service-account tokens, and the only audience unless others are given. */
  readonly issuer: string;
  /** Issuers of before, whose tokens are still good. */
  readonly formerIssuers?: readonly string[];
  readonly audiences?: readonly string[];
  /** Where the keys of tokens are, for others; below the issuer unless given. */
  readonly jwksUri?: string;
  /** Of tokens that are asked for. Default: a year. */
  readonly maxTokenSeconds?: number;
  /** Default true: tokens of pods' volumes live a year. */
  readonly extendTokens?: boolean;
  /** Default true: Secrets of the type `bootstrap.kubernetes.io/token` are credentials. */
  readonly bootstrapTokens?: boolean;
  /** Who decides, in this order, after `system:masters`. Default: Node, RBAC. */
  readonly authorizationModes?: readonly AuthorizationMode[];
  /** Who may come with a token of a file. */
  readonly staticTokens?: StaticTokens;
  /** Writes requests down; unset: nothing is, and it costs nothing. */
  readonly auditor?: Auditor;
  /** False: every request needs credentials. Default true: who has none is `system:anonymous`. */
  readonly anonymous?: boolean;
  /** The secret part of the node token; undefined: no node can join. */
  readonly nodeSecret?: string;
  /** Another secret nodes may join with. */
  readonly agentSecret?: string | undefined;
  /** Where pods and clients find this server. `address` undefined: the host has none (yet), see {@link ApiServer.advertise}. */
  readonly advertised: { readonly address: string | undefined; readonly port: number };
  /** The agents' tunnels; by default the server makes its own. */
  readonly tunnels?: Tunnels;
  readonly version: Version;
  /** Which admission plugins are on besides or instead of upstream's, and what pod security is where namespaces say nothing. */
  readonly admission?: AdmissionOptions | undefined;
  /** Checks of other parts of this process, for `/readyz`. */
  readonly checks?: readonly HealthCheck[];
  /** `scheduler` and `controller-manager` where they run in this process, for ComponentStatuses. */
  readonly components?: readonly HealthCheck[];
  /** Metrics of other parts of this process, in Prometheus' text format, for `/metrics`. */
  readonly moreMetrics?: () => string;
}

/** `/version`: https://pkg.go.dev/k8s.io/apimachinery/pkg/version#Info */
export interface Version {
  /** `v1.36.4+atoll0.1.0` */
  readonly gitVersion: string;
  readonly gitCommit?: string;
  readonly buildDate?: string;
}

export interface ApiServer {
  readonly handler: Handler;
  readonly upgrade: UpgradeHandler;
  readonly tunnels: Tunnels;
  /** What `/metrics` tells besides requests: other parts of this process put theirs here. */
  readonly metrics: MetricRegistry;
  /** Resolves when the cluster's own objects are there; `/readyz` fails until then. */
  readonly ready: Promise<void>;
  /** The host's address has changed. */
  advertise(address: string): Promise<void>;
  /** A token for a Secret of the type `kubernetes.io/service-account-token`; good while it stands there. */
  issueSecretToken(of: SecretTokenFor): string;
  /** Ends watches and tunnels. The store is the caller's to close. */
  close(): void;
}

export function createApiServer(options: ApiServerOptions): ApiServer {
  const { clock, logger, pki } = options;
  const startedMs = clock.now();
  const registry = new MetricRegistry();
  const store = measuredStore(options.store, registry);
  const health = new HealthMetrics();
  const mirrors = new Mirrors(store);
  const references = new NodeReferences(store);
  const bindings = new Bindings(store);
  const tokens = new ServiceAccountTokens({
    store,
    clock,
    issuer: options.issuer,
    formerIssuers: options.formerIssuers ?? [],
    audiences: options.audiences ?? [options.issuer, ...(options.formerIssuers ?? [])],
    ...(options.maxTokenSeconds === undefined ? {} : { maxLifetimeSeconds: options.maxTokenSeconds }),
    extendLifetime: options.extendTokens ?? true,
    metrics: registry,
    onSecretUsed: (...used) => legacyUse.record(...used),
    signing: signingKey(pki.serviceAccountKey.privateKeyPem),
    verification: [verificationKey(pki.serviceAccountKey.publicKeyPem)],
  });
  const bearer = tokenAuthenticators([
    tokens,
    ...(options.bootstrapTokens === false ? [] : [bootstrapTokens({ store, clock, audiences: tokens.audiences })]),
    ...(options.staticTokens ? [staticTokens(options.staticTokens, tokens.audiences)] : []),
  ]);
  const authenticate = authenticator({ tokens: bearer, anonymous: options.anonymous ?? true });
  const modes: Readonly<Record<AuthorizationMode, () => Authorizer>> = {
    Node: () => nodeAuthorizer(references, new NodeVolumes(store, references)),
    RBAC: () => rbacAuthorizer(bindings),
    AlwaysAllow: () => alwaysAllow,
    AlwaysDeny: () => alwaysDeny,
  };
  const authorizer: Authorizer = authorizerChain([
    masters,
    builtInRules,
    ...(options.authorizationModes ?? authorizationModes.slice(0, 2)).map(mode => modes[mode]()),
  ]);
  const catalog = new Catalog(store, logger);
  const storeCheck: HealthCheck = {
    name: 'store',
    check: () => store.get('/registry/core/namespaces/default').then(() => ''),
  };
  const ownTunnels = options.tunnels === undefined;
  const tunnels = options.tunnels ?? new Tunnels({ logger });
  const parts: Parts = {
    store,
    catalog,
    clock,
    logger,
    mirrors,
    admission: builtInAdmission({ mirrors, store, clock, authorizer, bindings, metrics: registry }, options.admission),
    authorizer,
    bindings,
    tokens,
    bearer,
    services: new Allocations(mirrors, options.serviceCidr, options.nodePorts),
    watches: new WatchHub(clock),
    tunnels,
    components: [...(options.components ?? []), { ...storeCheck, name: 'etcd-0' }],
  };
  const legacyUse = new LegacyTokenUse(parts, apiServerUser);
  const metrics = new Metrics();
  const measured = {
    store,
    watches: parts.watches,
    objects: new ObjectCounts(store, clock, () => catalog.resources()),
    startedMs,
    gitVersion: options.version.gitVersion,
    registry,
  };
  catalog.onGone(gone => {
    metrics.forget(gone);
    parts.watches.forget(labelsOf(gone));
    measured.objects.forget();
    const others = catalog
      .resources()
      .some(({ group, resource }) => group === gone.group && resource === gone.resource);
    if (!others) store.forgetType(prefixOf(gone, ''));
  });
  const discovery = new Discovery({
    catalog,
    clock,
    serverAddress: `${options.advertised.address ?? '127.0.0.1'}:${options.advertised.port}`,
    openApi: async () => {
      const { OpenApi } = await import('./customResources/openapi.ts');
      const info = { title: 'Kubernetes', version: options.version.gitVersion };
      return new OpenApi({ catalog, store, clock, info });
    },
  });
  const serverCaPem = pki.serverCa.certificatePem;
  const { nodeSecret, agentSecret } = options;
  const join = new Join({ parts, clientCa: pki.clientCa, serverCaPem, nodeSecret, agentSecret });

  let bootstrapped = false;
  let rolesThere = false;
  let restOfPolicy: (() => Promise<void>) | undefined;
  let closed = false;
  const ready = Promise.all([
    catalog.ready(),
    parts.services
      .start()
      .then(() => bootstrap(parts, apiServerUser, options.advertised))
      .then(() => publishClientCa(parts, apiServerUser, pki.clientCa.certificatePem))
      .then(() => {
        bootstrapped = true;
      }),
    ensurePolicy(store, clock).then(rest => {
      rolesThere = true;
      restOfPolicy = rest;
    }),
  ]).then(() => undefined);
  ready
    .then(() => restOfPolicy?.())
    .catch(error => {
      if (!closed) logger.error({ err: error }, "the cluster's own objects could not be made; /readyz says so");
    });

  const alive: readonly HealthCheck[] = [{ name: 'ping', check: () => '' }, storeCheck];
  const readiness: readonly HealthCheck[] = [
    ...alive,
    {
      name: 'poststarthook/bootstrap',
      check: () => (bootstrapped ? '' : 'the own objects of the cluster are not there yet'),
    },
    {
      name: 'poststarthook/rbac/bootstrap-roles',
      check: () => (rolesThere ? '' : 'the bootstrap roles are not there yet'),
    },
    { name: 'shutdown', check: () => (closed ? 'the server is shutting down' : '') },
    ...(options.checks ?? []),
  ];

  /** Everything that is no resource. */
  async function answerPath(request: Request, user: User): Promise<Response> {
    const { path, method } = request;
    const [, first = ''] = path.split('/');
    if (path === '/v1-atoll/certificates') {
      if (method !== 'POST') throw new StatusError(405, 'MethodNotAllowed', 'join with POST');
      return join.answer(request);
    }
    if (method !== 'GET' && method !== 'HEAD') throw notForWriting(path);
    switch (first) {
      case 'livez':
        return answerHealth(request, first, alive, logger, health);
      case 'healthz':
        return answerHealth(request, first, alive, logger, health);
      case 'readyz':
        return answerHealth(request, first, readiness, logger, health);
      case 'version':
        return pretty(versionInfo(options.version));
      case 'metrics':
        if (path === '/metrics/slis') return text(health.text(), METRICS_TYPE);
        return {
          status: 200,
          headers: { 'content-type': METRICS_TYPE, 'cache-control': 'no-cache, private' },
          body: await metrics.chunks(measured, () => options.moreMetrics?.() ?? ''),
          large: true,
        };
      case 'cacerts':
        return text(serverCaPem, 'application/x-pem-file');
      case '.well-known':
        if (isPath(path, '/.well-known/openid-configuration'))
          return cacheable(json(openIdConfiguration(tokens, options.jwksUri)));
        break;
      case 'openid':
        if (!isPath(path, '/openid/v1/jwks')) break;
        return cacheable(json(jsonWebKeys(tokens.verificationKeys), 'application/jwk-set+json'));
      case 'v1-atoll':
        if (path === '/v1-atoll/connect') throw badRequest('a tunnel is a WebSocket: Upgrade request required');
        break;
      case '':
        return pretty({ paths: rootPathsOf(catalog.resources(), alive, readiness) });
    }
    const found = await discovery.answer(request);
    if (found) return found;
    logger.debug({ path, user: user.name }, 'not found');
    return text('404 page not found\n', 'text/plain; charset=utf-8', 404);
  }

  /** The request path. */
  async function answer(request: Request, info: RequestInfo): Promise<Response> {
    if (options.auditor) return auditedAnswer(options.auditor, request, info);
    const asking = await authenticate(request);
    return warned(asking, answerTo(asking, request, info));
  }

  async function auditedAnswer(auditor: Auditor, request: Request, info: RequestInfo): Promise<Response> {
    const asking = await authenticate(request).catch((error: unknown) => {
      auditor.begin(request, info, undefined)?.failed(error);
      throw error;
    });
    const audited = auditor.begin(request, info, asking.user);
    noteIn(audited, asking);
    try {
      const response = await warned(asking, answerTo(asking, request, info, audited));
      return audited ? audited.answered(response) : response;
    } catch (error) {
      audited?.failed(error);
      throw error;
    }
  }

  /** @param asking who has proved who he is; he may act as somebody else. */
  async function answerTo(
    asking: Authenticated,
    request: Request,
    info: RequestInfo,
    audited?: AuditedRequest,
  ): Promise<Response> {
    const as = await impersonated(request, info, asking.user, authorizer);
    if (as) audited?.impersonates(as);
    const user = as?.user ?? asking.user;
    // Flow control will stand here.
    await authorize(authorizer, request, info, user, audited);
    if (!catalog.isLoaded) await catalog.ready();
    if (!info.isResource) return answerPath(request, user);
    const context = contextOf(parts, request, info, user, audited);
    // Admission stands between the handlers and the store: registry.ts, handlers/delete.ts.
    return dispatch(context, (pod, asked) => podLog(tunnels, pod, asked));
  }

  const served = (info: RequestInfo): boolean => isServed(info, (...of) => catalog.find(...of));

  const handler: Handler = async request => {
    const beganMs = performance.now();
    let info: RequestInfo | undefined;
    const mutating = isMutating(request);
    metrics.begin(mutating);
    try {
      info = infoOf(request);
      const response = await answer(request, info);
      const labels = requestLabels(info, request, served(info));
      const sized = metrics.observe(labels, response.status, durationOf(request, beganMs));
      return sized ? measuredAnswer(response, sized) : response;
    } catch (error) {
      const response = await answerError(request, said(error, request, logger));
      if (info)
        metrics.observe(requestLabels(info, request, served(info)), response.status, durationOf(request, beganMs));
      return response;
    } finally {
      metrics.end(mutating);
    }
  };

  const upgrade: UpgradeHandler = async (request, socket, head) => {
    let audited: AuditedRequest | undefined;
    try {
      if (request.path === '/v1-atoll/connect') return await tunnels.upgrade(request, socket, head);
      const info = infoOf(request);
      const asking = await authenticate(request);
      audited = options.auditor?.begin(request, info, asking.user);
      noteIn(audited, asking);
      const as = await impersonated(request, info, asking.user, authorizer);
      if (as) audited?.impersonates(as);
      const user = as?.user ?? asking.user;
      await authorize(authorizer, request, info, user, audited);
      if (!info.isResource) throw resourceNotServed();
      const context = contextOf(parts, request, info, user, audited);
      const { subresource } = info;
      if (info.verb === 'watch' || subresource === 'log') {
        const response = await dispatch(context, (pod, asked) => podLog(tunnels, pod, asked));
        const { logOverWebSocket, watchOverWebSocket } = await import('./watch/webSocket.ts');
        const send = info.verb === 'watch' ? watchOverWebSocket : logOverWebSocket;
        if (audited) endsWith(socket, audited);
        return await send(request, response, socket, head);
      }
      if (subresource === 'proxy') {
        const { proxyUpgrade } = await import('./proxy/proxy.ts');
        if (audited) endsWith(socket, audited);
        return await proxyUpgrade(tunnels, context, request, socket, head);
      }
      if (info.group !== '' || info.resource !== 'pods' || !isStream(subresource))
        throw badRequest('this request cannot be upgraded');
      const pod = await readPod(context);
      if (audited) endsWith(socket, audited);
      await podStream(tunnels, pod, subresource, request, socket, head);
    } catch (error) {
      audited?.failed(error);
      const status = statusOf(said(error, request, logger));
      refuseUpgrade(socket, status.code, status);
    }
  };

  return {
    handler,
    upgrade,
    tunnels,
    metrics: registry,
    ready,
    issueSecretToken: of => tokens.issueForSecret(of),
    advertise: address => advertise(parts, apiServerUser, { ...options.advertised, address }),
    close() {
      closed = true;
      parts.watches.close();
      mirrors.close();
      references.close();
      catalog.close();
      bindings.close();
      if (ownTunnels) tunnels.close();
    },
  };
}

/** Whatever the answer is, good or bad, it warns of how somebody came. */
function warned({ notes }: Authenticated, answer: Promise<Response>): Promise<Response> {
  return notes?.warning === undefined ? answer : withWarning(warningHeader([notes.warning]), answer);
}

async function withWarning(warning: string, answer: Promise<Response>): Promise<Response> {
  try {
    const response = await answer;
    const { warning: others } = response.headers;
    return { ...response, headers: { ...response.headers, warning: others ? `${warning}, ${others}` : warning } };
  } catch (error) {
    if (error instanceof StatusError) {
      const { warning: others } = error.headers;
      error.headers = { ...error.headers, warning: others ? `${warning}, ${others}` : warning };
    }
    throw error;
  }
}

function noteIn(audited: AuditedRequest | undefined, { notes }: Authenticated): void {
  for (const [key, value] of Object.entries(notes?.annotations ?? {})) audited?.annotate(key, value);
}

/**
 * Undefined of what is read within this process: the caches of the controllers list every kind there is, once, and a histogram of
 * each would be most of `/metrics`. `rest_client_request_duration_seconds` has them together.
 */
function durationOf(request: Request, beganMs: number): number | undefined {
  return request.user && !isMutating(request) ? undefined : performance.now() - beganMs;
}

/** Tells how large the answer was when it has been sent. */
function measuredAnswer(response: Response, sized: Sized): Response {
  const { body } = response;
  if (!(Symbol.asyncIterator in body)) {
    sized(body.length);
    return response;
  }
  const counted: AsyncIterable<Buffer> = {
    [Symbol.asyncIterator]() {
      const chunks = body[Symbol.asyncIterator]();
      let bytes = 0;
      return {
        async next(done?: Buffer) {
          const result = await chunks.next(done);
          if (result.done) sized(bytes);
          else bytes += result.value.length;
          return result;
        },
        // Whoever leaves, or never begins, is heard of by what makes the chunks.
        return: async value => (await chunks.return?.(value)) ?? { done: true, value },
      };
    },
  };
  return { ...response, body: counted };
}

async function authorize(
  authorizer: Authorizer,
  request: Request,
  info: RequestInfo,
  user: User,
  audited: AuditedRequest | undefined,
): Promise<void> {
  const attributes: Attributes = { ...info, user, fieldSelector: request.query.get('fieldSelector') ?? '' };
  const decision = await authorizer.authorize(attributes);
  audited?.decided(decision.opinion, decision.reason);
  if (decision.opinion === 'allow') return;
  const { reason } = decision;
  const text = refusalText(attributes);
  const of = info.isResource ? info : { group: '', resource: '' };
  throw forbidden(of, info.name, reason === '' ? text : `${text}: ${reason}`);
}

/** The connection is the client's from here on. */
function endsWith(socket: Duplex, audited: AuditedRequest): void {
  audited.upgraded();
  socket.once('close', () => audited.ended());
}

function infoOf(request: Request): RequestInfo {
  try {
    return parseRequestInfo(request);
  } catch {
    throw badRequest('the path is not valid percent-encoding');
  }
}

/** What an unexpected error is to the client; the log gets the rest. */
function said(error: unknown, request: Request, logger: Logger): unknown {
  if (error instanceof StatusError) return error;
  if (error instanceof StoreClosedError)
    return new StatusError(503, 'ServiceUnavailable', 'the server is shutting down');
  logger.error({ err: error, method: request.method, path: request.path }, 'a request failed unexpectedly');
  return error;
}

const streamNames = ['exec', 'attach', 'portforward'] as const;
const isStream = (name: string): name is (typeof streamNames)[number] =>
  (streamNames as readonly string[]).includes(name);

/** Of a path that is only read, or of a method nobody has: RFC 9110 §15.5.6. */
function notForWriting(path: string): StatusError {
  const isApi = /^\/apis?\/[^/]+\/[^/]/.test(path);
  if (!isApi && !rootPaths.includes(path)) return resourceNotServed();
  const error = methodNotServed();
  error.headers = { allow: isApi ? 'DELETE, GET, HEAD, PATCH, POST, PUT' : 'GET, HEAD' };
  return error;
}

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const rootPaths = [
  '/.well-known/openid-configuration',
  '/api',
  '/api/v1',
  '/apis',
  '/healthz',
  '/livez',
  '/metrics',
  '/metrics/slis',
  '/openapi/v2',
  '/openapi/v3',
  '/openid/v1/jwks',
  '/readyz',
  '/version',
];

function versionInfo({ gitVersion, gitCommit, buildDate }: Version): Record<string, string> {
  const [, major = '', minor = ''] = /^v(\d+)\.(\d+)/.exec(gitVersion) ?? [];
  return {
    major,
    minor,
    gitVersion,
    gitCommit: gitCommit ?? '',
    gitTreeState: 'clean',
    buildDate: buildDate ?? '1970-01-01T00:00:00Z',
    goVersion: 'none',
    compiler: `node ${process.version}`,
    platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
  };
}

/** Everything there is, for `/`: also each group, each version of it, and each check. */
function rootPathsOf(
  resources: readonly ResourceInfo[],
  alive: readonly HealthCheck[],
  readiness: readonly HealthCheck[],
): string[] {
  const checks = [
    ...alive.flatMap(({ name }) => [`/healthz/${name}`, `/livez/${name}`]),
    ...readiness.map(({ name }) => `/readyz/${name}`),
  ];
  const groups = resources.flatMap(({ group, version }) =>
    group === '' ? [] : [`/apis/${group}`, `/apis/${group}/${version}`],
  );
  return [...new Set([...rootPaths, ...checks, ...groups])].sort();
}

/** With or without a slash at its end. */
const isPath = (path: string, wanted: string): boolean => path === wanted || path === `${wanted}/`;

/** Keys change seldom (as upstream says it). */
const cacheable = (response: Response): Response => ({
  ...response,
  headers: { ...response.headers, 'cache-control': 'public, max-age=3600' },
});

function openIdConfiguration(
  { issuer }: ServiceAccountTokens,
  jwksUri = `${issuer.replace(/\/$/, '')}/openid/v1/jwks`,
): object {
  return {
    issuer,
    jwks_uri: jwksUri,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  };
}

/** For people, whoever asks: as upstream writes these. */
const pretty = (value: object): Response => text(JSON.stringify(value, null, 2), 'application/json');

const json = (value: object, type = 'application/json'): Response => text(JSON.stringify(value), type);

const text = (content: string, type: string, status = 200): Response => ({
  status,
  headers: { 'content-type': type, 'cache-control': 'no-cache, private' },
  body: Buffer.from(content),
});

/**
 * Writes down who asked for what and what came of it (`audit.k8s.io/v1` Event, one JSON object a line;
 * https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/).
 */
import { randomUUID } from 'node:crypto';
import { decodeProtobuf, isProtobuf } from '../../api/protobuf.ts';
import { statusOf } from '../../api/status.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Request, Response, User } from '../../lib/exchange.ts';
import type { Impersonation } from '../authentication/impersonate.ts';
import type { RequestInfo } from '../requestInfo.ts';
import { type Decision, evaluator, levels, type Policy, type Stage } from './policy.ts';

const nobody: User = { name: '', groups: [] };

export interface AuditorOptions {
  readonly policy: Policy;
  readonly clock: Clock;
  /** Takes one event. */
  readonly write: (line: string) => void;
}

export interface Auditor {
  /** Undefined: this request is not written down. @param user undefined: it has failed authentication. */
  begin(request: Request, info: RequestInfo, user: User | undefined): AuditedRequest | undefined;
}

export function auditor({ policy, clock, write }: AuditorOptions): Auditor {
  const decide = evaluator(policy);
  return {
    begin(request, info, user) {
      const decision = decide(info, user ?? nobody);
      if (decision.level === 'None') return undefined;
      const audited = new AuditedRequest({ request, info, user, decision, clock, write });
      audited.received();
      return audited;
    },
  };
}

interface Begun {
  readonly request: Request;
  readonly info: RequestInfo;
  readonly user: User | undefined;
  readonly decision: Decision;
  readonly clock: Clock;
  readonly write: (line: string) => void;
}

/** One request on its way: what is learned of it is kept until the next stage is written. */
export class AuditedRequest {
  readonly #begun: Begun;
  readonly #receivedMs: number;
  readonly id: string;
  readonly #annotations: Record<string, string> = {};
  #impersonated: Impersonation | undefined;
  #requestObject: unknown;

  constructor(begun: Begun) {
    this.#begun = begun;
    this.#receivedMs = begun.clock.now();
    this.id = begun.request.headers['audit-id']?.slice(0, 64) || randomUUID();
  }

  received(): void {
    this.#emit('RequestReceived');
    this.#requestObject = this.#readRequest();
  }

  annotate(key: string, value: string): void {
    this.#annotations[key] ??= value;
  }

  impersonates(as: Impersonation): void {
    this.#impersonated = as;
  }

  decided(opinion: string, reason: string): void {
    this.annotate('authorization.k8s.io/decision', opinion === 'allow' ? 'allow' : 'forbid');
    this.annotate('authorization.k8s.io/reason', reason);
  }

  /** Writes the answer down and names this request in it. A stream's end is written when it ends. */
  answered(response: Response): Response {
    const headers = { ...response.headers, 'audit-id': this.id };
    const { body, status } = response;
    if (Buffer.isBuffer(body)) {
      this.#emit('ResponseComplete', { status, body, contentType: response.headers['content-type'] ?? '' });
      return { ...response, headers };
    }
    this.#emit('ResponseStarted', { status });
    return { ...response, headers, body: this.#untilEnd(body, status) };
  }

  failed(error: unknown): void {
    const { code, reason, message, details } = statusOf(error);
    this.#emit('ResponseComplete', { status: code, failure: { status: 'Failure', message, reason, details } });
  }

  /** A connection was handed over: exec, attach, port-forward. */
  upgraded(): void {
    this.#emit('ResponseStarted', { status: 101 });
  }

  ended(): void {
    this.#emit('ResponseComplete', { status: 101 });
  }

  async *#untilEnd(body: AsyncIterable<Buffer>, status: number): AsyncGenerator<Buffer> {
    try {
      yield* body;
    } finally {
      this.#emit('ResponseComplete', { status });
    }
  }

  #emit(stage: Stage, answer?: Answer): void {
    const { request, info, user, decision, clock, write } = this.#begun;
    if (decision.omitStages.has(stage)) return;
    const { level } = decision;
    const withObjects = levels.indexOf(level) >= levels.indexOf('Request');
    const event = {
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level,
      auditID: this.id,
      stage,
      requestURI: uriOf(request),
      verb: info.verb,
      user: userInfo(user ?? nobody),
      ...(this.#impersonated ? { impersonatedUser: userInfo(this.#impersonated.user) } : {}),
      ...(this.#impersonated?.constraint
        ? { authenticationMetadata: { impersonationConstraint: this.#impersonated.constraint } }
        : {}),
      sourceIPs: sourcesOf(request),
      ...(request.headers['user-agent'] ? { userAgent: request.headers['user-agent'] } : {}),
      ...(info.isResource ? { objectRef: referenceOf(info, this.#requestObject) } : {}),
      ...(answer
        ? { responseStatus: { metadata: {}, ...(answer.failure ?? failureIn(answer)), code: answer.status } }
        : {}),
      ...(withObjects && stage !== 'RequestReceived' && this.#requestObject !== undefined
        ? { requestObject: this.#shown(this.#requestObject) }
        : {}),
      ...(level === 'RequestResponse' && answer?.body ? { responseObject: this.#shown(objectIn(answer)) } : {}),
      requestReceivedTimestamp: microTime(this.#receivedMs),
      stageTimestamp: microTime(clock.now()),
      ...(Object.keys(this.#annotations).length > 0 ? { annotations: this.#annotations } : {}),
    };
    write(JSON.stringify(event));
  }

  /** Read before anybody changes anything; of what cannot be read nothing is said. */
  #readRequest(): unknown {
    const { body, headers } = this.#begun.request;
    if (body.length === 0 || !this.#begun.info.isResource) return undefined;
    return read(body, headers['content-type'] ?? '');
  }

  #shown(object: unknown): unknown {
    return this.#begun.decision.omitManagedFields ? withoutManagedFields(object) : object;
  }
}

interface Answer {
  readonly status: number;
  readonly body?: Buffer;
  readonly contentType?: string;
  readonly failure?: object;
}

const objectIn = ({ body, contentType = '' }: Answer): unknown => (body ? read(body, contentType) : undefined);

/** Errors are told at every level. */
function failureIn(answer: Answer): object {
  if (answer.status < 400) return {};
  const said = objectIn(answer) as
    | { kind?: string; status?: string; message?: string; reason?: string; details?: object }
    | undefined;
  if (said?.kind !== 'Status') return {};
  const { status, message, reason, details } = said;
  return { status, message, reason, details };
}

function read(body: Buffer, contentType: string): unknown {
  try {
    if (isProtobuf(body)) return decodeProtobuf(body);
    if (contentType !== '' && !contentType.includes('json') && !contentType.includes('yaml')) return undefined;
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

function withoutManagedFields(object: unknown): unknown {
  if (typeof object !== 'object' || object === null) return object;
  const { metadata, items } = object as { metadata?: object; items?: unknown };
  return {
    ...object,
    ...(metadata ? { metadata: { ...metadata, managedFields: undefined } } : {}),
    ...(Array.isArray(items) ? { items: items.map(withoutManagedFields) } : {}),
  };
}

function referenceOf(info: RequestInfo, object: unknown): object {
  const { metadata } = (typeof object === 'object' && object !== null ? object : {}) as {
    metadata?: { name?: string; namespace?: string; uid?: string; resourceVersion?: string };
  };
  const { resource, group, version, subresource } = info;
  const optional = {
    namespace: info.namespace || metadata?.namespace,
    name: info.name || metadata?.name,
    uid: metadata?.uid,
    apiGroup: group,
    apiVersion: version,
    resourceVersion: metadata?.resourceVersion,
    subresource,
  };
  return { resource, ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value)) };
}

const userInfo = ({ name, uid, groups, extra }: User): object => ({
  ...(name === '' ? {} : { username: name }),
  ...(uid === undefined ? {} : { uid }),
  ...(groups.length > 0 ? { groups } : {}),
  ...(extra && Object.keys(extra).length > 0 ? { extra } : {}),
});

function uriOf({ path, query }: Request): string {
  const search = query.toString();
  return search === '' ? path : `${path}?${search}`;
}

/** The client as proxies tell it, then who is connected. */
function sourcesOf({ headers, remoteAddress }: Request): string[] {
  const peer = remoteAddress === 'in-process' ? '127.0.0.1' : remoteAddress.replace(/^::ffff:/, '');
  const told = (headers['x-forwarded-for'] ?? headers['x-real-ip'] ?? '').split(',').map(address => address.trim());
  return [...new Set([...told.filter(address => address !== ''), peer])];
}

const microTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');

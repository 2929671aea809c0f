/**
 * CRI v1 over a Unix socket: one gRPC channel, a deadline on every call, errors with a code and the call's name.
 *
 * Always true: every method is unary except `events`; nothing here keeps state about pods; `close()` ends the channel
 * and every open stream.
 */
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { Messages, type TypeDescriptor } from '../../lib/protobuf/messages.ts';
import descriptor from './descriptor.json' with { type: 'json' };
import type {
  AuthConfig,
  Calls,
  ContainerConfig,
  ContainerEvent,
  ContainerStats,
  ContainerStatus,
  Image,
  Labels,
  LinuxResources,
  ListedContainer,
  RuntimeStatus,
  Sandbox,
  SandboxConfig,
  SandboxStatus,
} from './types.ts';

/** A failed CRI call. `code` is gRPC's name: `NOT_FOUND`, `UNAVAILABLE`, `DEADLINE_EXCEEDED`… */
export class CriError extends Error {
  readonly code: string;
  readonly call: string;
  constructor(call: string, code: string, details: string) {
    super(details || `${call}: ${code}`);
    this.name = 'CriError';
    this.call = call;
    this.code = code;
  }
}

export function isNotFound(error: unknown): boolean {
  return error instanceof CriError && error.code === 'NOT_FOUND';
}

export function isRuntimeDown(error: unknown): boolean {
  return error instanceof CriError && error.code === 'UNAVAILABLE';
}

/** Options of a call: how long it may take (default {@link DEFAULT_TIMEOUT_MS}), and who may cut it short. */
export interface CallOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Upstream's `--runtime-request-timeout`. */
export const DEFAULT_TIMEOUT_MS = 120_000;
/** Sandboxes and containers are made within this, or the worker tries again. */
const CREATE_TIMEOUT_MS = 240_000;
/** A pull may take long on a slow line; its owner aborts it when the pod goes. */
const PULL_TIMEOUT_MS = 60 * 60_000;
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

interface Method {
  readonly path: string;
  readonly serialize: (request: object) => Buffer;
  readonly deserialize: (answer: Buffer) => object;
}

interface ServiceDescriptor {
  readonly methods?: Readonly<Record<string, { readonly requestType: string; readonly responseType: string }>>;
}

const types: Readonly<Record<string, TypeDescriptor & ServiceDescriptor>> = descriptor.nested.runtime.nested.v1.nested;
const messages = new Messages(types);

function methodOf(name: string): Method {
  for (const service of ['RuntimeService', 'ImageService']) {
    const found = types[service]?.methods?.[name];
    if (!found) continue;
    return {
      path: `/runtime.v1.${service}/${name}`,
      serialize: request => messages.encode(found.requestType, request),
      deserialize: answer => messages.decode(found.responseType, answer),
    };
  }
  throw new Error(`descriptor.json has no CRI method ${name}: add it to runtime/generate/cri.ts`);
}

export class CriClient {
  readonly socket: string;
  readonly #client: Client;
  #imageChanges = 0;

  /** @param socket path of containerd's socket, without scheme. The connection is made on the first call. */
  constructor(socket: string) {
    this.socket = socket;
    this.#client = new Client(`unix:${socket}`, credentials.createInsecure(), {
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
      // containerd restarts in under a second; do not sleep a minute before looking again.
      'grpc.initial_reconnect_backoff_ms': 200,
      'grpc.max_reconnect_backoff_ms': 3000,
      'grpc.enable_http_proxy': 0,
    });
  }

  /** Another number whenever images have come or gone by what this process has done: CRI has no events of images. */
  get imageChanges(): number {
    return this.#imageChanges;
  }

  /** Images have come or gone by other ways than this client's calls. */
  imagesChanged(): void {
    this.#imageChanges += 1;
  }

  call<K extends keyof Calls>(name: K, request: Calls[K][0], options: CallOptions = {}): Promise<Calls[K][1]> {
    const method = methodOf(name);
    return new Promise((resolve, reject) => {
      if (options.signal?.aborted) return reject(new CriError(name, 'CANCELLED', `${name}: cancelled`));
      const call = this.#client.makeUnaryRequest<object, object>(
        method.path,
        method.serialize,
        method.deserialize,
        request,
        new Metadata(),
        { deadline: Date.now() + (options.timeoutMs ?? DEFAULT_TIMEOUT_MS) },
        (error, response) => {
          options.signal?.removeEventListener('abort', cancel);
          if (error) reject(new CriError(name, status[error.code] ?? 'UNKNOWN', error.details));
          else resolve(response as Calls[K][1]);
        },
      );
      const cancel = (): void => call.cancel();
      options.signal?.addEventListener('abort', cancel, { once: true });
    });
  }

  version(options?: CallOptions): Promise<Calls['Version'][1]> {
    return this.call('Version', {}, { timeoutMs: 5000, ...options });
  }

  /** The runtime's conditions `RuntimeReady` and `NetworkReady`. */
  async status(options?: CallOptions): Promise<RuntimeStatus> {
    return (await this.call('Status', {}, { timeoutMs: 5000, ...options })).status ?? { conditions: [] };
  }

  async runPodSandbox(config: SandboxConfig, runtimeHandler = '', options?: CallOptions): Promise<string> {
    const answer = await this.call(
      'RunPodSandbox',
      { config, runtimeHandler },
      { timeoutMs: CREATE_TIMEOUT_MS, ...options },
    );
    return answer.podSandboxId;
  }

  /** Idempotent: stopping what is stopped or gone is no error. */
  async stopPodSandbox(podSandboxId: string): Promise<void> {
    await this.call('StopPodSandbox', { podSandboxId }).catch(ignoreNotFound);
  }

  async removePodSandbox(podSandboxId: string): Promise<void> {
    await this.call('RemovePodSandbox', { podSandboxId }).catch(ignoreNotFound);
  }

  /** `undefined` when there is no such sandbox. */
  async podSandboxStatus(podSandboxId: string): Promise<SandboxStatus | undefined> {
    return (await this.call('PodSandboxStatus', { podSandboxId }).catch(noneIfNotFound))?.status ?? undefined;
  }

  async listPodSandbox(labelSelector: Labels = {}): Promise<Sandbox[]> {
    return (await this.call('ListPodSandbox', { filter: { labelSelector } })).items;
  }

  async createContainer(
    podSandboxId: string,
    config: ContainerConfig,
    sandboxConfig: SandboxConfig,
    options?: CallOptions,
  ): Promise<string> {
    const answer = await this.call(
      'CreateContainer',
      { podSandboxId, config, sandboxConfig },
      { timeoutMs: CREATE_TIMEOUT_MS, ...options },
    );
    return answer.containerId;
  }

  async startContainer(containerId: string): Promise<void> {
    await this.call('StartContainer', { containerId });
  }

  /** The stop signal, `graceSeconds`, then SIGKILL. Resolves when the container is down; gone is down. */
  async stopContainer(containerId: string, graceSeconds: number): Promise<void> {
    const timeoutMs = graceSeconds * 1000 + DEFAULT_TIMEOUT_MS;
    await this.call('StopContainer', { containerId, timeout: Math.ceil(graceSeconds) }, { timeoutMs }).catch(
      ignoreNotFound,
    );
  }

  async removeContainer(containerId: string): Promise<void> {
    await this.call('RemoveContainer', { containerId }).catch(ignoreNotFound);
  }

  async listContainers(labelSelector: Labels = {}): Promise<ListedContainer[]> {
    return (await this.call('ListContainers', { filter: { labelSelector } })).containers;
  }

  /** `undefined` when there is no such container. */
  async containerStatus(containerId: string): Promise<ContainerStatus | undefined> {
    return (await this.call('ContainerStatus', { containerId }).catch(noneIfNotFound))?.status ?? undefined;
  }

  async updateContainerResources(containerId: string, linux: LinuxResources): Promise<void> {
    await this.call('UpdateContainerResources', { containerId, linux });
  }

  async reopenContainerLog(containerId: string): Promise<void> {
    await this.call('ReopenContainerLog', { containerId });
  }

  /** Runs a command to its end. `timeoutSeconds` 0 means no limit but the call's own. */
  execSync(
    containerId: string,
    cmd: readonly string[],
    timeoutSeconds: number,
    options?: CallOptions,
  ): Promise<Calls['ExecSync'][1]> {
    const timeoutMs = timeoutSeconds > 0 ? timeoutSeconds * 1000 + 10_000 : DEFAULT_TIMEOUT_MS;
    return this.call('ExecSync', { containerId, cmd, timeout: timeoutSeconds }, { timeoutMs, ...options });
  }

  /** A URL at containerd's streaming server. */
  async exec(request: Calls['Exec'][0]): Promise<string> {
    return (await this.call('Exec', request)).url;
  }

  async attach(request: Calls['Attach'][0]): Promise<string> {
    return (await this.call('Attach', request)).url;
  }

  async portForward(podSandboxId: string, port: number[]): Promise<string> {
    return (await this.call('PortForward', { podSandboxId, port })).url;
  }

  async containerStats(containerId: string): Promise<ContainerStats | undefined> {
    return (await this.call('ContainerStats', { containerId }).catch(noneIfNotFound))?.stats ?? undefined;
  }

  async listContainerStats(podSandboxId = ''): Promise<ContainerStats[]> {
    return (await this.call('ListContainerStats', { filter: { podSandboxId } })).stats;
  }

  /** `undefined` when the node does not have it. */
  async imageStatus(image: string): Promise<Image | undefined> {
    return (await this.call('ImageStatus', { image: { image } }).catch(noneIfNotFound))?.image ?? undefined;
  }

  async listImages(): Promise<Image[]> {
    return (await this.call('ListImages', {})).images;
  }

  /** Gives the image's id. */
  async pullImage(image: string, auth?: AuthConfig, options?: CallOptions): Promise<string> {
    const request = auth ? { image: { image }, auth } : { image: { image } };
    const { imageRef } = await this.call('PullImage', request, { timeoutMs: PULL_TIMEOUT_MS, ...options });
    this.imagesChanged();
    return imageRef;
  }

  async removeImage(image: string): Promise<void> {
    await this.call('RemoveImage', { image: { image } }).catch(ignoreNotFound);
    this.imagesChanged();
  }

  async imageFilesystem(): Promise<string | undefined> {
    const answer = await this.call('ImageFsInfo', {});
    return answer.imageFilesystems[0]?.fsId?.mountpoint;
  }

  /**
   * What happens to containers, as it happens (containerd ≥ 1.7). Ends when `signal` aborts.
   * @throws CriError `UNIMPLEMENTED` from an older runtime, `UNAVAILABLE` when the connection is lost: the caller lists again.
   */
  async *events(signal: AbortSignal): AsyncGenerator<ContainerEvent> {
    const method = methodOf('GetContainerEvents');
    const stream = this.#client.makeServerStreamRequest<object, object>(
      method.path,
      method.serialize,
      method.deserialize,
      {},
      new Metadata(),
      {},
    );
    const cancel = (): void => stream.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
    try {
      for await (const event of stream) yield event as ContainerEvent;
    } catch (error) {
      if (signal.aborted) return;
      const { code, details } = error as { code?: number; details?: string };
      throw new CriError('GetContainerEvents', status[code ?? 2] ?? 'UNKNOWN', details ?? String(error));
    } finally {
      signal.removeEventListener('abort', cancel);
      stream.cancel();
    }
  }

  close(): void {
    this.#client.close();
  }
}

function ignoreNotFound(error: unknown): void {
  if (!isNotFound(error)) throw error;
}

function noneIfNotFound(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
  return undefined;
}

/** What the kubelet API needs of the node: two interfaces, implemented over CRI by whoever owns the pods. */

/** CRI's streaming calls. Each gives the URL of containerd's streaming server to connect to, good for one connection. */
export interface StreamingRuntime {
  exec(request: {
    readonly containerId: string;
    readonly command: readonly string[];
    readonly tty: boolean;
    readonly stdin: boolean;
    readonly stdout: boolean;
    readonly stderr: boolean;
  }): Promise<string>;
  attach(request: {
    readonly containerId: string;
    readonly tty: boolean;
    readonly stdin: boolean;
    readonly stdout: boolean;
    readonly stderr: boolean;
  }): Promise<string>;
  portForward(request: { readonly podSandboxId: string; readonly ports: readonly number[] }): Promise<string>;
}

/** A container of a pod, or the place of one that does not exist yet. */
export interface ContainerTarget {
  /** The newest container of that name; undefined before the first has been created. */
  readonly containerId: string | undefined;
  readonly running: boolean;
  /** Why there is no container, as in the pod's status: `ContainerCreating`, `ImagePullBackOff`. */
  readonly waitingReason?: string;
  /** `spec.containers[].tty` and `.stdin`: what attach offers. */
  readonly tty: boolean;
  readonly stdin: boolean;
  /** Log file of the newest container (absolute), undefined before the first. */
  readonly logPath: string | undefined;
  /** Log file of the container before it, where one is kept (absolute). */
  readonly previousLogPath: string | undefined;
}

export interface PodTarget {
  /** The ready sandbox; undefined while there is none. */
  readonly podSandboxId: string | undefined;
  /** undefined when the pod's spec has no container of that name (all three lists count). */
  container(name: string): ContainerTarget | undefined;
}

export interface PodLookup {
  /** undefined when this node has no such pod. */
  find(namespace: string, name: string): Promise<PodTarget | undefined> | PodTarget | undefined;
  /** Resolves when the container is no longer running (at once if it is not), or when `signal` aborts. */
  exited(containerId: string, signal: AbortSignal): Promise<void>;
  /** The pods of this node as a v1 `PodList`, for `GET /pods`. */
  list(): unknown;
}

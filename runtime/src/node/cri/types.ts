/**
 * The messages of CRI v1 that Atoll uses, in the shape `descriptor.json` decodes them to: camel case, enums as names,
 * 64-bit numbers as JavaScript numbers (nanosecond times lose their last bits), absent values as proto3 defaults.
 * Source: k8s.io/cri-api/pkg/apis/runtime/v1/api.proto.
 */

export type Labels = Record<string, string>;
export type SandboxState = 'SANDBOX_READY' | 'SANDBOX_NOTREADY';
export type ContainerState = 'CONTAINER_CREATED' | 'CONTAINER_RUNNING' | 'CONTAINER_EXITED' | 'CONTAINER_UNKNOWN';
export type NamespaceMode = 'POD' | 'CONTAINER' | 'NODE' | 'TARGET';

export interface NamespaceOption {
  network?: NamespaceMode;
  pid?: NamespaceMode;
  ipc?: NamespaceMode;
  targetId?: string;
}

export interface SecurityProfile {
  profileType: 'RuntimeDefault' | 'Unconfined' | 'Localhost';
  localhostRef?: string;
}

export interface LinuxResources {
  cpuPeriod?: number;
  cpuQuota?: number;
  cpuShares?: number;
  memoryLimitInBytes?: number;
  oomScoreAdj?: number;
  cpusetCpus?: string;
  hugepageLimits?: { pageSize: string; limit: number }[];
  unified?: Labels;
  memorySwapLimitInBytes?: number;
}

export interface Mount {
  containerPath: string;
  hostPath: string;
  readonly?: boolean;
  selinuxRelabel?: boolean;
  propagation?: 'PROPAGATION_PRIVATE' | 'PROPAGATION_HOST_TO_CONTAINER' | 'PROPAGATION_BIDIRECTIONAL';
  recursiveReadOnly?: boolean;
}

export interface PortMapping {
  protocol: 'TCP' | 'UDP' | 'SCTP';
  containerPort: number;
  hostPort: number;
  hostIp?: string;
}

export interface SandboxMetadata {
  name: string;
  uid: string;
  namespace: string;
  attempt: number;
}

export interface SandboxConfig {
  metadata: SandboxMetadata;
  hostname?: string;
  logDirectory?: string;
  dnsConfig?: { servers: string[]; searches: string[]; options: string[] };
  portMappings?: PortMapping[];
  labels?: Labels;
  annotations?: Labels;
  linux?: {
    cgroupParent?: string;
    securityContext?: {
      namespaceOptions?: NamespaceOption;
      selinuxOptions?: Labels;
      runAsUser?: { value: number };
      runAsGroup?: { value: number };
      readonlyRootfs?: boolean;
      supplementalGroups?: number[];
      privileged?: boolean;
      seccomp?: SecurityProfile;
    };
    sysctls?: Labels;
    overhead?: LinuxResources;
    resources?: LinuxResources;
  };
}

export interface ContainerConfig {
  metadata: { name: string; attempt: number };
  image: { image: string; userSpecifiedImage?: string; annotations?: Labels };
  command?: string[];
  args?: string[];
  workingDir?: string;
  envs?: { key: string; value: Buffer }[];
  mounts?: Mount[];
  devices?: { containerPath: string; hostPath: string; permissions: string }[];
  labels?: Labels;
  annotations?: Labels;
  logPath?: string;
  stdin?: boolean;
  stdinOnce?: boolean;
  tty?: boolean;
  linux?: {
    resources?: LinuxResources;
    securityContext?: {
      capabilities?: { addCapabilities: string[]; dropCapabilities: string[] };
      privileged?: boolean;
      namespaceOptions?: NamespaceOption;
      selinuxOptions?: Labels;
      runAsUser?: { value: number };
      runAsGroup?: { value: number };
      runAsUsername?: string;
      readonlyRootfs?: boolean;
      supplementalGroups?: number[];
      noNewPrivs?: boolean;
      maskedPaths?: string[];
      readonlyPaths?: string[];
      seccomp?: SecurityProfile;
      apparmor?: SecurityProfile;
    };
  };
  stopSignal?: string;
}

export interface Sandbox {
  id: string;
  metadata: SandboxMetadata;
  state: SandboxState;
  /** Nanoseconds since 1970. */
  createdAt: number;
  labels: Labels;
  annotations: Labels;
}

export interface SandboxStatus extends Sandbox {
  network: { ip: string; additionalIps: { ip: string }[] } | null;
  linux: { namespaces: { options: NamespaceOption | null } | null } | null;
}

export interface ListedContainer {
  id: string;
  podSandboxId: string;
  metadata: { name: string; attempt: number };
  image: { image: string } | null;
  imageRef: string;
  state: ContainerState;
  createdAt: number;
  labels: Labels;
  annotations: Labels;
}

export interface ContainerStatus {
  id: string;
  metadata: { name: string; attempt: number };
  state: ContainerState;
  /** Nanoseconds since 1970; 0 when it has not happened. */
  createdAt: number;
  startedAt: number;
  finishedAt: number;
  exitCode: number;
  image: { image: string; userSpecifiedImage?: string } | null;
  imageRef: string;
  imageId: string;
  reason: string;
  message: string;
  labels: Labels;
  annotations: Labels;
  logPath: string;
  mounts: Mount[];
  user: { linux: { uid: number; gid: number; supplementalGroups: number[] } | null } | null;
}

export interface Image {
  id: string;
  repoTags: string[];
  repoDigests: string[];
  /** Bytes. */
  size: number;
  uid: { value: number } | null;
  username: string;
  pinned: boolean;
}

export interface ContainerEvent {
  containerId: string;
  containerEventType:
    | 'CONTAINER_CREATED_EVENT'
    | 'CONTAINER_STARTED_EVENT'
    | 'CONTAINER_STOPPED_EVENT'
    | 'CONTAINER_DELETED_EVENT';
  createdAt: number;
  podSandboxStatus: SandboxStatus | null;
}

export interface ContainerStats {
  attributes: { id: string; metadata: { name: string; attempt: number }; labels: Labels } | null;
  cpu: { timestamp: number; usageCoreNanoSeconds: { value: number } | null } | null;
  memory: { timestamp: number; workingSetBytes: { value: number } | null; usageBytes: { value: number } | null } | null;
  writableLayer: { usedBytes: { value: number } | null } | null;
}

export interface RuntimeStatus {
  conditions: { type: string; status: boolean; reason: string; message: string }[];
}

export interface AuthConfig {
  username?: string;
  password?: string;
  auth?: string;
  serverAddress?: string;
  identityToken?: string;
  registryToken?: string;
}

interface Id {
  containerId: string;
}
interface SandboxId {
  podSandboxId: string;
}
type Empty = Record<string, never>;

/** Method → [request, response]: the one place where a call's name and its messages meet. */
export interface Calls {
  Version: [{ version?: string }, { runtimeName: string; runtimeVersion: string; runtimeApiVersion: string }];
  Status: [{ verbose?: boolean }, { status: RuntimeStatus | null; info: Labels }];
  RunPodSandbox: [{ config: SandboxConfig; runtimeHandler?: string }, SandboxId];
  StopPodSandbox: [SandboxId, Empty];
  RemovePodSandbox: [SandboxId, Empty];
  PodSandboxStatus: [SandboxId & { verbose?: boolean }, { status: SandboxStatus | null; info: Labels }];
  ListPodSandbox: [{ filter?: { id?: string; labelSelector?: Labels } }, { items: Sandbox[] }];
  CreateContainer: [SandboxId & { config: ContainerConfig; sandboxConfig: SandboxConfig }, Id];
  StartContainer: [Id, Empty];
  StopContainer: [Id & { timeout: number }, Empty];
  RemoveContainer: [Id, Empty];
  ListContainers: [
    { filter?: { id?: string; podSandboxId?: string; labelSelector?: Labels } },
    { containers: ListedContainer[] },
  ];
  ContainerStatus: [Id & { verbose?: boolean }, { status: ContainerStatus | null; info: Labels }];
  UpdateContainerResources: [Id & { linux: LinuxResources }, Empty];
  ReopenContainerLog: [Id, Empty];
  ExecSync: [Id & { cmd: readonly string[]; timeout: number }, { stdout: Buffer; stderr: Buffer; exitCode: number }];
  Exec: [
    Id & { cmd: readonly string[]; tty: boolean; stdin: boolean; stdout: boolean; stderr: boolean },
    { url: string },
  ];
  Attach: [Id & { tty: boolean; stdin: boolean; stdout: boolean; stderr: boolean }, { url: string }];
  PortForward: [SandboxId & { port: number[] }, { url: string }];
  ContainerStats: [Id, { stats: ContainerStats | null }];
  ListContainerStats: [{ filter?: { podSandboxId?: string } }, { stats: ContainerStats[] }];
  ListImages: [Empty, { images: Image[] }];
  ImageStatus: [{ image: { image: string } }, { image: Image | null }];
  PullImage: [{ image: { image: string }; auth?: AuthConfig; sandboxConfig?: SandboxConfig }, { imageRef: string }];
  RemoveImage: [{ image: { image: string } }, Empty];
  ImageFsInfo: [
    Empty,
    { imageFilesystems: { fsId: { mountpoint: string } | null; usedBytes: { value: number } | null }[] },
  ];
}

/** What is known of a machine at one moment, as data: what a trial is judged by. Whatever could not be learned says why. */

/** `server`: control plane and node. */
export type Role = 'server' | 'agent' | 'server-only';

export interface Observation {
  /** ISO 8601. */
  readonly at: string;
  readonly role: Role;
  /** Of the running kernel: random(4), `/proc/sys/kernel/random/boot_id`. Needs no right clock, unlike a heartbeat's time. */
  readonly bootId: string;
  readonly nodeName?: string;
  readonly units: UnitsNow;
  readonly controlPlane: ControlPlaneNow;
  /** This node as the API has it; a text: why it is not known. Absent on a server that is no node. */
  readonly node?: NodeNow | Unknown;
  readonly services: ServicesNow;
  /** This node's pods as the API has them, and those of before that wait for a node. */
  readonly pods: readonly PodNow[] | Unknown;
  /** What the container runtime says; absent on a server that is no node. */
  readonly runtime?: RuntimeNow | Unknown;
}

/** Why something could not be learned, for a person. */
export interface Unknown {
  readonly unknown: string;
}

export const isUnknown = (value: object): value is Unknown => 'unknown' in value;

export interface UnitsNow {
  /** systemctl(1) is-system-running: `starting`, `running`, `degraded`, `maintenance`…; empty: systemd does not answer. */
  readonly system: string;
  /** What is being started while the system is. */
  readonly jobs: readonly string[];
  readonly failed: readonly UnitNow[];
  /** Atoll's own and what they need, as far as the role wants them. */
  readonly wanted: readonly UnitNow[];
}

export interface UnitNow {
  readonly name: string;
  /** `active`, `activating`, `failed`… */
  readonly active: string;
  /** `auto-restart`, `exit-code`…: what systemd says of it besides. */
  readonly sub: string;
  /** How often systemd has started it again by itself. */
  readonly restarts: number;
  /** Its last sentence in the state folder or the journal; empty when there is none. */
  readonly why: string;
}

/**
 * `refused`, `silent`: nobody answers at the server's address, while this machine's own network is known to work: the
 * gateway (or the server's host) answers ARP or refuses the connection. `no-network`: it is not known to work. `unasked`: nobody knows
 * yet whom to ask, or as whom.
 */
export interface ControlPlaneNow {
  readonly state: 'ready' | 'not-ready' | 'refused' | 'silent' | 'no-network' | 'untrusted' | 'unasked';
  /** `https://127.0.0.1:6443` */
  readonly server: string;
  readonly why: string;
}

export interface NodeNow {
  readonly ready: 'True' | 'False' | 'Unknown';
  /** The condition's. */
  readonly reason: string;
  readonly message: string;
  /** Of the boot in which the node's status was reported last. */
  readonly bootId: string;
  /** Conditions besides Ready that are bad: `DiskPressure: …`. */
  readonly pressure: readonly string[];
}

export interface ServicesNow {
  /** Addresses behind the Service `default/kubernetes`, and which of them take a connection. */
  readonly kubernetes: { readonly endpoints: readonly EndpointNow[] } | Unknown;
  /** Endpoints of the cluster's DNS (`kube-system/kube-dns`); none: there is no cluster DNS. */
  readonly dns: { readonly endpoints: readonly EndpointNow[] } | Unknown;
}

export interface EndpointNow {
  /** `192.0.2.1:6443` */
  readonly address: string;
  readonly answers: boolean;
  readonly why: string;
}

export interface PodNow {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly owner?: string;
  readonly phase: string;
  readonly ready: boolean;
  /** `Evicted`, `NodeAffinity`…: of the status. */
  readonly reason: string;
  readonly deleting: boolean;
  /** It was evicted, preempted or drained: condition DisruptionTarget. */
  readonly disrupted: boolean;
  readonly restartPolicy: string;
  /** Ids of the containers whose status says that they run, without `containerd://`. */
  readonly running: readonly string[];
  /** One sentence: which container waits and why; empty when there is nothing to say. */
  readonly why: string;
}

export interface RuntimeNow {
  /** Ids of running containers, by the uid of their pod. */
  readonly running: Readonly<Record<string, readonly string[]>>;
  /** What those pods are called, by uid; absent: nobody has asked. */
  readonly names?: Readonly<Record<string, { readonly namespace: string; readonly name: string }>>;
}

/** What every part of the node is told at start. */
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { CriClient } from './cri/client.ts';

export interface NodeDirs {
  /** `<pods>/<uid>/{volumes,containers,etc-hosts,pod.json}`; default `/var/lib/atoll/agent/pods`. */
  readonly pods: string;
  /** Of volumes that must never reach the disk; on a tmpfs, default `/run/atoll/volumes`. */
  readonly memory: string;
  /** Default `/var/log/pods`. */
  readonly logs: string;
  /** Links with the names log shippers expect; default `/var/log/containers`. */
  readonly containerLogs: string;
}

export const defaultDirs: NodeDirs = {
  pods: '/var/lib/atoll/agent/pods',
  memory: '/run/atoll/volumes',
  logs: '/var/log/pods',
  containerLogs: '/var/log/containers',
};

export type CgroupDriver = 'cgroupfs' | 'systemd';

export interface NodeContext {
  readonly nodeName: string;
  readonly cri: CriClient;
  readonly dirs: NodeDirs;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly cgroupDriver: CgroupDriver;
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** The host's resolver configuration, given to pods of `dnsPolicy: Default`. */
  readonly resolvConf: string;
  /** The node's addresses as they are now, the first one first in `status.hostIPs`. */
  hostIps(): readonly string[];
  /** `cpu`, `memory`… a container may use at most: what `resourceFieldRef` gives where no limit is set. */
  allocatable(): Readonly<Record<string, string>>;
}

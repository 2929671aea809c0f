/** What a pod's worker works with; one set for the node. */
import type { Pod, Service } from '../../api/generated/types/core.v1.ts';
import type { Client } from '../../client/client.ts';
import type { NodeContext } from '../context.ts';
import type { Images } from '../images/images.ts';
import type { StatusWriter } from '../status/types.ts';
import type { PodObjects } from '../volumes/objects.ts';
import type { Tokens } from '../volumes/tokens.ts';
import type { Volumes } from '../volumes/volumes.ts';

/** `containerName` sets the event's field path. Upstream's reasons: `Pulled`, `Started`, `BackOff`, `Unhealthy`… */
export type PodEvent = (
  pod: Pod,
  type: 'Normal' | 'Warning',
  reason: string,
  message: string,
  containerName?: string,
) => void;

export interface PodDependencies {
  readonly context: NodeContext;
  readonly client: Client;
  readonly images: Images;
  readonly volumes: Volumes;
  readonly objects: PodObjects;
  readonly tokens: Tokens;
  readonly statuses: StatusWriter;
  readonly event: PodEvent;
  /** Services known now. */
  services(): Iterable<Service>;
  readonly memoryCapacityBytes: number;
}

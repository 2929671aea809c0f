/**
 * Plan, `upgrade.cattle.io/v1`, field by field as Rancher's system-upgrade-controller (0.14 and later) has it, so that manifests written for
 * that one are taken (https://github.com/rancher/system-upgrade-controller, `pkg/apis/upgrade.cattle.io/v1/types.go`).
 */
import type { LabelSelector } from '../../api/generated/types/apimachinery.pkg.apis.meta.v1.ts';
import type { BeforeUpgrade } from '../../api/nodeUpgrade.ts';
import type { ApiObject, ResourceRef } from '../../client/resources.ts';

export interface Plan extends ApiObject {
  spec?: PlanSpec;
  status?: PlanStatus;
}

export interface PlanSpec {
  /** Nodes at once; 0 and absent: one. */
  readonly concurrency?: number;
  /** Seconds for one node, from its cordon to its blessing; 0: any time. Default {@link file://./next.ts}. */
  readonly jobActiveDeadlineSecs?: number;
  /** Absent: no node. Empty: all. */
  readonly nodeSelector?: LabelSelector;
  /** URL of a channel.json, a bundle or a directory with them. */
  readonly channel?: string;
  /** A version, or the URL of a bundle. */
  readonly version?: string;
  /** Not while another exclusive Plan has a node. */
  readonly exclusive?: boolean;
  readonly window?: PlanWindow;
  readonly prepare?: PlanContainer;
  readonly upgrade?: PlanContainer;
  readonly cordon?: boolean;
  readonly drain?: DrainSpec;
  /** Go's duration. */
  readonly postCompleteDelay?: string;
  readonly postCompleteLabels?: Readonly<Record<string, string>>;
}

export interface PlanWindow {
  readonly days?: readonly string[];
  readonly startTime?: string;
  readonly endTime?: string;
  /** Default UTC. */
  readonly timeZone?: string;
}

export interface PlanContainer {
  readonly image?: string;
}

/** As `kubectl drain`'s options. */
export interface DrainSpec {
  /** A duration as Go has it, or nanoseconds; 0 and absent: any time. */
  readonly timeout?: string | number;
  /** Seconds; negative and absent: the pods' own. */
  readonly gracePeriod?: number;
  readonly deleteLocalData?: boolean;
  readonly deleteEmptydirData?: boolean;
  readonly ignoreDaemonSets?: boolean;
  readonly force?: boolean;
  readonly disableEviction?: boolean;
  /** Pods that are being deleted for longer than so many seconds are not waited for. */
  readonly skipWaitForDeleteTimeout?: number;
  readonly podSelector?: LabelSelector;
}

export interface PlanStatus {
  conditions?: PlanCondition[];
  latestVersion?: string;
  latestHash?: string;
  /** Names of the nodes that are being upgraded. */
  applying?: string[];
}

export interface PlanCondition {
  type: 'LatestResolved' | 'Validated' | 'Complete' | 'Supported';
  status: 'True' | 'False';
  lastUpdateTime?: string;
  lastTransitionTime?: string;
  reason?: string;
  message?: string;
  /** Ours: of the Plan as it was when this was said. */
  observedGeneration?: number;
}

export const Plans: ResourceRef<Plan> = {
  group: 'upgrade.cattle.io',
  version: 'v1',
  resource: 'plans',
  kind: 'Plan',
  namespaced: true,
};

/** On a node that has been upgraded: the Plan's `status.latestHash`; `disabled`, by a person: not this node. */
export const planLabel = (name: string): string => `plan.upgrade.cattle.io/${name}`;

/** On a node while a Plan has it: {@link Attempt} as JSON. */
export const ATTEMPT = 'atoll.dev/plan';

/** All that has to be remembered of a node's upgrade, kept on the node: the server may restart at any moment of it. */
export interface Attempt {
  /** `namespace/name` */
  readonly plan: string;
  readonly hash: string;
  /** ISO 8601, by the server's clock. */
  readonly beganAt: string;
  /** It was the Plan that made the node unschedulable. */
  readonly cordoned: boolean;
  /** All pods that had to go have gone. */
  readonly drained?: true;
  /** What the node said before it was asked to upgrade: what it says newer than that is the upgrade's. */
  readonly before?: BeforeUpgrade;
  readonly askedAt?: string;
  /** It is done; only `postCompleteDelay` is waited for. */
  readonly doneAt?: string;
}

/** Undefined where there is none, or somebody else's text. */
export function attemptOf(node: ApiObject): Attempt | undefined {
  const text = node.metadata.annotations?.[ATTEMPT];
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as Attempt;
    return typeof value.plan === 'string' && typeof value.beganAt === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What a node says and takes of its upgrades at `nodes/NAME/proxy/v1-atoll/…`: shared by the agent that answers, the command line and the
 * controller of Plans that ask. The machine's own words are `machine/upgrade/types.ts`; these are what of them goes over the wire.
 */

/** Below `nodes/NAME/proxy/`. */
export const NODE_API = 'v1-atoll';

export const nodePath = (node: string, path: string): string =>
  `/api/v1/nodes/${encodeURIComponent(node)}/proxy/${NODE_API}/${path}`;

export interface NodeVersion {
  readonly version: string;
  readonly roothash?: string;
  readonly slot?: string;
}

/** What an installation is doing. */
export interface NodeProgress {
  readonly pid: number;
  readonly source: string;
  readonly phase: string;
  readonly version?: string;
  /** Bytes that this phase has done and has to do. */
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly downloadedBytes: number;
  /** Bytes written to the slot and to the boot partition. */
  readonly writtenBytes: number;
  readonly secondsLeft?: number;
  /** Why, where the phase is `failed`; in people's words, with what to do. */
  readonly message?: string;
  /** Where the phase is `failed`: the same may go well another time, as when a server is away. Absent: the installation has not said so yet, or died. */
  readonly mayPass?: boolean;
}

export interface NodeHistoryEntry {
  readonly at: string;
  readonly event: string;
  readonly version: string;
  readonly message: string;
}

export interface NodeRefusal {
  readonly id: string;
  readonly at: string;
  readonly version: string;
  readonly check: string;
  readonly reason: string;
}

export interface NodeTrial extends NodeVersion {
  readonly id: string;
  readonly armedAt: string;
  readonly deadlineSeconds: number;
}

/** `GET v1-atoll/upgrade`; with `?follow=true` one a line, whenever something of it changes, until the asker leaves. */
export interface NodeUpgradeReport {
  /** By the node's clock, ISO 8601. */
  readonly now: string;
  /** Of the running kernel; another one: the node has been restarted. */
  readonly bootId: string;
  /** `vm-x86_64`; `none` outside an image, where nothing can be upgraded. */
  readonly image: string;
  readonly running: NodeVersion;
  /** What an installation is doing, or how the last one of this boot ended. */
  readonly progress?: NodeProgress;
  /** The installation's process is there. */
  readonly busy: boolean;
  /** Armed or being tried. */
  readonly trial?: NodeTrial;
  /** Newest first. */
  readonly refused: readonly NodeRefusal[];
  /** Newest first. */
  readonly history: readonly NodeHistoryEntry[];
}

/** What a node said before it was asked to upgrade: what it says newer than that is of the upgrade. Needs no right clock. */
export interface BeforeUpgrade {
  /** The newest entry of the history; empty: there was none. */
  readonly newest: string;
  readonly bootId: string;
  /** Of the installation before; 0: none in that boot. */
  readonly pid: number;
}

const nameOf = (entry: NodeHistoryEntry | undefined): string =>
  entry ? `${entry.at} ${entry.event} ${entry.version}` : '';

export const beforeUpgrade = ({ history, bootId, progress }: NodeUpgradeReport): BeforeUpgrade => ({
  newest: nameOf(history[0]),
  bootId,
  pid: progress?.pid ?? 0,
});

/** `quiet`: nothing has come of it that is known. */
export type UpgradeOutcome =
  | { readonly is: 'installing' | 'installed'; readonly progress: NodeProgress }
  | { readonly is: 'trial'; readonly trial: NodeTrial }
  | { readonly is: 'blessed' | 'fell-back' | 'rolled-back'; readonly entry: NodeHistoryEntry }
  | { readonly is: 'failed'; readonly message: string; readonly mayPass: boolean }
  | { readonly is: 'quiet' };

/** What has come of an upgrade since `before`. Pure. */
export function upgradeOutcome(report: NodeUpgradeReport, before: BeforeUpgrade): UpgradeOutcome {
  const { progress, trial, history, busy, bootId } = report;
  if (busy && progress) return { is: 'installing', progress };
  if (trial) return { is: 'trial', trial };
  const known = history.findIndex(entry => nameOf(entry) === before.newest);
  const [end] = (known < 0 ? history : history.slice(0, known)).filter(({ event }) => ENDS.has(event));
  if (end) return { is: end.event as 'blessed' | 'fell-back' | 'rolled-back', entry: end };
  if (!progress || (progress.pid === before.pid && bootId === before.bootId)) return { is: 'quiet' };
  if (progress.phase === 'failed')
    return { is: 'failed', message: progress.message ?? 'it did not say why', mayPass: progress.mayPass === true };
  return progress.phase === 'done' ? { is: 'installed', progress } : { is: 'quiet' };
}
const ENDS: ReadonlySet<string> = new Set(['blessed', 'fell-back', 'rolled-back']);

/** `POST v1-atoll/upgrade`; answers 202 with a {@link NodeUpgradeReport}. */
export interface NodeUpgradeRequest {
  /** URL or path on the node of a bundle, a channel or a directory; `usb`: a stick that is plugged in there; absent: the channel of the node's configuration. */
  readonly source?: string;
  /** Of a channel or a directory: this version and no other. */
  readonly version?: string;
  /** An older version is taken, too. */
  readonly allowDowngrade?: boolean;
  /** A version is tried although it was refused before. */
  readonly retryRefused?: boolean;
  /** Bytes a second, as `--limit` takes it: `2M`. */
  readonly limit?: string;
  /** How long a server may be away before it is given up, as `--retry-for` takes it: `2h`. */
  readonly retryFor?: string;
  /** How long the trial has to become healthy: `10m`. */
  readonly deadline?: string;
  /** It is tried when the machine restarts next. */
  readonly noReboot?: boolean;
}

/**
 * How long a node may look at what an upgrade would do: of a server without ranges, the whole bundle is read for it. Whoever asks waits
 * {@link ASK_CHECK_MS}, to hear the node's own words.
 */
export const CHECK_MS = 30 * 60_000;
export const ASK_CHECK_MS = CHECK_MS + 30_000;

/** `POST v1-atoll/upgrade/check` (the same body): what an upgrade would do. */
export interface NodeUpgradeCheck {
  readonly current: string;
  /** What the source has; absent: nothing for this machine. */
  readonly version?: string;
  /** It would be installed. */
  readonly wanted: boolean;
  /** One sentence for a person. */
  readonly message: string;
}

/** What `atoll status -o json` says: kept stable, described in docs/status.md. Fields are added, never changed. */
import type { ConfigStatus } from '../machine/config/status.ts';
import type { Release } from '../machine/release.ts';
import type { ComponentState } from '../machine/state.ts';
import type { TimeReport } from '../machine/time.ts';
import type { StoreReport } from './serverAtRest.ts';

export interface MachineStatus {
  readonly release: Release;
  /** Which of the two roots is running: `a`, `b`; absent outside of an image. */
  readonly slot?: string;
  /** What runs here: `server` alone is a control plane that is no node. */
  readonly role?: 'server and node' | 'server' | 'node';
  readonly hostName: string;
  /** The node's name in the cluster; kept when the host name changes. */
  readonly nodeName?: string;
  readonly addresses?: readonly string[];
  /** Whether all that should run here does, and why not. */
  readonly ready?: boolean;
  readonly reason?: string;
  readonly uptimeSeconds: number;
  readonly components: readonly ComponentState[];
  readonly memory: { readonly totalBytes: number; readonly availableBytes: number };
  readonly data: { readonly totalBytes: number; readonly freeBytes: number } | undefined;
  /** What the running server says of its store. */
  readonly store?: StoreReport;
  readonly time?: TimeReport;
  /** What became of the machine's configuration in this boot; absent outside of an image. */
  readonly configuration?: ConfigStatus;
  /** A version on trial and what it waits for; the last one that failed, with what it left. */
  readonly upgrade?: { readonly trial?: string; readonly failed?: string; readonly kept?: string };
  /** Manifests that are not applied, by path, with the reason. */
  readonly manifests?: Readonly<Record<string, string>>;
  /** Images that should be there and are not, with the reason. */
  readonly images?: Readonly<Record<string, string>>;
  /** Soonest to expire first. */
  readonly certificates: readonly { readonly name: string; readonly expires: string }[];
  readonly cluster:
    | { readonly nodes: readonly NodeLine[]; readonly pods: Readonly<Record<string, number>> }
    | { readonly error: string };
}

export interface NodeLine {
  readonly name: string;
  readonly ready: boolean;
  readonly reason: string;
  readonly addresses: readonly string[];
}

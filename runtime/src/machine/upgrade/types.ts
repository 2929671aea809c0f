/**
 * The words of an upgrade: what a bundle says of itself, what a machine knows of its two slots, what is tried, refused and remembered.
 * docs/adr/010-upgrades.md says why it is so.
 */

import type { NodeProgress } from '../../api/nodeUpgrade.ts';

export type SlotName = 'a' | 'b';

/** One image of a bundle. All sizes are multiples of {@link BLOCK_BYTES}. */
export interface BundleImage {
  readonly filename: string;
  /** Hex, of the whole image. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** `root`: EROFS. `verity`: its hash tree, and behind it the block index of the root. `uki`: the unified kernel image. */
export type ImageName = 'root' | 'verity' | 'uki';

/** A bundle's signed manifest, read and checked. Source: RAUC 1.13, "Manifest" and "Bundle formats: verity". */
export interface BundleManifest {
  /** `atoll-` and the image's name: `atoll-vm-x86_64`. */
  readonly compatible: string;
  readonly version: string;
  /** ISO 8601. */
  readonly built: string;
  /** Release notes, a few lines; empty when there are none. */
  readonly notes: string;
  /** Hex, 64 digits: of the root's hash tree, as on the UKI's command line. */
  readonly roothash: string;
  /** The oldest version that may be upgraded from; absent: any. */
  readonly minimumVersion?: string;
  readonly images: Readonly<Record<ImageName, BundleImage>>;
}

/** What is compared, downloaded and written at once. Source: RAUC's block-hash-index. */
export const BLOCK_BYTES = 4096;

/** One version of Atoll, as installed. The root hash is its identity: two builds of one version are two. */
export interface Installed {
  readonly version: string;
  readonly roothash: string;
  readonly slot: SlotName;
}

/** What was so before the machine restarted into a trial; the trial must bring it back. */
export interface Before {
  readonly role: 'server' | 'agent' | 'server-only';
  /** ISO 8601. */
  readonly takenAt: string;
  /** This node's condition Ready was True. */
  readonly nodeReady: boolean;
  /** The control plane answered. */
  readonly serverReachable: boolean;
  /** Pods of this node that ran. */
  readonly pods: readonly PodBefore[];
  /** Failed units, which a trial may leave as they are. */
  readonly failedUnits: readonly string[];
  /** An endpoint of the Service `default/kubernetes` took a connection from here; absent: could not be asked. */
  readonly kubernetesAnswered?: boolean;
  /** The cluster's DNS answered; absent: there is none, or it could not be asked. */
  readonly dnsAnswered?: boolean;
}

export interface PodBefore {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly ready: boolean;
  /** Uid of the controller that replaces it. */
  readonly owner?: string;
  /** Containers of it that ran, by the container runtime: what can be counted when no server can be asked. */
  readonly containers?: number;
}

export interface Trial extends Installed {
  /** `<version>-<first 8 digits of the root hash>`: names the folder of what it leaves behind. */
  readonly id: string;
  readonly from: Installed;
  readonly armedAt: string;
  /** From the start of the trial's kernel to the blessing, at most. */
  readonly deadlineSeconds: number;
  readonly before: Before;
  /** The version for which its slot was given up before it was tried; its loader entry may still be there. */
  readonly givenUpFor?: string;
}

/** Why a version is not to be booted again. */
export interface Refusal extends Installed {
  readonly id: string;
  /** ISO 8601. */
  readonly at: string;
  /** The check that failed: `units`, `control-plane`, `node`, `services`, `pods`, `boot` (never came so far), `asked` (a person's rollback). */
  readonly check: string;
  /** One sentence for a person. */
  readonly reason: string;
  /** Folder with the failed boot's journal and last health report; absent when nothing was left. */
  readonly kept?: string;
  /** Folder of the store that the failed version had written, when it had; nothing of it was deleted. */
  readonly setAside?: string;
}

export interface HistoryEntry {
  readonly at: string;
  /** `installed`: armed as a trial. `blessed`. `fell-back`: the loader or the deadline went back. `rolled-back`: a person did. */
  readonly event: 'installed' | 'blessed' | 'fell-back' | 'rolled-back' | 'set-aside';
  readonly version: string;
  readonly roothash: string;
  readonly slot: SlotName;
  /** One sentence: seconds and bytes of an installation, the reason of a fall-back. */
  readonly message: string;
}

/** `/var/lib/atoll/upgrade/state.json`: one value, one atomic write. */
export interface UpgradeState {
  readonly format: 1;
  /** Armed and not ended. */
  readonly trial?: Trial;
  /** Newest first, at most 20. */
  readonly refused: readonly Refusal[];
  /** Newest first, at most 100. */
  readonly history: readonly HistoryEntry[];
}

/** What boots next is decided here: by systemd-boot's entries on UEFI, by U-Boot's environment elsewhere. */
export interface Loader {
  readonly name: 'systemd-boot' | 'u-boot';
  /** What can be booted, in the loader's own order: the first is what it would boot now. */
  entries(): Promise<readonly LoaderEntry[]>;
  /** A place on the boot partition for a new UKI, not looked at by the loader; what an interrupted installation left there is reused or replaced. */
  staging(): Promise<string>;
  /**
   * Makes the staged UKI the next boot, for `tries` boots; everything before the last write leaves what boots now as it is.
   * Goes first whatever its version is: an older one too.
   */
  arm(trial: Installed, tries: number): Promise<void>;
  /** The entry has proved itself: it needs no tries any more. */
  bless(roothash: string): Promise<void>;
  /** The entry comes last from now on; the other one is the next boot. */
  refuse(roothash: string): Promise<void>;
  /** Puts in order what a power cut left: half-written files, two entries of one slot. Once a boot, before anything is staged: what is staged goes too. */
  tidy(running: string): Promise<void>;
}

export interface LoaderEntry {
  /** systemd-boot: the entry file's name; U-Boot: the slot's. */
  readonly id: string;
  readonly slot: SlotName;
  /** Path of its kernel: `/efi/EFI/atoll/a.efi`. */
  readonly uki: string;
  readonly version: string;
  readonly roothash: string;
  /** Tries left; absent: blessed. 0: refused, or used up. */
  readonly triesLeft?: number;
  readonly triesDone?: number;
}

/** `/run/atoll/upgrade.json`: what an installation is doing; replaced whole, several times a second at most. */
export interface Progress extends NodeProgress {
  readonly phase: 'reading' | 'comparing' | 'writing' | 'verifying' | 'arming' | 'restarting' | 'done' | 'failed';
}

/** `/run/atoll/health.json` during a trial, and in its folder afterwards. */
export interface HealthReport {
  readonly at: string;
  /** What is judged. */
  readonly version?: string;
  readonly uptimeSeconds: number;
  /** 0: the first boot of an image, which has nothing to fall back to. */
  readonly deadlineSeconds: number;
  readonly verdict: 'waiting' | 'healthy' | 'failed';
  readonly checks: readonly HealthCheckResult[];
}

export interface HealthCheckResult {
  readonly check: 'units' | 'control-plane' | 'node' | 'services' | 'pods';
  /** `excused`: it cannot be so now, and it is not the new version's fault. */
  readonly state: 'passed' | 'waiting' | 'excused' | 'failed';
  readonly message: string;
}

/** Where all of this is on a machine; tests bring their own. */
export interface UpgradePlaces {
  /** `/var/lib/atoll/upgrade` */
  readonly stateDir: string;
  /** `/run/atoll` */
  readonly runDir: string;
  /** `/usr/lib/atoll/ota`: `authorities.pem`, `revoked.crl.pem`. */
  readonly trustDir: string;
  /** The mounted EFI system partition: `/efi`. */
  readonly esp: string;
  /** Block devices (or files of the right size). */
  readonly root: Readonly<Record<SlotName, string>>;
  readonly verity: Readonly<Record<SlotName, string>>;
}

/** What an image definition and the data it draws on mean, after validation. Sizes in bytes. */
import type { ArchitectureName } from '../boards.ts';
import type { BootMethodName } from '../boot/method.ts';
import type { Located } from './yaml-reader.ts';

export interface ImageDefinition {
  readonly name: string;
  readonly description: string;
  readonly architecture: ArchitectureName;
  readonly board: string;
  readonly debian: {
    readonly suites: readonly Suite[];
    /** Suites that a build which is no release does without when the mirror's index of them does not hold. */
    readonly mayLack: readonly Suite[];
    readonly components: readonly Component[];
  };
  readonly kernel: {
    readonly package: Located<string>;
    /** Where it is newer than in `debian.suites`, for boards that need that; nothing else is taken from there. */
    readonly suite?: KernelSuite;
    readonly modules: readonly Located<string>[];
  };
  readonly packages: readonly Located<string>[];
  readonly boot: {
    readonly method: BootMethodName;
    readonly tries: number;
    readonly cmdline: readonly string[];
  };
  readonly partitions: {
    readonly espBytes: number;
    readonly rootBytes: number;
    readonly verityBytes: number;
    readonly varMinimumBytes: number;
  };
  readonly outputs: readonly Output[];
  /** Folders laid over rootfs/overlay, absolute. */
  readonly overlays: readonly string[];
  /** The oldest version a bundle of it may be installed from; absent: any. */
  readonly minimumVersion?: string;
}

export type Suite = 'trixie' | 'trixie-updates' | 'trixie-security';
export type KernelSuite = 'trixie-backports';
export type Component = 'main' | 'non-free-firmware';
export type Output = 'raw' | 'zst' | 'qcow2';

/** `rootfs/packages.yaml` */
export interface PackageLists {
  readonly install: readonly Located<string>[];
  /** Package name → why it is not in the root. */
  readonly leaveOut: ReadonlyMap<string, string>;
}

/** `rootfs/modules.yaml`: class → globs. */
export type ModuleClasses = ReadonlyMap<string, readonly string[]>;

/** `rootfs/trim.yaml` */
export interface TrimRule {
  readonly name: string;
  readonly why: string;
  /** Globs of absolute paths that are left out. */
  readonly remove: readonly string[];
  /** Globs that stay although a `remove` of this rule matches. */
  readonly keep: readonly string[];
}

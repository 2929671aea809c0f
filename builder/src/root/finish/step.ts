/**
 * A finishing step does one thing that maintainer scripts would have done on an installed system, or that an image needs
 * instead. The steps run in the order of `finish/index.ts`, on the merged tree.
 */
import type { Architecture } from '../../boards.ts';
import type { TrimRule } from '../../definition/types.ts';
import type { RootTree } from '../tree.ts';

export interface FinishContext {
  readonly architecture: Architecture;
  readonly trim: readonly TrimRule[];
  /** Fixed user and group ids (rootfs/ids.yaml). */
  readonly ids: ReadonlyMap<string, number>;
  /** What `busybox --list-full` prints: applet paths without a leading slash. */
  readonly applets: readonly string[];
  /** Names and globs under /usr/lib/firmware that the kept kernel modules may ask for. */
  readonly firmware: readonly string[];
  /** Records why paths are not in the root: rule name → paths. */
  readonly dropped: Map<string, string[]>;
}

export interface FinishingStep {
  readonly name: string;
  /** What it stands for: the maintainer script it replaces, or the reason it exists. */
  readonly why: string;
  apply(tree: RootTree, context: FinishContext): Promise<void> | void;
}

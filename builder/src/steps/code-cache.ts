/**
 * V8's code cache of the runtime's bundles, written by their own loaders under the Node.js of the tools tree, which is the image's.
 * V8 refuses it, and only then compiles, under another version or other V8 flags: the units and `atoll` give the same.
 */
import { basename, dirname } from 'node:path';
import type { FileRef } from '../files.ts';
import type { Step } from '../step.ts';
import { tool } from '../tools.ts';

export interface CodeCacheInputs {
  /** The loader and the bundle it runs, in one folder. */
  readonly runtime: readonly [loader: FileRef, bundle: FileRef];
  readonly config: readonly [loader: FileRef, bundle: FileRef];
  readonly flags: readonly string[];
  readonly tools: string;
}

/** As the units and scripts have them: `node <flags> /usr/lib/atoll/atoll.js`. */
export const daemonFlags = ['--max-semi-space-size=2'] as const;

export const buildCodeCache: Step<CodeCacheInputs, 'runtime.cache' | 'config-bundle.cache'> = {
  name: 'code-cache',
  title: "V8's code cache of the runtime",
  module: import.meta.url,
  outputs: ['runtime.cache', 'config-bundle.cache'],
  async run({ runtime, config, flags }, { directory, signal }) {
    // The name of the script is in V8's file, so it is the same wherever the builder's cache lies.
    const inside = '/atoll';
    for (const [[loader], cache] of [
      [runtime, 'runtime.cache'],
      [config, 'config-bundle.cache'],
    ] as const) {
      // So would be the seed of V8's string hashes; it is no part of what V8 checks.
      const node = ['node', '--random-seed=1', ...flags, `${inside}/${basename(loader.path)}`, '--write-code-cache'];
      await tool(['sh', '-c', `exec "$@" > ${cache}`, 'sh', ...node], {
        readOnlyAt: { [dirname(loader.path)]: inside },
        binds: [directory],
        cwd: directory,
        signal,
      });
    }
  },
};

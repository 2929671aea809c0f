/**
 * The read-only root and its hash tree: `root.erofs`, `root.verity` (with the root's block index behind the tree, see
 * `formats/block-index.ts`), and `roothash` (hex), which seals both. The runtime comes in
 * here and not with the packages, so that a changed line of it does not compose the root again.
 *
 * The obvious next step, adding the runtime to a finished image, is not safe: `mkfs.erofs --incremental` of erofs-utils 1.8.6 damages a
 * tail-packed file of the image it adds to, and the packed file that `fragments` makes; fsck.erofs sees neither.
 * Sources: mkfs.erofs(1), veritysetup(8), kernel Documentation/admin-guide/device-mapper/verity.rst.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { appendFile, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { BuildError } from '../errors.ts';
import type { FileRef } from '../files.ts';
import { blockHashes, blockIndex, wholeBlocks } from '../formats/block-index.ts';
import { type ElfTarget, foreign, readElf } from '../formats/elf.ts';
import { tarEnd } from '../formats/tar.ts';
import { RootTree } from '../root/tree.ts';
import { treeTar } from '../root/write-tar.ts';
import type { Step } from '../step.ts';
import { tool } from '../tools.ts';
import { erofsOptions, filler } from './erofs-layout.ts';

export interface ErofsInputs {
  readonly tar: FileRef;
  /** Names of the libraries in the root. */
  readonly libraries: readonly string[];
  /** The runtime: path in the root → content, mode 0644. */
  readonly runtime: Readonly<Record<string, FileRef>>;
  /** What one image has and another of the same packages has not: path in the root → content. */
  readonly texts: Readonly<Record<string, string>>;
  readonly architecture: ElfTarget;
  /** Seconds since 1970, the time of every file. */
  readonly epoch: number;
  /** Fixed identifiers: the same root gives the same bytes. */
  readonly uuid: string;
  readonly verityUuid: string;
  /** Hex. */
  readonly salt: string;
  /** {@link zstdLevels} */
  readonly zstdLevel: number;
  readonly rootBytes: number;
  readonly verityBytes: number;
  readonly tools: string;
}

/** Sorts behind what changes with the runtime, in its folder. */
const fillerPath = 'usr/lib/atoll/zz-fill';

/** What keeps a native module from being loaded in the root: it is for another machine, or a library is not there. */
export function moduleProblems(
  path: string,
  content: Buffer,
  { libraries, architecture }: Pick<ErofsInputs, 'libraries' | 'architecture'>,
): string[] {
  const facts = readElf(content);
  if (!facts) return [];
  const whatFor = foreign(facts, architecture);
  return [
    ...(whatFor === undefined ? [] : [`/${path} ${whatFor}`]),
    ...facts.needed
      .filter(soname => !libraries.includes(soname))
      .map(soname => `/${path} needs ${soname}, which is not in the root`),
  ];
}

async function runtimeTree(inputs: ErofsInputs): Promise<RootTree> {
  const tree = new RootTree();
  const problems: string[] = [];
  for (const [path, file] of Object.entries(inputs.runtime)) {
    const content = await readFile(file.path);
    problems.push(...moduleProblems(path, content, inputs));
    tree.file(path, content, { origin: 'atoll' });
  }
  for (const [path, text] of Object.entries(inputs.texts)) tree.file(path, text, { origin: 'atoll' });
  const sizes = tree.list().map(node => (node.type === 'file' ? node.sizeBytes : 0));
  tree.file(fillerPath, filler(sizes), { origin: 'atoll' });
  if (problems.length === 0) return tree;
  throw new BuildError('ROOT_INCONSISTENT', `the runtime does not fit the root (${problems.length} problems)`, {
    tail: problems.join('\n'),
    hint: 'Add the package that has it to rootfs/packages.yaml.',
  });
}

/** The root's tar and the runtime's as one. Members of the second win (mkfs.erofs --tar, as in any tar). */
async function* joined(inputs: ErofsInputs): AsyncGenerator<Buffer> {
  yield* createReadStream(inputs.tar.path, {
    end: inputs.tar.sizeBytes - tarEnd.length - 1,
    highWaterMark: 1 << 20,
  }) as AsyncIterable<Buffer>;
  yield* treeTar(await runtimeTree(inputs), inputs.epoch);
}

export const buildErofs: Step<ErofsInputs, 'root.erofs' | 'root.verity' | 'roothash'> = {
  name: 'erofs',
  title: 'Root file system and verity',
  module: import.meta.url,
  outputs: ['root.erofs', 'root.verity', 'roothash'],
  async run(inputs, { directory, scratch, signal }) {
    const image = join(directory, 'root.erofs');
    const hashes = join(directory, 'root.verity');
    const tar = join(scratch, 'root.tar');
    await pipeline(joined(inputs), createWriteStream(tar), { signal });
    const mounts = { binds: [directory, scratch], signal };
    const fixed = [`-T${inputs.epoch}`, `-U${inputs.uuid}`, '--quiet'];
    await tool(['mkfs.erofs', ...erofsOptions(inputs.zstdLevel), ...fixed, '--tar=f', image, tar], mounts);
    const { stdout } = await tool(
      ['veritysetup', 'format', `--salt=${inputs.salt}`, `--uuid=${inputs.verityUuid}`, '--hash=sha256', image, hashes],
      mounts,
    );
    const roothash = /^Root hash:\s+([0-9a-f]{64})$/m.exec(stdout)?.[1];
    if (!roothash) throw new BuildError('STEP_BROKEN', 'veritysetup did not say the root hash', { tail: stdout });
    await writeFile(join(directory, 'roothash'), roothash);
    // Behind the tree, which dm-verity's table ends before: what an upgrade compares with, so that it need not read the whole root.
    await truncate(hashes, wholeBlocks((await stat(hashes)).size));
    await appendFile(hashes, blockIndex(await blockHashes(image)));
    for (const [path, limit, name] of [
      [image, inputs.rootBytes, 'root'],
      [hashes, inputs.verityBytes, 'verity'],
    ] as const) {
      const { size } = await stat(path);
      if (size > limit) {
        throw new BuildError('PARTITION_TOO_SMALL', `the ${name} image has ${size} bytes, its partition ${limit}`, {
          hint: `Raise partitions.${name} in the image definition, or leave something out of the root.`,
        });
      }
    }
  },
};

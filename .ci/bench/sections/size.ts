/** What the built image weighs, and what a release of it does: the artefact's files and what its partitions hold. */
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseDocument } from 'yaml';
import type { BuildManifest } from '../../../builder/src/manifest.ts';
import { type ArtefactPaths, artefactPaths, repositoryRoot } from '../../../builder/src/paths.ts';
import { run } from '../../../builder/src/process.ts';
import type { Figure } from '../figures.ts';
import type { Section, SectionContext } from '../section.ts';

/** What is published, in MiB: Talos Linux publishes 95 for amd64 and 86 for arm64. */
const aimsMiB: Readonly<Record<string, number>> = { 'vm-x86_64': 95, 'vm-arm64': 86, 'vm-armv7': 80 };

async function figuresOf(image: string, paths: ArtefactPaths, published: boolean): Promise<Figure[]> {
  const manifest = JSON.parse(await readFile(paths.manifest, 'utf8')) as BuildManifest;
  const sized = (id: string, label: string, path: string): Figure => {
    const value = manifest.sizes[basename(path)];
    if (value === undefined) throw new Error(`the manifest of ${image} gives no size of ${basename(path)}`);
    return { id, label, unit: 'bytes', value };
  };
  const { blocks } = await stat(paths.raw);
  const aimMiB = published ? aimsMiB[image] : undefined;
  const figures: Figure[] = [
    {
      ...sized('compressed', 'disk image, compressed (what is flashed)', paths.compressed),
      compared: published ? 'release' : 'compressed',
      ...(aimMiB === undefined ? {} : { atMost: aimMiB * 1024 ** 2 }),
    },
    { id: 'allocated', label: 'disk image, as the sparse file takes', unit: 'bytes', value: blocks * 512 },
    sized('uki', 'unified kernel image', paths.uki),
    sized('kernel', 'of it, the kernel', paths.kernel),
    sized('initrd', 'of it, the initrd', paths.initrd),
    { id: 'root', label: 'files of the root, before compression', unit: 'bytes', value: manifest.root.bytes },
    { id: 'packages', label: 'Debian packages in it', unit: 'count', value: manifest.packages.length },
  ];
  for (const { label, usedBytes, sizeBytes } of manifest.partitions) {
    figures.push({ id: `${label}.used`, row: `partition ${label}`, label: 'used', unit: 'bytes', value: usedBytes });
    figures.push({ id: `${label}.size`, row: `partition ${label}`, label: 'size', unit: 'bytes', value: sizeBytes });
  }
  return figures;
}

export const size: Section = {
  name: 'size',
  title: 'size of the image',
  notes: ['As it is built every day. What is published is packed harder, which takes minutes: ROWS=release.'],
  ofImage: true,
  needsImage: true,
  once: true,
  run: async ({ image }) => ({ figures: await figuresOf(image, artefactPaths(image), false) }),
};

/** What a build says when the mirror's index of a suite does not hold. */
const suiteFailed = /\[(HASH_MISMATCH|ARCHIVE_UNREACHABLE)\]/;

class SuiteFailedError extends Error {
  override readonly name = 'SuiteFailedError';
}

const buildRelease = async (definition: string, out: string, { signal }: SectionContext): Promise<void> => {
  const said: string[] = [];
  try {
    await run(
      [
        process.execPath,
        ...['--import', 'tsx', 'builder/src/cli.ts', 'build', definition],
        ...['--keys', 'release', '--out', out],
      ],
      { cwd: repositoryRoot, signal, title: 'the build', stopSignal: 'SIGTERM', onLine: line => said.push(line) },
    );
  } catch (error) {
    const why = said.find(line => suiteFailed.test(line));
    throw why === undefined || signal.aborted ? error : new SuiteFailedError(why);
  }
};

/** The image's definition without the suites it may lack, as a file in `folder`. @throws `failure` where it may lack none */
async function leaner(image: string, folder: string, failure: Error): Promise<{ file: string; without: string }> {
  const definition = parseDocument(await readFile(join(repositoryRoot, 'images', `${image}.yaml`), 'utf8'));
  const { debian } = definition.toJS() as { debian: { suites: string[]; 'may-lack'?: string[] } };
  const without = debian['may-lack'];
  if (without === undefined) throw failure;
  const suites = debian.suites.filter(suite => !without.includes(suite));
  definition.setIn(['debian', 'suites'], suites);
  definition.deleteIn(['debian', 'may-lack']);
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${image}.yaml`);
  await writeFile(file, String(definition));
  return { file, without: without.join(' and ') };
}

export const release: Section = {
  name: 'release',
  title: 'size of a release',
  notes: ['Built with --keys release. The first one takes minutes.'],
  ofImage: true,
  once: true,
  onlyNamed: true,
  async run(context) {
    const { image, say } = context;
    const out = join(repositoryRoot, 'out', 'release');
    say(`building a release of ${image}`);
    try {
      await buildRelease(image, out, context);
      return { figures: await figuresOf(image, artefactPaths(image, out), true) };
    } catch (error) {
      if (!(error instanceof SuiteFailedError)) throw error;
      // Only to be weighed: it may lack security fixes, so nothing of it stays.
      const folder = join(out, 'incomplete');
      try {
        const { file, without } = await leaner(image, folder, error);
        say(`the mirror has not all of ${image}: it is weighed without ${without}`);
        await buildRelease(file, folder, context);
        const problem = `${error.message}\nno release; weighed without ${without}`;
        return { figures: await figuresOf(image, artefactPaths(image, folder), true), problems: [problem] };
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    }
  },
};

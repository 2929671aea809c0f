/** `imager-json` of the command line. */
import { readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { boards } from '../boards.ts';
import { listImages, loadDefinition } from '../definition/load.ts';
import { hashFile } from '../files.ts';
import type { BuildManifest } from '../manifest.ts';
import { parseOptions, usage } from '../options.ts';
import { artefactPaths, repositoryRoot } from '../paths.ts';
import { type PublishedImage, repositoryText } from './repository.ts';

export const imagerHelp = `  imager-json IMAGE…   the list for Raspberry Pi Imager, with its customisation (docs/flashing.md)
    --url URL       the folder the .raw.zst are published in (default: where they are now)
    --icon URL      40 × 40 pixels (default: one of Imager's own)
`;

const options = {
  out: { type: 'string', default: join(repositoryRoot, 'out') },
  url: { type: 'string' },
  icon: { type: 'string', default: '../icons/use_custom.png' },
} as const;

async function describe(image: string): Promise<string> {
  if (!(await listImages()).includes(image)) return 'Kubernetes node from one image';
  return (await loadDefinition(image)).image.description;
}

async function published(image: string, out: string, base: string | undefined, icon: string): Promise<PublishedImage> {
  const { manifest: path, raw, compressed } = artefactPaths(image, out);
  const text = await readFile(path, 'utf8').catch(() => {
    throw usage(`${image} is not built yet: there is no ${path}`, `Run \`make image IMAGE=${image}\` first.`);
  });
  const manifest = JSON.parse(text) as BuildManifest;
  const board = boards[manifest.board]?.imager;
  if (!board)
    throw usage(
      `${image} is for ${manifest.board}, which is no Raspberry Pi`,
      `Imager's list is for ${Object.keys(boards)
        .filter(name => boards[name]?.imager)
        .join(' and ')}.`,
    );
  const compressedSha256 = manifest.sha256[basename(compressed)];
  if (compressedSha256 === undefined)
    throw usage(`${image} was built without its compressed image`, 'Build it without --no-compress.');
  return {
    name: image,
    version: manifest.version,
    description: await describe(image),
    board,
    url: base === undefined ? pathToFileURL(compressed).href : `${base.replace(/\/$/, '')}/${basename(compressed)}`,
    icon,
    date: manifest.time.slice(0, 10),
    rawBytes: (await stat(raw)).size,
    rawSha256: await hashFile(raw),
    compressedBytes: (await stat(compressed)).size,
    compressedSha256,
  };
}

/** Prints the list. @throws BuildError USAGE */
export async function imagerCommand(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseOptions(argv, options);
  if (positionals.length === 0) throw usage('imager-json needs an image', 'For example `imager-json rpi-arm64`.');
  if (values.url !== undefined && !URL.canParse(values.url))
    throw usage(`--url is ${values.url}`, 'It takes a URL such as https://example.org/atoll/.');
  const images: PublishedImage[] = [];
  for (const image of positionals) images.push(await published(image, resolve(values.out), values.url, values.icon));
  process.stdout.write(repositoryText(images));
  return 0;
}

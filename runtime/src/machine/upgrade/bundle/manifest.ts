/**
 * The manifest of a bundle, as signed: GLib's key files, read strictly. What this installer does not know it does not pass over:
 * a hook or a handler left out would be another upgrade than the one that was signed.
 * Sources: RAUC 1.13 reference, "Manifest"; GLib, "Desktop Entry Specification, Basic format".
 */
import { BLOCK_BYTES, type BundleImage, type BundleManifest, type ImageName } from '../types.ts';
import { UpgradeError } from '../upgradeError.ts';

/** How the payload is checked. */
export interface PayloadVerity {
  /** Hex, 64 digits. */
  readonly roothash: string;
  readonly salt: Buffer;
  readonly treeBytes: number;
}

export interface SignedManifest extends BundleManifest {
  readonly payload: PayloadVerity;
}

const names: readonly ImageName[] = ['root', 'verity', 'uki'];
/** Larger than any disk it could go to. */
const mostBytes = 2 ** 40;

const known: Readonly<Record<string, readonly string[]>> = {
  update: ['compatible', 'version', 'description', 'build', 'min-rauc-version'],
  bundle: ['format', 'verity-hash', 'verity-salt', 'verity-size'],
  image: ['filename', 'sha256', 'size', 'adaptive', 'type'],
  'meta.atoll': ['roothash', 'notes', 'minimum-version'],
};

/** @throws UpgradeError MANIFEST, with the line or the key */
export function parseManifest(text: string): SignedManifest {
  const sections = parseKeyFile(text);
  for (const [section, values] of sections) {
    const kind = section.startsWith('image.') ? 'image' : section;
    if (kind.startsWith('meta.') && kind !== 'meta.atoll') continue;
    const keys = known[kind];
    if (!keys) throw wrong(`has a section [${section}], which this installer does not do`);
    for (const key of values.keys())
      if (!keys.includes(key)) throw wrong(`[${section}] has ${key}, which this installer does not do`);
  }
  const value = (section: string, key: string): string => {
    const found = sections.get(section)?.get(key);
    if (found === undefined || found === '') throw wrong(`[${section}] has no ${key}`);
    return found;
  };
  const hex = (section: string, key: string): string => {
    const found = value(section, key);
    if (!/^[0-9a-f]{64}$/.test(found)) throw wrong(`[${section}] ${key} is not a SHA-256: "${found}"`);
    return found;
  };
  const format = value('bundle', 'format');
  if (format !== 'verity') throw wrong(`its format is ${format}: only verity is taken`);
  const image = (name: ImageName): BundleImage => {
    const section = `image.${name}`;
    if (!sections.has(section)) throw wrong(`has no image ${name}`);
    const filename = value(section, 'filename');
    if (!/^[\w.-]+$/.test(filename) || filename.startsWith('.'))
      throw wrong(`[${section}] filename is no plain name: "${filename}"`);
    const adaptive = value(section, 'adaptive').split(';');
    if (!adaptive.includes('block-hash-index'))
      throw wrong(`[${section}] has no block index (adaptive=block-hash-index)`);
    return { filename, sha256: hex(section, 'sha256'), sizeBytes: size(section, 'size', value(section, 'size')) };
  };
  for (const section of sections.keys())
    if (section.startsWith('image.') && !names.some(name => section === `image.${name}`))
      throw wrong(`has an image that no slot is for: ${section}`);
  const salt = value('bundle', 'verity-salt');
  if (!/^([0-9a-f]{2})+$/.test(salt) || salt.length > 512)
    throw wrong(`[bundle] verity-salt is not hexadecimal: "${salt}"`);
  const minimum = sections.get('meta.atoll')?.get('minimum-version');
  return {
    compatible: value('update', 'compatible'),
    version: versionOf(value('update', 'version')),
    built: sections.get('update')?.get('build') ?? '',
    notes: Buffer.from(sections.get('meta.atoll')?.get('notes') ?? '', 'base64').toString('utf8'),
    roothash: hex('meta.atoll', 'roothash'),
    ...(minimum === undefined || minimum === '' ? {} : { minimumVersion: minimum }),
    images: { root: image('root'), verity: image('verity'), uki: image('uki') },
    payload: {
      roothash: hex('bundle', 'verity-hash'),
      salt: Buffer.from(salt, 'hex'),
      treeBytes: size('bundle', 'verity-size', value('bundle', 'verity-size')),
    },
  };
}

/** Names of files are made of it. */
function versionOf(text: string): string {
  if (!/^[0-9A-Za-z][0-9A-Za-z.~^+-]{0,63}$/.test(text)) throw wrong(`[update] version is no version: "${text}"`);
  return text;
}

function size(section: string, key: string, text: string): number {
  const bytes = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(bytes > 0 && bytes <= mostBytes && bytes % BLOCK_BYTES === 0))
    throw wrong(`[${section}] ${key} is not a multiple of ${BLOCK_BYTES}: "${text}"`);
  return bytes;
}

function parseKeyFile(text: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let current: Map<string, string> | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const section = /^\[([^[\]]+)\]\s*$/.exec(line)?.[1];
    if (section !== undefined) {
      if (sections.has(section)) throw wrong(`line ${index + 1}: [${section}] stands there twice`);
      current = new Map();
      sections.set(section, current);
      continue;
    }
    const match = /^([A-Za-z0-9_-]+)\s*=\s*(.*?)\s*$/.exec(line);
    const [, key, value] = match ?? [];
    if (key === undefined || value === undefined || !current)
      throw wrong(`line ${index + 1} is neither a section nor a value: "${line}"`);
    if (current.has(key)) throw wrong(`line ${index + 1}: ${key} stands there twice`);
    current.set(key, value);
  }
  return sections;
}

const wrong = (what: string): UpgradeError =>
  new UpgradeError(
    'MANIFEST',
    `the bundle's manifest: ${what}`,
    'make it with `make bundle`, or upgrade by way of a version between',
  );

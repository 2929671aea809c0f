/**
 * The channel: a folder to put on a web server, with bundles, `revoked.crl.pem`, and `channel.json`, which says which is the newest of
 * each image and how many nodes may take it. Nothing in it is trusted: what a node installs is what the bundle's signature says.
 *
 * Always true: `channel.json` names only bundles that lie beside it, whole.
 */
import { constants } from 'node:fs';
import { copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { compareVersions } from '../../runtime/src/machine/upgrade/loader/versionOrder.ts';
import { BuildError } from './errors.ts';
import { type FileRef, writeFileAtomic } from './files.ts';

/** `channel.json` */
export interface Channel {
  readonly format: 1;
  /** By the image's name, as `vm-x86_64`. */
  readonly images: Readonly<Record<string, ChannelEntry>>;
}

export interface ChannelEntry {
  readonly version: string;
  /** File beside `channel.json` (a relative URL). */
  readonly bundle: string;
  readonly sizeBytes: number;
  /** Hex, of the whole file. */
  readonly sha256: string;
  /** Hex: two builds of one version are told apart by it. */
  readonly roothash: string;
  /** Of the nodes, 0 to 100. */
  readonly rolloutPercent: number;
  /** Release notes; empty: none. */
  readonly notes: string;
  /** The oldest version that may be upgraded from. */
  readonly minimumVersion?: string;
}

/** As in the name of a bundle: `0.2.0`, and before it `0.2.0~rc.1` (UAPI.10: `~` sorts before the end). */
export const isVersion = (text: string): boolean => /^\d{1,6}\.\d{1,6}\.\d{1,6}(~[0-9a-z.]{1,20})?$/.test(text);

export async function readChannel(folder: string): Promise<Channel> {
  const path = join(folder, 'channel.json');
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{"format":1,"images":{}}';
    throw error;
  });
  try {
    const channel = JSON.parse(text) as Channel;
    if (channel.format === 1 && typeof channel.images === 'object') return channel;
  } catch {
    // Said below.
  }
  throw new BuildError('USAGE', 'this is no channel file of format 1', {
    where: path,
    hint: 'Mend it, or move it away.',
  });
}

/** A bundle and what lies beside it. */
export interface Publication {
  readonly image: string;
  readonly bundle: FileRef;
  readonly entry: Omit<ChannelEntry, 'sizeBytes' | 'sha256'>;
  /** Revocation lists, PEM: nodes look into them besides those of their image. */
  readonly revoked: string;
}

/**
 * Puts a bundle into the channel. An older version than the channel's is put beside it, and not named.
 * @returns whether the channel names it now.
 */
export async function publishBundle(folder: string, { image, bundle, entry, revoked }: Publication): Promise<boolean> {
  await mkdir(folder, { recursive: true });
  const channel = await readChannel(folder);
  const target = join(folder, entry.bundle);
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    await copyFile(bundle.path, temporary, constants.COPYFILE_FICLONE);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await writeFileAtomic(join(folder, 'revoked.crl.pem'), revoked);
  const standing = channel.images[image];
  if (standing && compareVersions(entry.version, standing.version) < 0) return false;
  const { sizeBytes, sha256 } = bundle;
  const images = { ...channel.images, [image]: { ...entry, sizeBytes, sha256 } };
  const sorted = Object.fromEntries(Object.entries(images).sort(([a], [b]) => (a < b ? -1 : 1)));
  await writeFileAtomic(
    join(folder, 'channel.json'),
    `${JSON.stringify({ format: 1, images: sorted }, undefined, 1)}\n`,
  );
  return true;
}

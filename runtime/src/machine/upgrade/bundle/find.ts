/**
 * What a person or a channel names, and the bundle it leads to: a URL of a bundle, a URL of a channel (`….json`, or a folder with a `channel.json`), a
 * file; a directory, a block device, or `usb` for all sticks that are plugged in, in which the newest bundle for this image is meant.
 *
 * A channel is a file that anybody may serve; what it leads to is signed. Its form: builder/src/channel.ts.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { compareVersions } from '../loader/versionOrder.ts';
import { UpgradeError } from '../upgradeError.ts';
import { type Bundle, readBundle } from './bundle.ts';
import { openFileSource, reasonOf } from './fileSource.ts';
import { shownUrl } from './httpExchange.ts';
import { fetchSmall, type HttpOptions, openHttpSource } from './httpSource.ts';
import type { Trust } from './signature.ts';
import { removableDevices, USB, whileMounted } from './stick.ts';

export interface OpenOptions {
  readonly trust: Trust;
  /** `atoll-` and the image's name: which bundle of several is meant. */
  readonly compatible: string;
  readonly http?: HttpOptions;
}

/** What a channel says of the newest bundle of an image. */
export interface ChannelEntry {
  readonly version: string;
  readonly url: URL;
  /** Percent of the machines that may have it now. */
  readonly rolloutPercent: number;
}

const mostChannelBytes = 1 << 18;
const mostFiles = 64;

const urlOf = (text: string): URL | undefined =>
  /^https?:\/\//i.test(text) && URL.canParse(text) ? new URL(text) : undefined;

/** The URL of a channel's file, if it is one: the path ends with `.json` or with `/`. */
export function channelUrl(text: string): URL | undefined {
  const url = urlOf(text);
  if (url?.pathname.endsWith('/')) url.pathname += 'channel.json';
  return url?.pathname.endsWith('.json') ? url : undefined;
}

/** Opens what was named. @throws UpgradeError */
export async function openBundle(named: string, options: OpenOptions, signal: AbortSignal): Promise<Bundle> {
  const channel = channelUrl(named);
  if (channel) return fromChannel(channel, options, signal);
  const url = urlOf(named);
  if (url) return readBundle(await openHttpSource(url, signal, options.http), options.trust, signal);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(named))
    throw new UpgradeError(
      'NO_BUNDLE',
      `${shownUrl(named)} is not an address that bundles come from`,
      'https://…, http://…, a file, a directory, a device, or usb',
    );
  if (named === USB) return fromSticks(await removableDevices(), options, signal);
  const found = await stat(named).catch((cause: unknown) => {
    throw new UpgradeError(
      'NO_BUNDLE',
      `${named}: ${reasonOf(cause)}`,
      'name a URL, a file, a directory with bundles, a device such as /dev/sdb1, or usb',
      { cause },
    );
  });
  if (found.isBlockDevice()) return fromSticks([named], options, signal);
  return found.isDirectory()
    ? newestIn(named, options, signal)
    : readBundle(await openFileSource(named), options.trust, signal);
}

async function fromChannel(url: URL, options: OpenOptions, signal: AbortSignal): Promise<Bundle> {
  const entry = await readChannel(url, options, signal);
  if (!entry)
    throw new UpgradeError('NO_BUNDLE', `the channel ${shownUrl(url)} has no bundle for ${options.compatible}`);
  return readBundle(await openHttpSource(entry.url, signal, options.http), options.trust, signal);
}

/** What a channel has for this image; undefined: nothing. @throws UpgradeError */
export async function readChannel(
  url: URL,
  { compatible, http }: Pick<OpenOptions, 'compatible' | 'http'>,
  signal: AbortSignal,
): Promise<ChannelEntry | undefined> {
  const text = (await fetchSmall(url, mostChannelBytes, signal, http)).toString('utf8');
  const wrong = (what: string): UpgradeError =>
    new UpgradeError(
      'NO_BUNDLE',
      `${shownUrl(url)} is not a channel: ${what}`,
      '`make bundle` makes one, channel.json',
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong('it is not JSON');
  }
  if (!isRecord(value) || value.format !== 1) throw wrong('it has no "format": 1');
  if (!isRecord(value.images)) throw wrong('it has no images');
  const image = compatible.replace(/^atoll-/, '');
  const entry = value.images[image];
  if (entry === undefined) return undefined;
  if (!isRecord(entry)) throw wrong(`images.${image} is no object`);
  const { version, bundle, rolloutPercent = 100 } = entry;
  if (typeof version !== 'string' || typeof bundle !== 'string' || !URL.canParse(bundle, url.href))
    throw wrong(`images.${image} has no version or no bundle`);
  if (typeof rolloutPercent !== 'number' || !(rolloutPercent >= 0 && rolloutPercent <= 100))
    throw wrong(`images.${image}.rolloutPercent is no percentage`);
  return { version, url: new URL(bundle, url), rolloutPercent };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @throws UpgradeError */
async function fromSticks(devices: readonly string[], options: OpenOptions, signal: AbortSignal): Promise<Bundle> {
  if (devices.length === 0)
    throw new UpgradeError(
      'NO_BUNDLE',
      'no stick or card is plugged in',
      '/proc/partitions shows the disks; one that is not said to be removable can be named: /dev/sdb1',
    );
  return search(devices.join(' and '), options, async found => {
    for (const device of devices)
      await whileMounted(device, options.trust.runDir, directory => newer(found, directory, options, signal)).catch(
        (error: unknown) => {
          if (!(error instanceof UpgradeError)) throw error;
          found.wrong.push(error.message);
        },
      );
  });
}

const newestIn = (directory: string, options: OpenOptions, signal: AbortSignal): Promise<Bundle> =>
  search(directory, options, found => newer(found, directory, options, signal));

interface Found {
  newest?: Bundle;
  /** What is wrong with the others. */
  readonly wrong: string[];
}

/** What `look` finds; where it does not end, nothing stays open. @throws UpgradeError where there is none; what `look` throws */
async function search(where: string, options: OpenOptions, look: (found: Found) => Promise<void>): Promise<Bundle> {
  const found: Found = { wrong: [] };
  try {
    await look(found);
  } catch (error) {
    await found.newest?.close();
    throw error;
  }
  return theNewest(found, where, options);
}

/** Looks for a newer good bundle for this image in a directory. */
async function newer(found: Found, directory: string, options: OpenOptions, signal: AbortSignal): Promise<void> {
  const names = (await readdir(directory)).filter(name => name.endsWith('.raucb') && !name.startsWith('.')).sort();
  for (const name of names.slice(0, mostFiles)) {
    let bundle: Bundle;
    try {
      bundle = await readBundle(await openFileSource(join(directory, name)), options.trust, signal);
    } catch (error) {
      if (!(error instanceof UpgradeError)) throw error;
      found.wrong.push(error.message);
      continue;
    }
    const { compatible, version } = bundle.manifest;
    if (compatible !== options.compatible) {
      found.wrong.push(`${bundle.shown} is for ${compatible}`);
      await bundle.close();
    } else if (found.newest && compareVersions(version, found.newest.manifest.version) <= 0) await bundle.close();
    else {
      await found.newest?.close();
      found.newest = bundle;
    }
  }
}

/** @throws UpgradeError where there is none */
function theNewest({ newest, wrong }: Found, where: string, { compatible }: OpenOptions): Bundle {
  if (newest) return newest;
  throw new UpgradeError(
    'NO_BUNDLE',
    `${where} has no bundle for ${compatible}${wrong.length > 0 ? `: ${wrong.join('; ')}` : ''}`,
    wrong.length === 0 ? 'a bundle is the .raucb file that `make bundle` makes' : undefined,
  );
}

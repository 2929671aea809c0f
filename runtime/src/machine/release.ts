/** What this image is: read from os-release(5), which the builder writes. */
import { readFileSync } from 'node:fs';

export interface Release {
  /** Atoll's version: `0.1.0`. */
  readonly version: string;
  /** The image's name: `vm-x86_64`; `none` outside an image. */
  readonly image: string;
  /** The Kubernetes version whose API is served. */
  readonly kubernetes: string;
}

/** The API's version: the generated schema's. */
export const KUBERNETES_VERSION = 'v1.36.4';

/** Replaced by the bundler; the version of the sources otherwise. */
declare const ATOLL_VERSION: string | undefined;
const sourceVersion = typeof ATOLL_VERSION === 'string' ? ATOLL_VERSION : '0.1.0-dev';

/** Values of os-release(5): `KEY=value`, `KEY="quoted"`. */
export function parseOsRelease(text: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const match = /^([A-Z_0-9]+)=(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S*))\s*$/.exec(line);
    if (match?.[1]) out[match[1]] = match[2]?.replace(/\\(.)/g, '$1') ?? match[3] ?? match[4] ?? '';
  }
  return out;
}

export function release(osReleasePath = '/etc/os-release'): Release {
  let fields: Record<string, string> = {};
  try {
    fields = parseOsRelease(readFileSync(osReleasePath, 'utf8'));
  } catch {
    // Not Linux as we know it: the sources' version is all there is to say.
  }
  const ours = fields.ID === 'atoll' || fields.IMAGE_ID?.startsWith('atoll') === true;
  return {
    version: ours ? (fields.IMAGE_VERSION ?? fields.VERSION_ID ?? sourceVersion) : sourceVersion,
    image: ours ? (fields.VARIANT_ID ?? fields.IMAGE_ID ?? 'unknown') : 'none',
    kubernetes: KUBERNETES_VERSION,
  };
}

/**
 * Where the keys are: outside the checkout, in `$ATOLL_KEYS`, else `~/.config/atoll/keys`.
 *
 *     development/                     the key at hand: signs what is tried out
 *     release/                         the key that nodes in the field trust
 *       keys.json                      which of the following counts ({@link KeyRing})
 *       authority-1/                   certificate.pem, key.pem, revoked.crl.pem; index.txt and crlnumber are openssl's books
 *       authority-1/signing-<serial>/  certificate.pem, key.pem
 *
 * Always true: folders have mode 700, files 600; no key is ever overwritten or deleted; `keys.json` is replaced whole.
 */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { BuildError } from '../errors.ts';

export const keyKinds = ['development', 'release'] as const;
export type KeyKind = (typeof keyKinds)[number];

/** `keys.json` */
export interface KeyRing {
  readonly format: 1;
  /** Who signs bundles now. */
  readonly signs: { readonly authority: number; readonly serial: string };
  /** Authorities that images built now trust; who signs is one of them. */
  readonly trusted: readonly number[];
}

/** Absolute. */
export function keysDirectory(env: NodeJS.ProcessEnv = process.env): string {
  return resolve(env.ATOLL_KEYS || join(homedir(), '.config', 'atoll', 'keys'));
}

export const ringPath = (keys: string, kind: KeyKind): string => join(keys, kind, 'keys.json');

export function authorityPath(keys: string, kind: KeyKind, authority: number): string {
  return join(keys, kind, `authority-${authority}`);
}

export function signingPath(keys: string, kind: KeyKind, signs: KeyRing['signs']): string {
  return join(authorityPath(keys, kind, signs.authority), `signing-${signs.serial}`);
}

/** Undefined where there are no keys of the kind. @throws BuildError KEYS_BROKEN */
export async function readRing(keys: string, kind: KeyKind): Promise<KeyRing | undefined> {
  const path = ringPath(keys, kind);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const broken = (cause?: unknown): BuildError =>
    new BuildError('KEYS_BROKEN', 'the list of keys cannot be read', {
      where: path,
      hint: 'Put back a copy of the folder; keys that are in the field cannot be made again.',
      cause,
    });
  let ring: Partial<KeyRing>;
  try {
    ring = JSON.parse(text) as Partial<KeyRing>;
  } catch (cause) {
    throw broken(cause);
  }
  const { signs, trusted } = ring;
  const authority = signs?.authority;
  if (!Array.isArray(trusted) || !trusted.includes(authority) || !/^[0-9A-F]{2,40}$/.test(signs?.serial ?? ''))
    throw broken();
  return ring as KeyRing;
}

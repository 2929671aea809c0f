/**
 * The keys of encryption at rest and where their rotation stands: one value, one file, changed by pure steps.
 *
 * Invariants of a ring:
 * - `write` names one of the keys, or is null: values are written as they are;
 * - a key is dropped only by {@link finished}, and only when nothing in the store was written with it (`reencrypt.ts` makes sure);
 *   so whatever is in the store can be read at every moment of a rotation, and a rotation broken off anywhere goes on;
 * - the file is replaced whole, mode 600. The stages are those of K3s (https://docs.k3s.io/cli/secrets-encrypt).
 */
import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { makeDirectory, readFileIfExists, writeFileAtomic } from '../../lib/files.ts';

export const stages = [
  'start',
  'prepare',
  'rotate',
  'reencrypt_request',
  'reencrypt_active',
  'reencrypt_finished',
] as const;
export type Stage = (typeof stages)[number];

export interface EncryptionKey {
  /** Stands in every value written with it. */
  readonly name: string;
  /** ISO 8601. */
  readonly created: string;
  /** 32 bytes, base64. */
  readonly secret: string;
}

export interface KeyRing {
  readonly version: 1;
  /** `secrets`, `configmaps`, `widgets.example.com`: what is encrypted when it is written. */
  readonly resources: readonly string[];
  readonly stage: Stage;
  readonly write: string | null;
  /** There may be Secrets from before they were encrypted: reencryption leaves no trace of them. */
  readonly plain?: true;
  /** Oldest first. */
  readonly keys: readonly EncryptionKey[];
}

/** What was asked for does not fit the stage, or the file is not one. `hint`: what to do. */
export class KeyRingError extends Error {
  override readonly name = 'KeyRingError';
  constructor(
    message: string,
    readonly hint: string,
  ) {
    super(message);
  }
}

/** No colon: it ends the name in a value. Sorts by age. */
export function newKey(now: Date): EncryptionKey {
  const stamp = now.toISOString().replace(/[-:]|\.\d+/g, '');
  return {
    name: `aesgcmkey-${stamp}-${randomBytes(2).toString('hex')}`,
    created: now.toISOString(),
    secret: randomBytes(32).toString('base64'),
  };
}

export function newKeyRing(resources: readonly string[], now: Date): KeyRing {
  const key = newKey(now);
  return { version: 1, resources, stage: 'start', write: key.name, keys: [key] };
}

/** A ring that encrypts nothing and knows no key. */
export const noKeyRing = (resources: readonly string[]): KeyRing => ({
  version: 1,
  resources,
  stage: 'start',
  write: null,
  keys: [],
});

export const rotationActions = ['prepare', 'rotate', 'reencrypt', 'rotate-keys', 'enable', 'disable'] as const;
export type RotationAction = (typeof rotationActions)[number];

/** The ring after a step of its rotation. @throws KeyRingError when this is not the time for it */
export function afterAction(ring: KeyRing, action: RotationAction, now: Date): KeyRing {
  if (ring.stage === 'reencrypt_request' || ring.stage === 'reencrypt_active') {
    throw new KeyRingError(
      `secrets are being reencrypted (${ring.stage}): no ${action} before that is done`,
      'Wait until `atoll secrets-encrypt status` shows reencrypt_finished. The server does it while it runs, and goes on after a restart.',
    );
  }
  const newest = ring.keys.at(-1);
  switch (action) {
    case 'prepare': {
      if (ring.write === null) throw disabled(action);
      if (ring.stage === 'prepare')
        throw new KeyRingError('a new key is prepared already', 'Go on with `atoll secrets-encrypt rotate`.');
      return { ...ring, keys: [...ring.keys, newKey(now)], stage: 'prepare' };
    }
    case 'rotate': {
      if (ring.stage !== 'prepare' || newest === undefined)
        throw new KeyRingError('there is no prepared key to rotate to', 'Begin with `atoll secrets-encrypt prepare`.');
      return { ...ring, write: newest.name, stage: 'rotate' };
    }
    case 'reencrypt': {
      if (ring.stage === 'prepare')
        throw new KeyRingError(
          'the new key is prepared, but not used yet: nothing would change',
          'Go on with `atoll secrets-encrypt rotate`.',
        );
      return { ...ring, stage: 'reencrypt_request' };
    }
    case 'rotate-keys': {
      if (ring.write === null) throw disabled(action);
      const key = newKey(now);
      return { ...ring, keys: [...ring.keys, key], write: key.name, stage: 'reencrypt_request' };
    }
    case 'enable': {
      if (ring.write !== null) return ring;
      const key = newest ?? newKey(now);
      return { ...ring, keys: newest ? ring.keys : [key], write: key.name, stage: 'start', plain: true };
    }
    case 'disable':
      return ring.write === null ? ring : { ...ring, write: null, stage: 'start' };
  }
}

const disabled = (action: string): KeyRingError =>
  new KeyRingError(`encryption is disabled: nothing to ${action}`, 'Enable it with `atoll secrets-encrypt enable`.');

/** The server has begun to write everything anew. */
export const reencrypting = (ring: KeyRing): KeyRing => ({ ...ring, stage: 'reencrypt_active' });

/** Everything is written with the one key, or with none: the others go. */
export function finished({ plain: _, ...ring }: KeyRing): KeyRing {
  return { ...ring, keys: ring.keys.filter(({ name }) => name === ring.write), stage: 'reencrypt_finished' };
}

/** Undefined: there is no such file. @throws KeyRingError when it is not a ring */
export async function readKeyRing(path: string): Promise<KeyRing | undefined> {
  const bytes = await readFileIfExists(path);
  return bytes && parseKeyRing(bytes.toString('utf8'), path);
}

export async function writeKeyRing(path: string, ring: KeyRing): Promise<void> {
  await makeDirectory(dirname(path), 0o700);
  await writeFileAtomic(path, `${JSON.stringify(ring, null, 2)}\n`, { mode: 0o600 });
}

/** @throws KeyRingError naming the field */
export function parseKeyRing(text: string, path: string): KeyRing {
  const bad = (what: string): KeyRingError =>
    new KeyRingError(
      `${path} is not a file of encryption keys: ${what}`,
      'Put the file back from a backup (atoll backup restore). Without its keys what was encrypted with them cannot be read; nothing has been changed.',
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw bad(error instanceof Error ? error.message : String(error));
  }
  const ring = value as Partial<KeyRing> | null;
  if (typeof ring !== 'object' || ring === null) throw bad('it is no object');
  if (ring.version !== 1) throw bad(`version is ${JSON.stringify(ring.version)}, this Atoll reads 1`);
  const { resources, stage, write, keys } = ring;
  if (!Array.isArray(resources) || !resources.every(name => typeof name === 'string'))
    throw bad('resources is no list of names');
  if (stage === undefined || !stages.includes(stage)) throw bad(`stage is ${JSON.stringify(stage)}`);
  if (!Array.isArray(keys)) throw bad('keys is no list');
  for (const [index, key] of keys.entries()) {
    const { name, created, secret } = (key ?? {}) as Partial<EncryptionKey>;
    if (typeof name !== 'string' || !/^[A-Za-z0-9._-]{1,64}$/.test(name)) throw bad(`keys[${index}].name is no name`);
    if (typeof created !== 'string') throw bad(`keys[${index}].created is no time`);
    if (typeof secret !== 'string' || Buffer.from(secret, 'base64').length !== 32)
      throw bad(`keys[${index}].secret is not 32 bytes in base64`);
  }
  if (write === undefined || (write !== null && !keys.some(({ name }) => name === write)))
    throw bad(`write is ${JSON.stringify(write)}, no key`);
  const plain = ring.plain === true && { plain: true as const };
  return { version: 1, resources, stage, write, ...plain, keys };
}

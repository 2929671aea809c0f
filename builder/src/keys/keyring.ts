/**
 * What is done with keys: made, replaced, revoked. Every command leaves a whole key ring behind: what it makes lies there
 * complete before `keys.json`, written last, says that it counts.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildError } from '../errors.ts';
import { writeFileAtomic } from '../files.ts';
import { makeTemporary, sweepTemporary } from '../workspace.ts';
import { facts, makeAuthority, makeSigning, markRevoked, signingValidity, writeRevoked } from './openssl.ts';
import { authorityPath, type KeyKind, type KeyRing, keyKinds, readRing, ringPath, signingPath } from './places.ts';

export interface KeyOptions {
  readonly keys: string;
  readonly now?: () => Date;
}

/** 16 hexadecimal digits, the first of them no zero and no sign: openssl prints it just so. */
const newSerial = (): string => `5${randomBytes(8).toString('hex').toUpperCase().slice(1)}`;

async function writeRing(path: string, ring: KeyRing): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(ring, undefined, 1)}\n`, 0o600);
}

const kindPrefix = '.new-';

/**
 * Makes the keys of a kind if there are none. Who makes them at the same time may be first: then those count.
 * @returns whether they were made now.
 */
export async function ensureKeys(kind: KeyKind, { keys, now = () => new Date() }: KeyOptions): Promise<boolean> {
  if (await readRing(keys, kind)) return false;
  await mkdir(keys, { recursive: true, mode: 0o700 });
  await sweepTemporary(keys, kindPrefix);
  const temporary = await makeTemporary(keys, kindPrefix);
  try {
    const authority = join(temporary, 'authority-1');
    const serial = newSerial();
    await makeAuthority(authority, kind, 1, now());
    await makeSigning(authority, kind, serial, signingValidity(now()));
    await writeRing(join(temporary, 'keys.json'), { format: 1, signs: { authority: 1, serial }, trusted: [1] });
    await rename(temporary, join(keys, kind));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTEMPTY' && (await readRing(keys, kind))) return false;
    throw error;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** @throws BuildError KEYS_MISSING */
export async function requireRing(kind: KeyKind, keys: string): Promise<KeyRing> {
  const ring = await readRing(keys, kind);
  if (ring) return ring;
  throw new BuildError('KEYS_MISSING', `there are no ${kind} keys`, {
    where: ringPath(keys, kind),
    hint: 'Make them with `make keys`, or say with ATOLL_KEYS where they are.',
  });
}

/** A new signing key by the same authority: every node takes its bundles at once. @returns its serial */
export async function rotateSigning(kind: KeyKind, options: KeyOptions): Promise<string> {
  const ring = await requireRing(kind, options.keys);
  const serial = newSerial();
  const now = (options.now ?? (() => new Date()))();
  await makeSigning(authorityPath(options.keys, kind, ring.signs.authority), kind, serial, signingValidity(now));
  await writeRing(ringPath(options.keys, kind), { ...ring, signs: { ...ring.signs, serial } });
  return serial;
}

/** A second authority: images built from now on trust both; the first still signs. @returns its number */
export async function addAuthority(kind: KeyKind, { keys, now = () => new Date() }: KeyOptions): Promise<number> {
  const ring = await requireRing(kind, keys);
  if (ring.trusted.length > 1) {
    throw new BuildError('USAGE', `the ${kind} keys have two authorities already: ${ring.trusted.join(' and ')}`, {
      hint: 'Go on with `keys switch` and `keys retire`.',
    });
  }
  const taken = (await readdir(join(keys, kind))).map(name => Number(/^authority-(\d+)$/.exec(name)?.[1] ?? 0));
  const number = Math.max(...taken) + 1;
  const folder = authorityPath(keys, kind, number);
  await makeAuthority(folder, kind, number, now());
  await makeSigning(folder, kind, newSerial(), signingValidity(now()));
  await writeRing(ringPath(keys, kind), { ...ring, trusted: [...ring.trusted, number] });
  return number;
}

/** The newest trusted authority signs from now on: for nodes that run an image with both. @returns its number */
export async function switchAuthority(kind: KeyKind, { keys }: KeyOptions): Promise<number> {
  const ring = await requireRing(kind, keys);
  const authority = Math.max(...ring.trusted);
  if (authority === ring.signs.authority) {
    throw new BuildError('USAGE', `the newest ${kind} authority, ${authority}, signs already`, {
      hint: 'Make another with `keys add-authority`.',
    });
  }
  const known = await signingKeys(kind, keys);
  const serial = known.find(key => key.authority === authority && !key.revoked)?.serial;
  if (serial === undefined)
    throw new BuildError('KEYS_BROKEN', 'the authority has no signing key', {
      where: authorityPath(keys, kind, authority),
    });
  await writeRing(ringPath(keys, kind), { ...ring, signs: { authority, serial } });
  return authority;
}

/** Images built from now on trust only the authority that signs. @returns the numbers of those they trust no more */
export async function retireAuthorities(kind: KeyKind, { keys }: KeyOptions): Promise<number[]> {
  const ring = await requireRing(kind, keys);
  const { authority } = ring.signs;
  await writeRing(ringPath(keys, kind), { ...ring, trusted: [authority] });
  return ring.trusted.filter(number => number !== authority);
}

/**
 * Puts a signing certificate on its authority's revocation list. If it is the one that signs, another takes its place.
 * @returns the serial of the one that signs now.
 */
export async function revokeSigning(kind: KeyKind, serial: string, options: KeyOptions): Promise<string> {
  const { keys } = options;
  const ring = await requireRing(kind, keys);
  const known = await signingKeys(kind, keys);
  const found = known.find(key => key.serial === serial.toUpperCase());
  if (!found) {
    const serials = known.map(key => key.serial).join(', ');
    throw new BuildError('USAGE', `there is no ${kind} signing key with the serial ${serial}`, {
      hint: `There are: ${serials}.`,
    });
  }
  const folder = authorityPath(keys, kind, found.authority);
  if (!found.revoked) await markRevoked(folder, join(`signing-${found.serial}`, 'certificate.pem'));
  // Written again even so: what stopped the last attempt may have stopped it here.
  await writeRevoked(folder, Number.parseInt((await readFile(join(folder, 'crlnumber'), 'utf8')).trim(), 16));
  return found.serial === ring.signs.serial ? rotateSigning(kind, options) : ring.signs.serial;
}

export interface SigningKey {
  readonly authority: number;
  readonly serial: string;
  readonly signs: boolean;
  readonly revoked: boolean;
  /** As openssl says it. */
  readonly expires: string;
}

/** All signing keys of a kind, by authority. */
export async function signingKeys(kind: KeyKind, keys: string): Promise<SigningKey[]> {
  const ring = await requireRing(kind, keys);
  const found: SigningKey[] = [];
  for (const name of (await readdir(join(keys, kind))).sort()) {
    const authority = Number(/^authority-(\d+)$/.exec(name)?.[1] ?? 0);
    if (authority === 0) continue;
    const folder = authorityPath(keys, kind, authority);
    const revoked = await readFile(join(folder, 'index.txt'), 'utf8');
    for (const entry of (await readdir(folder)).sort()) {
      const serial = /^signing-([0-9A-F]+)$/.exec(entry)?.[1];
      if (serial === undefined) continue;
      const { notAfter = '?' } = await facts(join(folder, entry, 'certificate.pem'), 'x509', ['-enddate']);
      const signs = ring.signs.authority === authority && ring.signs.serial === serial;
      const isRevoked = new RegExp(`^R\\t.*\\t${serial}\\t`, 'm').test(revoked);
      found.push({ authority, serial, signs, revoked: isRevoked, expires: notAfter });
    }
  }
  return found;
}

/** What signs a bundle. Paths, absolute. */
export interface Signer {
  readonly kind: KeyKind;
  readonly certificate: string;
  readonly key: string;
  /** The authority's certificate. */
  readonly authority: string;
}

export async function signerOf(kind: KeyKind, keys: string): Promise<Signer> {
  const { signs } = await requireRing(kind, keys);
  const folder = signingPath(keys, kind, signs);
  const authority = join(authorityPath(keys, kind, signs.authority), 'certificate.pem');
  return { kind, certificate: join(folder, 'certificate.pem'), key: join(folder, 'key.pem'), authority };
}

/** The revocation lists of a kind's trusted authorities, PEM; of the one that signs first. */
export async function revocationLists(kind: KeyKind, keys: string): Promise<string> {
  const { signs, trusted } = await requireRing(kind, keys);
  const numbers = [signs.authority, ...trusted.filter(number => number !== signs.authority)];
  const lists = numbers.map(number => readFile(join(authorityPath(keys, kind, number), 'revoked.crl.pem'), 'utf8'));
  return (await Promise.all(lists)).join('');
}

/** What an image trusts, as PEM texts. */
export interface Trust {
  readonly authorities: string;
  /** One list for each authority. */
  readonly revoked: string;
}

/** A release image trusts the release authorities only; a development image both kinds, as far as there are release keys. */
export async function trustOf(kind: KeyKind, keys: string): Promise<Trust> {
  await requireRing(kind, keys);
  const trust = { authorities: '', revoked: '' };
  for (const each of kind === 'release' ? (['release'] as const) : keyKinds) {
    for (const number of (await readRing(keys, each))?.trusted ?? []) {
      const folder = authorityPath(keys, each, number);
      trust.authorities += await readFile(join(folder, 'certificate.pem'), 'utf8');
      trust.revoked += await readFile(join(folder, 'revoked.crl.pem'), 'utf8');
    }
  }
  return trust;
}

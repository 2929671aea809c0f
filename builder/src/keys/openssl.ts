/**
 * Authorities, signing certificates and revocation lists, by the openssl of the tools tree.
 *
 * Keys are EC P-256: openssl and RAUC check ECDSA on every board, security tokens, TPMs and cloud key services hold such keys, and a
 * signature takes 70 bytes. RSA would be as good and slower to sign; Ed25519 is neither in RAUC's CMS nor on most tokens.
 *
 * A node without a battery may think it is years ago, and one in a cupboard may not be upgraded for years. So everything is valid from
 * 2020 on, revocation lists never end, and which list is the newest is said by a time counted from its number, never by the clock.
 * A signing certificate is for code, and for mail besides: that is what a plain `rauc info --keyring` and `openssl cms` look for.
 * Source: RFC 5280; CA/Browser Forum, Baseline Requirements for Code Signing, 7.1.2 (what openssl's purpose `codesign` asks for).
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { tool } from '../tools.ts';
import type { KeyKind } from './places.ts';

const since = '20200101000000Z';
const never = '99991231235959Z';
const authorityYears = 40;
const signingYears = 10;

/** ASN.1 GeneralizedTime. */
export function asn1Time(date: Date): string {
  return `${date.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`;
}

/** The time a list's number stands for: openssl takes the one with the latest for the newest. */
export function listTime(number: number): string {
  return asn1Time(new Date(Date.UTC(2020, 0, 1, 0, number)));
}

const inYears = (now: Date, years: number): string =>
  asn1Time(new Date(now.getTime() + years * 365.25 * 24 * 3_600_000));

async function openssl(directory: string, argv: readonly string[]): Promise<string> {
  const words = ['sh', '-c', 'umask 077; exec "$@"', 'sh', 'openssl', ...argv] as const;
  const { stdout } = await tool([...words], { title: `openssl ${argv[0]}`, binds: [directory], cwd: directory });
  return stdout;
}

const newKey = ['-config', 'openssl.cnf', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc'] as const;

/** openssl's configuration: it needs a file, and finds the authority in the folder it runs in. */
const configuration = `[ca]
default_ca = here
[here]
database = index.txt
crlnumber = crlnumber
certificate = certificate.pem
private_key = key.pem
default_md = sha256
unique_subject = no
[request]
distinguished_name = none
[none]
[authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[signing]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, codeSigning, emailProtection
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
`;

/** Writes the list of what the authority in `folder` has revoked so far, with the next number. */
export async function writeRevoked(folder: string, number: number): Promise<void> {
  await writeFile(join(folder, 'crlnumber'), `${number.toString(16).padStart(4, '0')}\n`, { mode: 0o600 });
  const times = ['-crl_lastupdate', listTime(number), '-crl_nextupdate', never];
  await openssl(folder, ['ca', '-gencrl', '-config', 'openssl.cnf', ...times, '-out', 'revoked.crl.pem']);
}

/** Makes an authority in `folder`, which is new, with an empty revocation list. */
export async function makeAuthority(folder: string, kind: KeyKind, number: number, now: Date): Promise<void> {
  await mkdir(folder, { mode: 0o700 });
  await writeFile(join(folder, 'openssl.cnf'), configuration, { mode: 0o600 });
  await writeFile(join(folder, 'index.txt'), '', { mode: 0o600 });
  const subject = ['-subj', `/O=Atoll/CN=Atoll ${kind} authority ${number}`];
  const times = ['-not_before', since, '-not_after', inYears(now, authorityYears)];
  const how = ['-extensions', 'authority', '-keyout', 'key.pem', '-out', 'certificate.pem'];
  await openssl(folder, ['req', '-x509', ...newKey, ...subject, ...times, ...how]);
  await writeRevoked(folder, 1);
}

export interface Validity {
  /** ASN.1 GeneralizedTime. */
  readonly from: string;
  readonly until: string;
}

export const signingValidity = (now: Date): Validity => ({ from: since, until: inYears(now, signingYears) });

/**
 * Makes a signing key with a certificate by the authority in `authority`, in the new folder `signing-<serial>` beside its files.
 * @param section of the openssl configuration: what the certificate is for.
 */
export async function makeSigning(
  authority: string,
  kind: KeyKind,
  serial: string,
  validity: Validity,
  section = 'signing',
): Promise<void> {
  const name = `signing-${serial}`;
  await mkdir(join(authority, name), { mode: 0o700 });
  const request = join(name, 'request.pem');
  const subject = ['-subj', `/O=Atoll/CN=Atoll ${kind} signing key ${serial}`];
  await openssl(authority, ['req', ...newKey, ...subject, '-keyout', join(name, 'key.pem'), '-out', request]);
  const by = ['-CA', 'certificate.pem', '-CAkey', 'key.pem', '-set_serial', `0x${serial}`];
  const how = ['-extfile', 'openssl.cnf', '-extensions', section, '-out', join(name, 'certificate.pem')];
  const times = ['-not_before', validity.from, '-not_after', validity.until];
  await openssl(authority, ['x509', '-req', '-in', request, ...by, ...times, ...how]);
  await rm(join(authority, request));
}

/** Puts a certificate of the authority's on its books as revoked; `writeRevoked` tells the world. */
export async function markRevoked(authority: string, certificate: string): Promise<void> {
  await openssl(authority, ['ca', '-config', 'openssl.cnf', '-revoke', certificate, '-crl_reason', 'keyCompromise']);
}

/** Fields of a certificate or list as openssl prints them: `notAfter`, `subject`, `serial`… */
export async function facts(
  path: string,
  what: 'x509' | 'crl',
  fields: readonly string[],
): Promise<Record<string, string>> {
  const folder = dirname(path);
  const text = await openssl(folder, [what, '-noout', ...fields, '-in', basename(path)]);
  return Object.fromEntries(
    text.split('\n').flatMap(line => {
      const at = line.indexOf('=');
      return at > 0 ? [[line.slice(0, at).trim(), line.slice(at + 1).trim()]] : [];
    }),
  );
}

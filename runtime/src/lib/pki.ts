/**
 * The cluster's keys and certificates on disk, as K3s arranges them: one authority for servers, one for clients.
 *
 * Invariants of the directory:
 * - every file is written whole (write, fsync, rename, fsync of the directory), private keys with mode 600;
 * - a key is written before the certificate for it and is kept when the certificate is renewed, so the pair on disk fits
 *   together at every moment, and a key without a certificate is an interrupted start that the next one completes;
 * - an authority's key never changes: what trusts it (agents, kubeconfigs) goes on trusting it. Its certificate is renewed
 *   with the same key and name, which keeps both the old certificate and all it issued valid.
 */
import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { Clock } from './clock.ts';
import { makeDirectory, readFileIfExists, writeFileAtomic } from './files.ts';
import { createCertificate, generateKeyPair, type Subject, subjectOf } from './x509.ts';

const DAY_MS = 86_400_000;

/** Boards without a battery begin with a wrong clock: nothing we issue may be "not yet valid" once the time is known. */
const NOT_BEFORE = new Date('2020-01-01T00:00:00Z');

const authorityValidityMs = 30 * 365 * DAY_MS;
const authorityRenewalMs = 365 * DAY_MS;
const leafValidityMs = 365 * DAY_MS;
const leafRenewalMs = 90 * DAY_MS;

/** What kubelets, pods and kubectl call the API server, before the operator's own names. */
export const builtInServerNames: readonly string[] = [
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
  'localhost',
  '127.0.0.1',
  '::1',
  '10.43.0.1',
];

export interface KeyPair {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export interface Pki {
  /** Signs the API server's certificate; clients trust it (`certificate-authority-data`, `ca.crt` in pods). */
  readonly serverCa: KeyPair;
  /** Signs client certificates; the API server trusts it. */
  readonly clientCa: KeyPair;
  readonly serving: KeyPair;
  /** `system:admin` of `system:masters`, for the kubeconfig. */
  readonly admin: KeyPair;
  /** ES256 (P-256): signs and verifies service-account tokens. */
  readonly serviceAccountKey: { readonly privateKeyPem: string; readonly publicKeyPem: string };
  /** Files this call has written, for the log; empty when all was there and good. */
  readonly written: readonly string[];
}

export interface PkiOptions {
  readonly now: Date;
  /** Host names and IP addresses (text) besides {@link builtInServerNames}: the host's own, `tls-san`. */
  readonly sans: readonly string[];
}

/** Something on disk that cannot be repaired without a person deciding. */
export class PkiError extends Error {
  override readonly name = 'PkiError';
}

/**
 * Reads the keys and certificates in `directory`, making and renewing what is missing, damaged, about to expire (90 days
 * for certificates, a year for authorities) or issued for other names. Calling it again changes nothing.
 *
 * @throws PkiError when an authority's certificate is there without its key, or with another one.
 */
export async function ensurePki(directory: string, { now, sans }: PkiOptions): Promise<Pki> {
  await makeDirectory(directory, 0o700);
  await removeTemporaryFiles(directory);
  const written: string[] = [];
  const files: Files = {
    path: name => join(directory, name),
    read: async name => (await readFileIfExists(join(directory, name)))?.toString('utf8'),
    write: async (name, text) => {
      await writeFileAtomic(join(directory, name), text, { mode: name.endsWith('.key') ? 0o600 : 0o644 });
      written.push(name);
    },
  };
  const serverCa = await ensureAuthority(files, 'server-ca', now);
  const clientCa = await ensureAuthority(files, 'client-ca', now);
  const names = [...new Set([...builtInServerNames, ...sans])];
  const serving = await ensureLeaf(files, 'serving', serverCa, {
    subject: { commonName: 'atoll-apiserver' },
    usage: 'server',
    names,
    now,
  });
  const admin = await ensureLeaf(files, 'admin', clientCa, {
    subject: { commonName: 'system:admin', organizations: ['system:masters'] },
    usage: 'client',
    names: [],
    now,
  });
  const { key, pem } = await ensureKey(files, 'service-account');
  const publicKeyPem = createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
  return { serverCa, clientCa, serving, admin, serviceAccountKey: { privateKeyPem: pem, publicKeyPem }, written };
}

/**
 * Renews in place while the server runs: {@link ensurePki} again twice a day, `onChange` whenever that wrote something
 * (set the new certificate with `server.setSecureContext`, write the kubeconfig). Ends with `signal`.
 */
export function renewPki(
  directory: string,
  options: {
    readonly clock: Clock;
    readonly sans: () => readonly string[];
    readonly onChange: (pki: Pki) => void;
    readonly onError: (error: unknown) => void;
    readonly signal: AbortSignal;
  },
): void {
  const { clock, signal } = options;
  let cancel = (): void => undefined;
  const arm = (): void => {
    cancel = clock.after(DAY_MS / 2, () => {
      ensurePki(directory, { now: new Date(clock.now()), sans: options.sans() })
        .then(pki => {
          if (pki.written.length > 0 && !signal.aborted) options.onChange(pki);
        }, options.onError)
        .finally(() => {
          if (!signal.aborted) arm();
        });
    });
  };
  if (signal.aborted) return;
  signal.addEventListener('abort', () => cancel(), { once: true });
  arm();
}

/**
 * A client certificate, valid for a year.
 *
 * @param authority usually `pki.clientCa`. @param publicKey the client's; its private key stays with it.
 */
export function issueClientCertificate(authority: KeyPair, subject: Subject, publicKey: KeyObject, now: Date): string {
  return issue(authority, { subject, usage: 'client', names: [], now }, publicKey);
}

interface Files {
  path(name: string): string;
  read(name: string): Promise<string | undefined>;
  write(name: string, text: string): Promise<void>;
}

interface Leaf {
  readonly subject: Subject;
  readonly usage: 'client' | 'server';
  readonly names: readonly string[];
  readonly now: Date;
}

async function ensureKey(files: Files, name: string): Promise<{ key: KeyObject; pem: string }> {
  const existing = await files.read(`${name}.key`);
  const key = existing === undefined ? undefined : parsed(() => createPrivateKey(existing));
  if (existing !== undefined && key) return { key, pem: existing };
  const { privateKey } = generateKeyPair();
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  await files.write(`${name}.key`, pem);
  return { key: privateKey, pem };
}

async function ensureAuthority(files: Files, name: string, now: Date): Promise<KeyPair> {
  const certificatePem = await files.read(`${name}.crt`);
  const certificate = certificatePem === undefined ? undefined : parsed(() => new X509Certificate(certificatePem));
  if (certificatePem !== undefined && certificate) {
    const keyPem = await files.read(`${name}.key`);
    const key = keyPem === undefined ? undefined : parsed(() => createPrivateKey(keyPem));
    if (keyPem === undefined || !key || !certificate.checkPrivateKey(key)) {
      const found = key ? 'does not belong to it' : 'is missing or unreadable';
      throw new PkiError(
        `${files.path(`${name}.crt`)} is a certificate authority whose key ${files.path(`${name}.key`)} ${found}. ` +
          'Restore the key from a backup; or, giving up every certificate issued so far, remove both files.',
      );
    }
    if (expiry(certificate) - now.getTime() >= authorityRenewalMs) return { certificatePem, privateKeyPem: keyPem };
  }
  const { key, pem } = await ensureKey(files, name);
  const subject = certificate
    ? subjectOf(certificate.raw)
    : { commonName: `atoll-${name}@${Math.floor(now.getTime() / 1000)}` };
  const renewed = createCertificate({
    subject,
    publicKey: key,
    issuer: { self: key },
    isCa: true,
    notBefore: NOT_BEFORE,
    notAfter: new Date(startOf(now) + authorityValidityMs),
  });
  await files.write(`${name}.crt`, renewed);
  return { certificatePem: renewed, privateKeyPem: pem };
}

async function ensureLeaf(files: Files, name: string, authority: KeyPair, leaf: Leaf): Promise<KeyPair> {
  const { key, pem } = await ensureKey(files, name);
  const existing = await files.read(`${name}.crt`);
  if (existing !== undefined && isGood(existing, key, authority, leaf)) {
    return { certificatePem: existing, privateKeyPem: pem };
  }
  const certificatePem = issue(authority, leaf, key);
  await files.write(`${name}.crt`, certificatePem);
  return { certificatePem, privateKeyPem: pem };
}

function issue(authority: KeyPair, { subject, usage, names, now }: Leaf, publicKey: KeyObject): string {
  const end = Math.min(startOf(now) + leafValidityMs, expiry(new X509Certificate(authority.certificatePem)));
  return createCertificate({
    subject,
    publicKey,
    issuer: { certificatePem: authority.certificatePem, privateKey: createPrivateKey(authority.privateKeyPem) },
    dnsNames: names.filter(name => isIP(name) === 0),
    ipAddresses: names.filter(name => isIP(name) !== 0),
    usages: [usage],
    notBefore: NOT_BEFORE,
    notAfter: new Date(end),
  });
}

function isGood(certificatePem: string, key: KeyObject, authority: KeyPair, { subject, names, now }: Leaf): boolean {
  const certificate = parsed(() => new X509Certificate(certificatePem));
  if (!certificate) return false;
  const issuer = new X509Certificate(authority.certificatePem);
  const present = certificate.subjectAltName?.split(', ') ?? [];
  const named = subjectOf(certificate.raw);
  return (
    certificate.checkPrivateKey(key) &&
    certificate.verify(issuer.publicKey) &&
    expiry(certificate) - now.getTime() >= leafRenewalMs &&
    named.commonName === subject.commonName &&
    named.organizations.join('\n') === (subject.organizations ?? []).join('\n') &&
    present.length === names.length &&
    names.every(name => (isIP(name) ? certificate.checkIP(name) !== undefined : present.includes(`DNS:${name}`)))
  );
}

/** A clock that begins in 1970 makes certificates that end later than they begin. */
const startOf = (now: Date): number => Math.max(now.getTime(), NOT_BEFORE.getTime());

const expiry = (certificate: X509Certificate): number => Date.parse(certificate.validTo);

function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined; // damaged: whoever asked decides whether it can be made anew
  }
}

/** What a write interrupted by a power cut leaves: never read, but it may hold a key. */
async function removeTemporaryFiles(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (/^\..*\.(?:key|crt)\..*\.tmp$/.test(name)) await rm(join(directory, name), { force: true });
  }
}

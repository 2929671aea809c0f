/**
 * Making X.509 certificates (RFC 5280). Only making: Node's own `X509Certificate` and TLS read and verify them.
 * Why not a library: docs/adr/004-x509.md.
 */
import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { isIP } from 'node:net';
import * as der from './der.ts';

const oid = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  sha256WithRsa: '1.2.840.113549.1.1.11',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const;

/** KeyUsage bits (RFC 5280 §4.2.1.3). */
const keyUsage = { digitalSignature: 0, keyEncipherment: 2, keyCertSign: 5, crlSign: 6 } as const;

/** Kubernetes reads a user's name and groups from these two (authentication by client certificate). */
export interface Subject {
  readonly commonName: string;
  readonly organizations?: readonly string[];
}

export interface Issuer {
  readonly certificatePem: string;
  readonly privateKey: KeyObject;
}

export interface CertificateRequest {
  readonly subject: Subject;
  /** The subject's own bytes, from a request that may say more than {@link subject} can. */
  readonly rawSubject?: Buffer;
  /** The key being certified. A private key object is taken for its public half. */
  readonly publicKey: KeyObject;
  /** Who signs: another certificate, or `{ self: privateKey }` for a root. */
  readonly issuer: Issuer | { readonly self: KeyObject };
  readonly isCa?: boolean;
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly emailAddresses?: readonly string[];
  readonly uris?: readonly string[];
  /** Extended key usages; a CA has none. Object identifiers for those without a name here. */
  readonly usages?: readonly ('client' | 'server' | `${number}.${string}`)[];
  /** Bits of the key usage (RFC 5280 §4.2.1.3), where they are not those of the key and {@link isCa}. */
  readonly keyUsageBits?: readonly number[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Up to 20 octets, the first below 0x80 (RFC 5280 §4.1.2.2). Default: 16 random octets. */
  readonly serial?: Buffer;
}

/** A new ECDSA P-256 key pair: a millisecond to make, and every Kubernetes client can verify it. */
export function generateKeyPair(): { privateKey: KeyObject; publicKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function name(subject: Subject): Buffer {
  const attribute = (type: string, text: string): Buffer =>
    der.set(der.sequence(der.objectIdentifier(type), der.utf8String(text)));
  return der.sequence(
    ...(subject.organizations ?? []).map(organization => attribute(oid.organization, organization)),
    attribute(oid.commonName, subject.commonName),
  );
}

/** 4 or 16 octets of an address in text. @throws TypeError when it is none. */
export function addressOctets(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  if (isIP(address) !== 6 || address.includes('%')) throw new TypeError(`not an IP address: "${address}"`);
  const hex = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, tail => {
    const octets = Buffer.from(tail.split('.').map(Number));
    return `${octets.readUInt16BE(0).toString(16)}:${octets.readUInt16BE(2).toString(16)}`;
  });
  const [head = '', tail] = hex.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  const octets = Buffer.alloc(16);
  groups.forEach((group, index) => {
    octets.writeUInt16BE(Number.parseInt(group, 16), index * 2);
  });
  return octets;
}

function generalNames(request: CertificateRequest): Buffer[] {
  const dns = (request.dnsNames ?? []).map(dnsName => {
    if (!/^[!-~]+$/.test(dnsName)) throw new TypeError(`not a DNS name for a certificate: ${JSON.stringify(dnsName)}`);
    return der.context(2, false, Buffer.from(dnsName, 'latin1'));
  });
  const addresses = (request.ipAddresses ?? []).map(address => der.context(7, false, addressOctets(address)));
  const texts = (tag: number, values: readonly string[] | undefined): Buffer[] =>
    (values ?? []).map(text => der.context(tag, false, Buffer.from(text, 'latin1')));
  return [...texts(1, request.emailAddresses), ...dns, ...texts(6, request.uris), ...addresses];
}

/** The fields of a certificate that another one repeats or that Node does not give as bytes (RFC 5280 §4.1). */
function fields(certificate: Buffer): { subject: Buffer; subjectKeyIdentifier: Buffer | undefined } {
  const [outer] = der.elements(certificate);
  const [tbs] = der.elements(outer?.content ?? Buffer.alloc(0));
  const all = der.elements(tbs?.content ?? Buffer.alloc(0));
  // version is [0] and may be missing; then serial, signature, issuer, validity, subject
  const subject = all[all[0]?.tag === 0xa0 ? 5 : 4];
  if (!subject) throw new RangeError('not an X.509 certificate: it has no subject');
  const extensions = all.find(element => element.tag === 0xa3);
  const wanted = der.objectIdentifier(oid.subjectKeyIdentifier);
  for (const extension of extensions
    ? der.elements(der.elements(extensions.content)[0]?.content ?? Buffer.alloc(0))
    : []) {
    const parts = der.elements(extension.content);
    const octets = parts.at(-1);
    if (parts[0]?.raw.equals(wanted) && octets) {
      return { subject: subject.raw, subjectKeyIdentifier: der.elements(octets.content)[0]?.content };
    }
  }
  return { subject: subject.raw, subjectKeyIdentifier: undefined };
}

/**
 * The subject's common name and organizations, read from the bytes: Node's `subject` text cannot tell a line break inside
 * a name from the next attribute.
 *
 * @param certificate DER, as `X509Certificate.raw` or `getPeerCertificate().raw`.
 */
export function subjectOf(certificate: Buffer): Required<Subject> {
  return namedIn(fields(certificate).subject);
}

/** The subject of a certificate signing request (RFC 2986). @throws Error for bytes that are no DER. */
export function requestSubjectOf(request: Buffer): Required<Subject> {
  const none = Buffer.alloc(0);
  const info = der.elements(der.elements(request)[0]?.content ?? none)[0]?.content ?? none;
  return namedIn(der.elements(info)[1]?.raw ?? none);
}

/** @param name a whole `Name`. */
function namedIn(name: Buffer): Required<Subject> {
  let commonName = '';
  const organizations: string[] = [];
  const is = (element: der.Element | undefined, type: string): boolean =>
    element?.raw.equals(der.objectIdentifier(type)) ?? false;
  for (const set of der.elements(der.elements(name)[0]?.content ?? Buffer.alloc(0))) {
    for (const attribute of der.elements(set.content)) {
      const [type, text] = der.elements(attribute.content);
      if (is(type, oid.commonName)) commonName = text?.content.toString('utf8') ?? '';
      if (is(type, oid.organization)) organizations.push(text?.content.toString('utf8') ?? '');
    }
  }
  return { commonName, organizations };
}

/** RFC 7093 §2 (1): the leftmost 160 bits of the SHA-256 of the public key's bits. */
function keyIdentifier(publicKey: Buffer): Buffer {
  const bits = der
    .elements(der.elements(publicKey)[0]?.content ?? Buffer.alloc(0))
    .at(-1)
    ?.content.subarray(1);
  return createHash('sha256')
    .update(bits ?? Buffer.alloc(0))
    .digest()
    .subarray(0, 20);
}

function signatureAlgorithm(key: KeyObject): Buffer {
  if (key.asymmetricKeyType === 'ec') return der.sequence(der.objectIdentifier(oid.ecdsaWithSha256));
  if (key.asymmetricKeyType === 'rsa') return der.sequence(der.objectIdentifier(oid.sha256WithRsa), der.value(0x05));
  throw new TypeError(
    `cannot sign certificates with a key of type ${key.asymmetricKeyType ?? key.type}: use EC or RSA`,
  );
}

function randomSerial(): Buffer {
  const serial = randomBytes(16);
  serial.writeUInt8((serial.readUInt8(0) & 0x7f) | 0x01, 0);
  return serial;
}

export function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/**
 * A signed X.509 v3 certificate, as PEM.
 *
 * Extensions: basicConstraints and keyUsage (critical), extKeyUsage, subjectKeyIdentifier, authorityKeyIdentifier and
 * subjectAltName where they have content. The signature is with SHA-256 by the issuer's EC or RSA key.
 *
 * @throws TypeError for names, addresses or keys that do not fit in a certificate; RangeError for an impossible validity.
 */
export function createCertificate(request: CertificateRequest): string {
  const { subject, issuer, isCa = false } = request;
  if (!(request.notAfter > request.notBefore)) {
    throw new RangeError(`certificate "${subject.commonName}": notAfter must lie after notBefore`);
  }
  const publicKey = publicKeyInfo(request.publicKey);
  const ownIdentifier = keyIdentifier(publicKey);
  const self = 'self' in issuer;
  const signer = self ? issuer.self : issuer.privateKey;
  const parent = self
    ? { subject: name(subject), subjectKeyIdentifier: ownIdentifier }
    : fields(new X509Certificate(issuer.certificatePem).raw);

  const extension = (id: string, critical: boolean, content: Buffer): Buffer =>
    der.sequence(der.objectIdentifier(id), ...(critical ? [der.boolean(true)] : []), der.octetString(content));
  const bits = request.keyUsageBits ?? usageBits(request);
  const extensions = [
    extension(oid.basicConstraints, true, der.sequence(...(isCa ? [der.boolean(true)] : []))),
    // A certificate that says nothing of its key's usage may be used for anything its purposes allow.
    ...(bits.length > 0 ? [extension(oid.keyUsage, true, der.namedBits(bits))] : []),
    extension(oid.subjectKeyIdentifier, false, der.octetString(ownIdentifier)),
  ];
  if (parent.subjectKeyIdentifier) {
    const authority = der.sequence(der.context(0, false, parent.subjectKeyIdentifier));
    extensions.push(extension(oid.authorityKeyIdentifier, false, authority));
  }
  const purposes = (request.usages ?? []).map(usage =>
    der.objectIdentifier(usage === 'client' ? oid.clientAuth : usage === 'server' ? oid.serverAuth : usage),
  );
  if (purposes.length > 0) extensions.push(extension(oid.extendedKeyUsage, false, der.sequence(...purposes)));
  const names = generalNames(request);
  if (names.length > 0) extensions.push(extension(oid.subjectAltName, false, der.sequence(...names)));

  const algorithm = signatureAlgorithm(signer);
  const tbs = der.sequence(
    der.context(0, true, der.integer(Buffer.of(2))), // v3
    der.integer(request.serial ?? randomSerial()),
    algorithm,
    parent.subject,
    der.sequence(der.time(request.notBefore), der.time(request.notAfter)),
    request.rawSubject ?? name(subject),
    publicKey,
    der.context(3, true, der.sequence(...extensions)),
  );
  return pem('CERTIFICATE', der.sequence(tbs, algorithm, der.bitString(sign('sha256', tbs, signer))));
}

function usageBits(request: CertificateRequest): number[] {
  if (request.isCa) return [keyUsage.digitalSignature, keyUsage.keyCertSign, keyUsage.crlSign];
  return request.publicKey.asymmetricKeyType === 'rsa'
    ? [keyUsage.digitalSignature, keyUsage.keyEncipherment]
    : [keyUsage.digitalSignature];
}

function publicKeyInfo(key: KeyObject): Buffer {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return publicKey.export({ type: 'spki', format: 'der' });
}

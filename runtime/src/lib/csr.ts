/**
 * Certificate requests (PKCS #10, RFC 2986) as people send them, and the form of certificates they get back. Node reads certificates but
 * not requests, so the request is taken apart here; its signature is verified by Node.
 */
import { createPublicKey, type KeyObject, verify, X509Certificate } from 'node:crypto';
import * as der from './der.ts';
import type { Subject } from './x509.ts';

export interface ParsedRequest {
  readonly subject: Required<Subject>;
  /** The subject as it stands in the request, to be repeated in the certificate. */
  readonly rawSubject: Buffer;
  readonly publicKey: KeyObject;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly Buffer[];
  readonly emailAddresses: readonly string[];
  readonly uris: readonly string[];
}

/** The request cannot be used; the message is what Go's `crypto/x509` and Kubernetes say of it, as near as it matters. */
export class CertificateRequestError extends Error {
  override readonly name = 'CertificateRequestError';
}

const COMMON_NAME = '2.5.4.3';
const ORGANIZATION = '2.5.4.10';
const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
const SUBJECT_ALT_NAME = '2.5.29.17';

/** Signature algorithms and the digest they sign; Ed25519 digests itself. */
const ALGORITHMS: readonly (readonly [oid: string, digest: string | null])[] = [
  ['1.2.840.10045.4.3.2', 'sha256'],
  ['1.2.840.10045.4.3.3', 'sha384'],
  ['1.2.840.10045.4.3.4', 'sha512'],
  ['1.2.840.113549.1.1.11', 'sha256'],
  ['1.2.840.113549.1.1.12', 'sha384'],
  ['1.2.840.113549.1.1.13', 'sha512'],
  ['1.3.101.112', null],
];

const isOid = (element: der.Element | undefined, oid: string): boolean =>
  element?.raw.equals(der.objectIdentifier(oid)) ?? false;

function sequence(element: der.Element | undefined): der.Element[] {
  if (element?.tag !== der.tags.sequence) throw new RangeError('asn1: structure error: tags do not match');
  return der.elements(element.content);
}

/** The first PEM block, as Go's `pem.Decode` finds it. */
function firstBlock(
  text: string,
): { readonly label: string; readonly bytes: Buffer; readonly rest: string } | undefined {
  const match = /-----BEGIN ([^-\n]*)-----\s*?\n([\s\S]*?)-----END \1-----[ \t]*(?:\r?\n|$)/.exec(text);
  if (!match) return undefined;
  const [whole, label = '', body = ''] = match;
  return { label, bytes: Buffer.from(body, 'base64'), rest: text.slice(match.index + whole.length) };
}

function subjectOf(name: der.Element): Required<Subject> {
  let commonName = '';
  const organizations: string[] = [];
  for (const set of der.elements(name.content))
    for (const attribute of der.elements(set.content)) {
      const [type, value] = der.elements(attribute.content);
      const text = value?.content.toString('utf8') ?? '';
      if (isOid(type, COMMON_NAME)) commonName = text;
      else if (isOid(type, ORGANIZATION)) organizations.push(text);
    }
  return { commonName, organizations };
}

type Names = Pick<ParsedRequest, 'dnsNames' | 'ipAddresses' | 'emailAddresses' | 'uris'>;

function alternativeNames(attributes: der.Element | undefined): Names {
  const names = {
    dnsNames: [] as string[],
    ipAddresses: [] as Buffer[],
    emailAddresses: [] as string[],
    uris: [] as string[],
  };
  for (const attribute of der.elements(attributes?.content ?? Buffer.alloc(0))) {
    const [type, values] = der.elements(attribute.content);
    if (!isOid(type, EXTENSION_REQUEST)) continue;
    const extensions = der.elements(values?.content ?? Buffer.alloc(0))[0];
    for (const extension of der.elements(extensions?.content ?? Buffer.alloc(0))) {
      const parts = der.elements(extension.content);
      if (!isOid(parts[0], SUBJECT_ALT_NAME)) continue;
      const general = der.elements(parts.at(-1)?.content ?? Buffer.alloc(0))[0];
      for (const { tag, content } of der.elements(general?.content ?? Buffer.alloc(0))) {
        if (tag === 0x81) names.emailAddresses.push(content.toString('latin1'));
        else if (tag === 0x82) names.dnsNames.push(content.toString('latin1'));
        else if (tag === 0x86) names.uris.push(content.toString('latin1'));
        else if (tag === 0x87) names.ipAddresses.push(content);
      }
    }
  }
  return names;
}

function checkSignature(info: Buffer, algorithm: der.Element | undefined, signature: Buffer, key: KeyObject): void {
  const oid = der.elements(algorithm?.content ?? Buffer.alloc(0))[0];
  const known = ALGORITHMS.find(([name]) => isOid(oid, name));
  if (!known) throw new CertificateRequestError('x509: cannot verify signature: algorithm unimplemented');
  if (verify(known[1], info, key, signature)) return;
  const rsa = key.asymmetricKeyType === 'rsa';
  throw new CertificateRequestError(rsa ? 'crypto/rsa: verification error' : 'x509: ECDSA verification failure');
}

/**
 * @param text PEM with a block `CERTIFICATE REQUEST`.
 * @throws CertificateRequestError for what is no such request, or one not signed by the key it is for.
 */
export function parseCertificateRequest(text: string): ParsedRequest {
  const block = firstBlock(text);
  if (block?.label !== 'CERTIFICATE REQUEST')
    throw new CertificateRequestError('PEM block type must be CERTIFICATE REQUEST');
  try {
    const [outer, ...trailing] = der.elements(block.bytes);
    if (trailing.length > 0) throw new RangeError('trailing data after the request');
    const [info, algorithm, bits] = sequence(outer);
    const [, subject, publicKeyInfo, attributes] = sequence(info);
    sequence(algorithm);
    if (!info || !subject || !publicKeyInfo) throw new RangeError('asn1: structure error: fields are missing');
    if (bits?.tag !== der.tags.bitString || bits.content[0] !== 0)
      throw new RangeError('asn1: structure error: the signature is no BIT STRING of whole octets');
    const publicKey = createPublicKey({ key: publicKeyInfo.raw, format: 'der', type: 'spki' });
    checkSignature(info.raw, algorithm, bits.content.subarray(1), publicKey);
    return { subject: subjectOf(subject), rawSubject: subject.raw, publicKey, ...alternativeNames(attributes) };
  } catch (error) {
    if (error instanceof CertificateRequestError) throw error;
    throw new CertificateRequestError(`x509: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** What is wrong with PEM that ought to hold certificates and nothing else; undefined: nothing. */
export function pemCertificatesError(text: string): string | undefined {
  let rest = text;
  let blocks = 0;
  for (let block = firstBlock(rest); block; block = firstBlock(rest)) {
    if (block.label !== 'CERTIFICATE')
      return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(block.label)}`;
    blocks++;
    try {
      new X509Certificate(block.bytes);
    } catch {
      return 'x509: malformed certificate';
    }
    rest = block.rest;
  }
  return blocks === 0 ? 'must contain at least one CERTIFICATE PEM block' : undefined;
}

/** Certificate requests (PKCS #10, RFC 2986) for tests. */
import { type KeyObject, sign } from 'node:crypto';
import * as der from '../der.ts';
import { addressOctets, generateKeyPair, pem } from '../x509.ts';

export interface RequestOptions {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly emailAddresses?: readonly string[];
  readonly uris?: readonly string[];
  /** Signs instead of the request's own key: the request is not valid then. */
  readonly signer?: KeyObject;
}

export interface MadeRequest {
  readonly pem: string;
  readonly privateKeyPem: string;
}

export function certificateRequest(options: RequestOptions): MadeRequest {
  const { privateKey, publicKey } = generateKeyPair();
  const attribute = (type: string, text: string): Buffer =>
    der.set(der.sequence(der.objectIdentifier(type), der.utf8String(text)));
  const names = [
    ...(options.emailAddresses ?? []).map(text => der.context(1, false, Buffer.from(text))),
    ...(options.dnsNames ?? []).map(text => der.context(2, false, Buffer.from(text))),
    ...(options.uris ?? []).map(text => der.context(6, false, Buffer.from(text))),
    ...(options.ipAddresses ?? []).map(text => der.context(7, false, addressOctets(text))),
  ];
  const extension = der.sequence(der.objectIdentifier('2.5.29.17'), der.octetString(der.sequence(...names)));
  const extensions = der.sequence(der.objectIdentifier('1.2.840.113549.1.9.14'), der.set(der.sequence(extension)));
  const info = der.sequence(
    der.integer(Buffer.of(0)),
    der.sequence(
      ...(options.organizations ?? []).map(text => attribute('2.5.4.10', text)),
      attribute('2.5.4.3', options.commonName),
    ),
    publicKey.export({ type: 'spki', format: 'der' }),
    der.context(0, true, ...(names.length > 0 ? [extensions] : [])),
  );
  const signature = sign('sha256', info, options.signer ?? privateKey);
  const algorithm = der.sequence(der.objectIdentifier('1.2.840.10045.4.3.2'));
  return {
    pem: pem('CERTIFICATE REQUEST', der.sequence(info, algorithm, der.bitString(signature))),
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

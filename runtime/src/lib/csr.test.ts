import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CertificateRequestError, parseCertificateRequest, pemCertificatesError } from './csr.ts';
import { certificateRequest } from './testing/certificateRequest.ts';
import { createCertificate, generateKeyPair, pem } from './x509.ts';

const failure = (text: string): string => {
  try {
    parseCertificateRequest(text);
    return '';
  } catch (error) {
    if (error instanceof CertificateRequestError) return error.message;
    throw error;
  }
};

describe('parseCertificateRequest', () => {
  it('reads names and alternative names', () => {
    const { pem: text } = certificateRequest({
      commonName: 'ada',
      organizations: ['devs', 'ops'],
      dnsNames: ['a.test', 'b.test'],
      ipAddresses: ['192.0.2.1', '2001:db8::1'],
      emailAddresses: ['ada@a.test'],
      uris: ['spiffe://a.test/ada'],
    });
    const { subject, dnsNames, ipAddresses, emailAddresses, uris } = parseCertificateRequest(text);
    assert.deepEqual(subject, { commonName: 'ada', organizations: ['devs', 'ops'] });
    assert.deepEqual(dnsNames, ['a.test', 'b.test']);
    assert.deepEqual(
      ipAddresses.map(address => address.length),
      [4, 16],
    );
    assert.deepEqual([emailAddresses, uris], [['ada@a.test'], ['spiffe://a.test/ada']]);
  });

  it('finds the request behind other text', () => {
    assert.equal(failure(`some words\n${certificateRequest({ commonName: 'x' }).pem}`), '');
  });

  it('refuses what its own key has not signed', () => {
    const { pem: text } = certificateRequest({ commonName: 'x', signer: generateKeyPair().privateKey });
    assert.equal(failure(text), 'x509: ECDSA verification failure');
  });

  for (const [what, text] of [
    ['nothing', ''],
    ['words', 'hello'],
    ['another block', pem('CERTIFICATE', Buffer.from('x'))],
  ] as const)
    it(`refuses ${what}`, () => assert.equal(failure(text), 'PEM block type must be CERTIFICATE REQUEST'));

  it('refuses damaged bytes, whatever they are', () => {
    const { pem: text } = certificateRequest({ commonName: 'x', dnsNames: ['a.test'] });
    const bytes = Buffer.from(text.replace(/-----[^\n]*\n/g, ''), 'base64');
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged.writeUInt8(damaged.readUInt8(at) ^ 0x5a, at);
      assert.match(failure(pem('CERTIFICATE REQUEST', damaged)), /^(?:x509|crypto)/, `byte ${at}`);
    }
    for (const length of [0, 1, 10, bytes.length - 1])
      assert.match(failure(pem('CERTIFICATE REQUEST', bytes.subarray(0, length))), /^x509/);
  });
});

describe('pemCertificatesError', () => {
  const { privateKey, publicKey } = generateKeyPair();
  const good = createCertificate({
    subject: { commonName: 'x' },
    publicKey,
    issuer: { self: privateKey },
    notBefore: new Date('2026-01-01'),
    notAfter: new Date('2027-01-01'),
  });
  const cases: readonly (readonly [what: string, text: string, expected: string | undefined])[] = [
    ['one certificate', good, undefined],
    ['two with words between', `${good}words\n${good}`, undefined],
    ['nothing', '', 'must contain at least one CERTIFICATE PEM block'],
    ['a key', pem('PRIVATE KEY', Buffer.from('x')), 'only CERTIFICATE PEM blocks are allowed, found "PRIVATE KEY"'],
    ['no certificate in it', pem('CERTIFICATE', Buffer.from('x')), 'x509: malformed certificate'],
  ];
  for (const [what, text, expected] of cases) it(what, () => assert.equal(pemCertificatesError(text), expected));
});

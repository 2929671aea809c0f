import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import * as der from './der.ts';
import { addressOctets, createCertificate, generateKeyPair, subjectOf } from './x509.ts';

const notBefore = new Date('2024-01-01T00:00:00Z');
const notAfter = new Date('2060-01-01T00:00:00Z');

const caKeys = generateKeyPair();
const ca = createCertificate({
  subject: { commonName: 'atoll-server-ca' },
  publicKey: caKeys.publicKey,
  issuer: { self: caKeys.privateKey },
  isCa: true,
  notBefore,
  notAfter,
});

const leaf = (
  subject: { commonName: string; organizations?: string[] },
  publicKey = generateKeyPair().publicKey,
): string =>
  createCertificate({
    subject,
    publicKey,
    issuer: { certificatePem: ca, privateKey: caKeys.privateKey },
    dnsNames: ['kubernetes', 'kubernetes.default.svc', '*.example.org'],
    ipAddresses: ['10.43.0.1', '::1', 'fd00::10.0.0.1'],
    usages: ['server', 'client'],
    notBefore,
    notAfter: new Date('2049-12-31T23:59:59Z'),
  });

describe('der', () => {
  const cases: [string, Buffer, string][] = [
    ['zero', der.integer(Buffer.of(0, 0)), '020100'],
    ['an integer that would look negative', der.integer(Buffer.of(0x80)), '02020080'],
    ['an arc above 127', der.objectIdentifier('1.2.840.10045.4.3.2'), '06082a8648ce3d040302'],
    ['named bits 5 and 6', der.namedBits([5, 6]), '03020106'],
    ['no named bits', der.namedBits([]), '030100'],
    ['UTCTime through 2049', der.time(new Date('2049-12-31T23:59:59.9Z')), '170d3439313233313233353935395a'],
    ['GeneralizedTime from 2050', der.time(new Date('2050-01-01T00:00:00Z')), '180f32303530303130313030303030305a'],
    ['a long length', der.octetString(Buffer.alloc(200)).subarray(0, 3), '0481c8'],
    ['a SET, sorted', der.set(der.integer(Buffer.of(2)), der.integer(Buffer.of(1))), '3106020101020102'],
  ];
  for (const [what, actual, expected] of cases) {
    it(`writes ${what}`, () => assert.equal(actual.toString('hex'), expected));
  }
  it('refuses what is cut short', () =>
    assert.throws(() => der.elements(Buffer.from('3005020101', 'hex')), RangeError));
});

describe('createCertificate', () => {
  it('makes a root that Node takes for a certificate authority', () => {
    const root = new X509Certificate(ca);
    assert.equal(root.ca, true);
    assert.ok(root.verify(caKeys.publicKey));
    assert.equal(root.validTo, 'Jan  1 00:00:00 2060 GMT');
  });

  it('makes a leaf with the names, the issuer and the key it was asked for', () => {
    const keys = generateKeyPair();
    const parsed = new X509Certificate(
      leaf({ commonName: 'system:admin', organizations: ['system:masters'] }, keys.publicKey),
    );
    assert.equal(parsed.ca, false);
    assert.ok(parsed.checkIssued(new X509Certificate(ca)));
    assert.ok(parsed.verify(caKeys.publicKey));
    assert.ok(parsed.checkPrivateKey(keys.privateKey));
    assert.deepEqual(parsed.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    assert.equal(parsed.checkHost('kubernetes'), 'kubernetes');
    assert.equal(parsed.checkHost('a.example.org'), '*.example.org');
    assert.equal(parsed.checkIP('10.43.0.1'), '10.43.0.1');
    assert.equal(parsed.checkIP('fd00::a00:1'), 'fd00::a00:1');
    assert.deepEqual(subjectOf(parsed.raw), { commonName: 'system:admin', organizations: ['system:masters'] });
  });

  it('keeps names apart that contain line breaks, equals signs or other alphabets', () => {
    const subject = { commonName: 'a\nO=system:masters', organizations: ['ö, CN=x', 'two'] };
    assert.deepEqual(subjectOf(new X509Certificate(leaf(subject)).raw), subject);
  });

  it('satisfies openssl, also with an RSA authority', () => {
    const directory = mkdtempSync(join(tmpdir(), 'atoll-x509-'));
    try {
      const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const rsaCa = createCertificate({
        subject: { commonName: 'rsa', organizations: ['atoll'] },
        publicKey: rsa.publicKey,
        issuer: { self: rsa.privateKey },
        isCa: true,
        notBefore,
        notAfter,
      });
      const rsaLeaf = createCertificate({
        subject: { commonName: 'under rsa' },
        publicKey: rsa.publicKey,
        issuer: { certificatePem: rsaCa, privateKey: rsa.privateKey },
        usages: ['client'],
        notBefore,
        notAfter,
      });
      const chains = { ec: [ca, leaf({ commonName: 'ec' }), 'sslserver'], rsa: [rsaCa, rsaLeaf, 'sslclient'] };
      for (const [kind, [root = '', certificate = '', purpose = '']] of Object.entries(chains)) {
        writeFileSync(join(directory, 'ca.pem'), root);
        writeFileSync(join(directory, 'leaf.pem'), certificate);
        const openssl = (...args: string[]): string =>
          execFileSync('openssl', args, { cwd: directory, encoding: 'utf8' });
        const verdict = openssl('verify', '-x509_strict', '-purpose', purpose, '-CAfile', 'ca.pem', 'leaf.pem');
        assert.equal(verdict, 'leaf.pem: OK\n', kind);
        const text = openssl('x509', '-in', 'leaf.pem', '-noout', '-text');
        assert.match(text, /X509v3 Key Usage: critical\s+Digital Signature/);
        assert.match(text, /X509v3 Authority Key Identifier/);
        if (kind === 'ec') {
          assert.match(
            text,
            /DNS:kubernetes, DNS:kubernetes\.default\.svc, DNS:\*\.example\.org, IP Address:10\.43\.0\.1/,
          );
        }
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  const refused: [string, () => unknown, RegExp][] = [
    ['a host name as address', () => addressOctets('localhost'), /not an IP address: "localhost"/],
    ['an address with a zone', () => addressOctets('fe80::1%eth0'), /not an IP address/],
    [
      'a validity that ends before it begins',
      () =>
        createCertificate({
          subject: { commonName: 'x' },
          publicKey: caKeys.publicKey,
          issuer: { self: caKeys.privateKey },
          notBefore: notAfter,
          notAfter: notBefore,
        }),
      /notAfter must lie after notBefore/,
    ],
  ];
  for (const [what, attempt, message] of refused) it(`refuses ${what}`, () => assert.throws(attempt, message));
});

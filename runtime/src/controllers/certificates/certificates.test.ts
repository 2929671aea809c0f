import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CertificateSigningRequest } from '../../api/generated/types/certificates.v1.ts';
import { parseCertificateRequest } from '../../lib/csr.ts';
import { certificateRequest, type RequestOptions } from '../../lib/testing/certificateRequest.ts';
import { goneAtMs } from './cleaner.ts';
import {
  CLIENT_SIGNER,
  KUBELET_CLIENT_SIGNER,
  KUBELET_SERVING_SIGNER,
  nodeClientKind,
  refusalOf,
  validityOf,
} from './rules.ts';
import { usageBits, usagePurposes } from './usages.ts';

const parsed = (options: RequestOptions) => parseCertificateRequest(certificateRequest(options).pem);
const NODE: RequestOptions = { commonName: 'system:node:n1', organizations: ['system:nodes'] };
const CLIENT = ['client auth', 'digital signature'];
const SERVER = ['server auth', 'digital signature'];

describe('what the signers sign', () => {
  const cases: readonly (readonly [signer: string, usages: string[], RequestOptions, expected: string | undefined])[] =
    [
      [CLIENT_SIGNER, ['client auth'], { commonName: 'ada' }, undefined],
      [CLIENT_SIGNER, [...CLIENT, 'key encipherment'], { commonName: 'ada' }, undefined],
      [
        CLIENT_SIGNER,
        ['digital signature'],
        { commonName: 'a' },
        'usages did not match [client auth digital signature key encipherment]',
      ],
      [
        CLIENT_SIGNER,
        [...CLIENT, 'server auth'],
        { commonName: 'a' },
        'usages did not match [client auth digital signature key encipherment]',
      ],
      [KUBELET_CLIENT_SIGNER, CLIENT, NODE, undefined],
      [KUBELET_CLIENT_SIGNER, [...CLIENT, 'key encipherment'], NODE, undefined],
      [KUBELET_CLIENT_SIGNER, ['client auth'], NODE, 'usages did not match [client auth digital signature]'],
      [KUBELET_CLIENT_SIGNER, SERVER, NODE, 'usages did not match [client auth digital signature]'],
      [KUBELET_CLIENT_SIGNER, CLIENT, { commonName: 'system:node:n1' }, 'subject organization is not system:nodes'],
      [
        KUBELET_CLIENT_SIGNER,
        CLIENT,
        { ...NODE, organizations: ['system:nodes', 'system:masters'] },
        'subject organization is not system:nodes',
      ],
      [
        KUBELET_CLIENT_SIGNER,
        CLIENT,
        { ...NODE, commonName: 'n1' },
        'subject common name does not begin with system:node:',
      ],
      [KUBELET_CLIENT_SIGNER, CLIENT, { ...NODE, dnsNames: ['a'] }, 'DNS subjectAltNames are not allowed'],
      [KUBELET_CLIENT_SIGNER, CLIENT, { ...NODE, ipAddresses: ['192.0.2.1'] }, 'IP subjectAltNames are not allowed'],
      [KUBELET_CLIENT_SIGNER, CLIENT, { ...NODE, emailAddresses: ['a@b'] }, 'Email subjectAltNames are not allowed'],
      [KUBELET_CLIENT_SIGNER, CLIENT, { ...NODE, uris: ['a:b'] }, 'URI subjectAltNames are not allowed'],
      [KUBELET_SERVING_SIGNER, SERVER, { ...NODE, dnsNames: ['n1'] }, undefined],
      [KUBELET_SERVING_SIGNER, SERVER, { ...NODE, ipAddresses: ['192.0.2.1'] }, undefined],
      [KUBELET_SERVING_SIGNER, SERVER, NODE, 'at least one DNS or IP subjectAltName is required'],
      [
        KUBELET_SERVING_SIGNER,
        CLIENT,
        { ...NODE, dnsNames: ['n1'] },
        'usages did not match [digital signature server auth]',
      ],
    ];
  for (const [signerName, usages, options, expected] of cases)
    it(`${signerName} ${usages.join(',')} ${JSON.stringify(options)}`, () =>
      assert.equal(refusalOf({ signerName, usages }, parsed(options)), expected));
});

describe('kubelets', () => {
  const spec = { request: '', signerName: KUBELET_CLIENT_SIGNER, usages: CLIENT };
  it('ask for themselves or are asked for', () => {
    assert.equal(nodeClientKind({ ...spec, username: 'system:node:n1' }, parsed(NODE)), 'selfnodeclient');
    assert.equal(nodeClientKind({ ...spec, username: 'system:bootstrap:abc' }, parsed(NODE)), 'nodeclient');
    assert.equal(nodeClientKind({ ...spec, signerName: CLIENT_SIGNER }, parsed(NODE)), undefined);
    assert.equal(nodeClientKind(spec, parsed({ commonName: 'x' })), undefined);
  });
});

describe('how long a certificate is valid', () => {
  const DAY = 86_400;
  const cases: readonly (readonly [asked: number | undefined, seconds: number])[] = [
    [undefined, 365 * DAY],
    [600, 600],
    [3600, 3600],
    [10, 600],
    [400 * DAY, 365 * DAY],
  ];
  for (const [asked, seconds] of cases)
    it(`${asked}`, () => {
      const now = Date.parse('2026-01-01T00:00:00Z');
      const { notBefore, notAfter } = validityOf(asked, now);
      assert.equal((notAfter.getTime() - notBefore.getTime()) / 1000, seconds);
      assert.equal(now - notBefore.getTime(), 5 * 60_000);
    });
});

describe('usages in X.509', () => {
  it('are bits and purposes', () => {
    assert.deepEqual(usageBits(['digital signature', 'signing', 'key encipherment', 'client auth']), [0, 2]);
    assert.deepEqual(usagePurposes(['client auth', 'server auth', 'email protection', 's/mime', 'cert sign']), [
      'client',
      'server',
      '1.3.6.1.5.5.7.3.4',
    ]);
  });
});

describe('when a request goes', () => {
  const HOUR = 3_600_000;
  const BEGAN = Date.parse('2026-01-01T00:00:00Z');
  const condition = (type: string) => ({ type, status: 'True', lastUpdateTime: '2026-01-01T01:00:00Z' });
  const cases: readonly (readonly [string, CertificateSigningRequest['status'], hours: number])[] = [
    ['nobody has answered', {}, 24],
    ['denied', { conditions: [condition('Denied')] }, 2],
    ['failed', { conditions: [condition('Approved'), condition('Failed')] }, 2],
    ['approved, not issued', { conditions: [condition('Approved')] }, 25],
    ['issued', { conditions: [condition('Approved')], certificate: 'eA==' }, 2],
  ];
  for (const [what, status, hours] of cases)
    it(what, () => {
      const csr = {
        metadata: { creationTimestamp: '2026-01-01T00:00:00Z' },
        spec: { request: '', signerName: '' },
        status,
      };
      assert.equal((goneAtMs(csr) - BEGAN) / HOUR, hours);
    });
});

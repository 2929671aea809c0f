import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { certificateRequest } from '../../../lib/testing/certificateRequest.ts';
import { createCertificate, generateKeyPair } from '../../../lib/x509.ts';
import type { KubeObject } from '../../object.ts';
import { at, type Changes, testKind, throughPart } from '../testing/table.ts';
import { SUBDOMAIN } from '../testing/texts.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const request = base64(certificateRequest({ commonName: 'ada' }).pem);
const forged = base64(certificateRequest({ commonName: 'ada', signer: generateKeyPair().privateKey }).pem);
const { privateKey, publicKey } = generateKeyPair();
const certificate = base64(
  createCertificate({
    subject: { commonName: 'ada' },
    publicKey,
    issuer: { self: privateKey },
    notBefore: new Date('2026-01-01'),
    notAfter: new Date('2027-01-01'),
  }),
);

const APPROVED = { type: 'Approved', status: 'True', reason: 'r', message: 'm' };
const DENIED = { type: 'Denied', status: 'True' };
const FAILED = { type: 'Failed', status: 'True' };
const EXCLUSIVE = 'Approved and Denied conditions are mutually exclusive';
const FORM = "must be a fully qualified domain and path of the form 'example.com/signer-name'";

testKind({
  group: 'certificates.k8s.io',
  resource: 'certificatesigningrequests',
  user: { name: 'ada', uid: 'u', groups: ['devs'], extra: { a: ['b'] } },
  good: { spec: { request, signerName: 'example.com/signer', usages: ['client auth'] } },
  alsoGood: [
    { 'metadata.name': 'Anything: goes' },
    { 'spec.expirationSeconds': 600 },
    { 'spec.signerName': 'kubernetes.io/kube-apiserver-client' },
    { 'spec.signerName': 'example.com/a.b.c' },
  ],
  bad: [
    [
      { 'spec.request': base64('x') },
      `spec.request: Invalid value: "${base64('x')}": PEM block type must be CERTIFICATE REQUEST`,
    ],
    [{ 'spec.request': forged }, `spec.request: Invalid value: "${forged}": x509: ECDSA verification failure`],
    [{ 'spec.usages': [] }, 'spec.usages: Required value'],
    [{ 'spec.usages': ['client auth', 'client auth'] }, 'spec.usages[1]: Duplicate value: "client auth"'],
    [
      { 'spec.usages': ['cooking'] },
      'spec.usages[0]: Unsupported value: "cooking": supported values: "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment", "decipher only", "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel", "ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime", "server auth", "signing", "timestamping"',
    ],
    [{ 'spec.signerName': '' }, 'spec.signerName: Required value'],
    [{ 'spec.signerName': 'signer' }, `spec.signerName: Invalid value: "signer": ${FORM}`],
    [{ 'spec.signerName': 'a.b/c/d' }, `spec.signerName: Invalid value: "a.b/c/d": ${FORM}`],
    [
      { 'spec.signerName': 'example/x' },
      'spec.signerName: Invalid value: "example": should be a domain with at least two segments separated by dots',
    ],
    [{ 'spec.signerName': 'example.com/A' }, `spec.signerName: Invalid value: "A": validating label "A": ${SUBDOMAIN}`],
    [
      { 'spec.signerName': 'kubernetes.io/legacy-unknown' },
      'spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version',
    ],
    [
      { 'spec.expirationSeconds': 599 },
      'spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)',
    ],
  ],
  defaults: {
    'spec.username': 'ada',
    'spec.uid': 'u',
    'spec.groups': ['devs'],
    'spec.extra': { a: ['b'] },
    status: {},
    'metadata.generation': undefined,
  },
  updates: [[{ 'metadata.labels': { a: 'b' } }], [{ 'spec.usages': [] }], [{ 'status.conditions': [APPROVED] }]],
  statusUpdates: [
    [{ 'status.certificate': certificate }],
    [{ 'status.conditions': [FAILED] }],
    [{ 'status.conditions': [{ type: 'Other', status: 'Unknown' }] }],
    [
      { 'status.conditions': [APPROVED] },
      'status.conditions: Forbidden: updates may not add a condition of type "Approved"',
    ],
    [
      { 'status.conditions': [DENIED] },
      'status.conditions: Forbidden: updates may not add a condition of type "Denied"',
    ],
    [
      { 'status.conditions': [{ ...FAILED, status: 'False' }] },
      'status.conditions[0].status: Unsupported value: "False": supported values: "True"',
    ],
    [{ 'status.conditions': [FAILED, FAILED] }, 'status.conditions[1].type: Duplicate value: "Failed"'],
    [{ 'status.conditions': [{ type: 'Other' }] }, 'status.conditions[0].status: Required value'],
    [{ 'status.conditions': [{ status: 'True' }] }, 'status.conditions[0].type: Required value'],
    [
      { 'status.certificate': base64('x') },
      'status.certificate: Invalid value: "<certificate data>": must contain at least one CERTIFICATE PEM block',
    ],
  ],
  cells: [
    [{}, '10m', 'example.com/signer', 'ada', '<none>', 'Pending'],
    [
      { 'spec.expirationSeconds': 86_400, 'status.conditions': [APPROVED], 'status.certificate': certificate },
      '10m',
      'example.com/signer',
      'ada',
      '24h',
      'Approved,Issued',
    ],
    [{ 'status.conditions': [DENIED] }, '10m', 'example.com/signer', 'ada', '<none>', 'Denied'],
    [{ 'status.conditions': [APPROVED, FAILED] }, '10m', 'example.com/signer', 'ada', '<none>', 'Approved,Failed'],
  ],
});

describe('approval', () => {
  const csr = (status: object): KubeObject => ({
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name: 'ada', uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { request, signerName: 'example.com/signer', usages: ['client auth'] },
    status,
  });
  const decide = (status: object, changes: Changes) =>
    throughPart('certificates.k8s.io', 'certificatesigningrequests', 'approval', csr(status), changes);

  const cases: readonly (readonly [status: object, conditions: readonly object[], ...errors: string[]])[] = [
    [{}, [APPROVED]],
    [{}, [DENIED]],
    [{ conditions: [APPROVED] }, [APPROVED, FAILED]],
    [{}, [APPROVED, DENIED], `status.conditions[1].type: Invalid value: "Denied": ${EXCLUSIVE}`],
    [
      { conditions: [APPROVED] },
      [],
      'status.conditions: Forbidden: updates may not remove a condition of type "Approved"',
    ],
    [
      { conditions: [APPROVED] },
      [DENIED],
      'status.conditions: Forbidden: updates may not remove a condition of type "Approved"',
    ],
    [
      {},
      [{ ...APPROVED, status: 'False' }],
      'status.conditions[0].status: Unsupported value: "False": supported values: "True"',
    ],
  ];
  for (const [status, conditions, ...errors] of cases)
    it(`${errors.length === 0 ? 'may' : 'must not'} turn ${JSON.stringify(status)} into ${JSON.stringify(conditions)}`, () =>
      assert.deepEqual(decide(status, { 'status.conditions': conditions }).errors, errors));

  it('sets conditions and times, and nothing else', () => {
    const { object } = decide(
      { certificate },
      { 'status.conditions': [APPROVED], 'status.certificate': 'x', 'spec.usages': ['any'] },
    );
    assert.deepEqual(at(object, 'spec.usages'), ['client auth']);
    assert.equal(at(object, 'status.certificate'), certificate);
    assert.match(String(at(object, 'status.conditions.0.lastUpdateTime')), /^\d{4}-.*Z$/);
    assert.match(String(at(object, 'status.conditions.0.lastTransitionTime')), /^\d{4}-.*Z$/);
  });
});

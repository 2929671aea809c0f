/** CertificateSigningRequests (upstream: `pkg/apis/certificates/validation`, `pkg/registry/certificates`). */
import { CertificateRequestError, parseCertificateRequest, pemCertificatesError } from '../../../lib/csr.ts';
import type {
  CertificateSigningRequestCondition,
  CertificateSigningRequest as Csr,
} from '../../generated/types/certificates.v1.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors } from '../../names.ts';
import { ageColumn, column, humanDuration } from '../columns.ts';
import { defineKind } from '../define.ts';
import {
  at,
  child,
  duplicate,
  forbidden,
  invalid,
  invalidEach,
  notSupported,
  required,
  sameValue,
  tooLong,
} from '../errors.ts';
import type { FieldError } from '../kind.ts';

const CONDITIONS = 'status.conditions';
const LEGACY_SIGNER = 'kubernetes.io/legacy-unknown';
const USAGES = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
];
const FINAL = ['Approved', 'Denied', 'Failed'];
const DECISIONS = ['Approved', 'Denied'];
const MIN_SECONDS = 600;
const SIGNER_LIMIT = 571;

function requestErrors(request: string): FieldError[] {
  try {
    parseCertificateRequest(Buffer.from(request, 'base64').toString('latin1'));
    return [];
  } catch (error) {
    if (!(error instanceof CertificateRequestError)) throw error;
    return [invalid('spec.request', request, error.message)];
  }
}

/** Upstream: core's `ValidateSignerName`. */
function signerErrors(name: string): FieldError[] {
  const field = 'spec.signerName';
  if (name === '') return [required(field)];
  const segments = name.split('/');
  const [domain = '', path = ''] = segments;
  if (segments.length !== 2)
    return [invalid(field, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")];
  const errors: FieldError[] = [];
  /** Only the first bad label is spoken of. */
  const labels = (text: string, rule: (label: string) => string[]): void => {
    const wrong = text.split('.').find(label => rule(label).length > 0);
    if (wrong === undefined) return;
    const texts = rule(wrong).map(fault => `validating label ${JSON.stringify(wrong)}: ${fault}`);
    errors.push(...invalidEach(field, text, texts));
  };
  if (domain.length > 253) errors.push(tooLong(field, 253));
  labels(domain, dns1123LabelErrors);
  if (!domain.includes('.'))
    errors.push(invalid(field, domain, 'should be a domain with at least two segments separated by dots'));
  labels(path, dns1123SubdomainErrors);
  if (name.length > SIGNER_LIMIT) errors.push(tooLong(field, SIGNER_LIMIT));
  return errors;
}

function usageErrors(usages: readonly string[], kept: readonly string[]): FieldError[] {
  const field = 'spec.usages';
  if (usages.length === 0) return [required(field)];
  const mayBeUnknown = kept.some(usage => !USAGES.includes(usage));
  const unknown = usages.flatMap((usage, i) =>
    mayBeUnknown || USAGES.includes(usage) ? [] : [notSupported(at(field, i), usage, USAGES)],
  );
  const mayRepeat = new Set(kept).size < kept.length;
  const repeated = usages.flatMap((usage, i) =>
    mayRepeat || usages.indexOf(usage) === i ? [] : [duplicate(at(field, i), usage)],
  );
  return [...unknown, ...repeated];
}

function conditionErrors(object: Csr, old: Csr | undefined): FieldError[] {
  const before = (old?.status?.conditions ?? []).map(c => c.type);
  const both = before.includes('Approved') && before.includes('Denied');
  const repeats = new Set(before).size < before.length;
  const seen = new Set<string>();
  return (object.status?.conditions ?? []).flatMap(({ type = '', status = '' }, i) => {
    const path = at(CONDITIONS, i);
    const errors: FieldError[] = [];
    if (type === '' && !before.includes('')) errors.push(required(child(path, 'type')));
    const allowed = FINAL.includes(type) ? ['True'] : ['False', 'True', 'Unknown'];
    if (status === '') errors.push(required(child(path, 'status')));
    else if (!allowed.includes(status)) errors.push(notSupported(child(path, 'status'), status, allowed));
    const opposite = type === 'Approved' ? 'Denied' : type === 'Denied' ? 'Approved' : undefined;
    if (!both && opposite !== undefined && seen.has(opposite))
      errors.push(invalid(child(path, 'type'), type, 'Approved and Denied conditions are mutually exclusive'));
    if (!repeats && seen.has(type)) errors.push(duplicate(child(path, 'type'), type));
    seen.add(type);
    return errors;
  });
}

function certificateErrors(object: Csr, old: Csr | undefined): FieldError[] {
  const wrong = (csr: Csr | undefined): string | undefined => {
    const certificate = csr?.status?.certificate ?? '';
    return certificate === '' ? undefined : pemCertificatesError(Buffer.from(certificate, 'base64').toString('latin1'));
  };
  if (old && (object.status?.certificate ?? '') === (old.status?.certificate ?? '')) return [];
  if (wrong(old) !== undefined) return [];
  const text = wrong(object);
  return text === undefined ? [] : [invalid('status.certificate', '<certificate data>', text)];
}

function wholeErrors(object: Csr, old?: Csr): FieldError[] {
  const { request = '', usages = [], signerName = '', expirationSeconds: seconds } = object.spec ?? {};
  const errors = [...requestErrors(request), ...usageErrors(usages, old?.spec?.usages ?? [])];
  if (signerName === LEGACY_SIGNER && old?.spec?.signerName !== LEGACY_SIGNER)
    errors.push(invalid('spec.signerName', signerName, 'the legacy signerName is not allowed via this API version'));
  else errors.push(...signerErrors(signerName));
  if (seconds !== undefined && seconds < MIN_SECONDS)
    errors.push(
      invalid('spec.expirationSeconds', seconds, 'may not specify a duration less than 600 seconds (10 minutes)'),
    );
  return [...errors, ...conditionErrors(object, old), ...certificateErrors(object, old)];
}

const conditionsOf = (csr: Csr, type: string): CertificateSigningRequestCondition[] =>
  (csr.status?.conditions ?? []).filter(condition => condition.type === type);

/** @param may what the subresource is for. */
function updateErrors(object: Csr, old: Csr, may: { readonly decide?: true; readonly issue?: true }): FieldError[] {
  const errors = wholeErrors(object, old);
  for (const type of FINAL)
    if (conditionsOf(object, type).length < conditionsOf(old, type).length)
      errors.push(forbidden(CONDITIONS, `updates may not remove a condition of type "${type}"`));
  for (const type of may.decide ? [] : DECISIONS) {
    const [now, before] = [conditionsOf(object, type), conditionsOf(old, type)];
    if (now.length > before.length)
      errors.push(forbidden(CONDITIONS, `updates may not add a condition of type "${type}"`));
    else if (now.length === before.length && !sameValue(now, before))
      errors.push(forbidden(CONDITIONS, `updates may not modify a condition of type "${type}"`));
  }
  const [certificate, before] = [object.status?.certificate ?? '', old.status?.certificate ?? ''];
  if (certificate !== before) {
    if (!may.issue) errors.push(forbidden('status.certificate', 'updates may not set certificate content'));
    else if (before !== '')
      errors.push(forbidden('status.certificate', 'updates may not modify existing certificate content'));
  }
  return errors;
}

/** Conditions get the times nobody gave them; a status that stays as it was keeps its transition's. */
function stampConditions(object: Csr, old: Csr): void {
  const now = `${new Date().toISOString().slice(0, 19)}Z`;
  for (const condition of object.status?.conditions ?? []) {
    condition.lastUpdateTime ??= now;
    if (condition.lastTransitionTime !== undefined) continue;
    const same = conditionsOf(old, condition.type).find(before => before.status === condition.status);
    condition.lastTransitionTime = same?.lastTransitionTime ?? now;
  }
}

function setStatus(object: Csr, status: Csr['status']): void {
  if (status === undefined) delete object.status;
  else object.status = status;
}

/** `Pending`, `Approved,Issued`, `Denied`, `Approved,Failed`. */
function conditionText({ status }: Csr): string {
  const types = (status?.conditions ?? []).map(c => c.type);
  const words = [
    ...(types.includes('Denied') ? ['Denied'] : types.includes('Approved') ? ['Approved'] : []),
    ...(types.includes('Failed') ? ['Failed'] : []),
    ...(status?.certificate ? ['Issued'] : []),
  ];
  return words.length === 0 ? 'Pending' : words.join(',');
}

export const certificateSigningRequest = defineKind<Csr>({
  group: 'certificates.k8s.io',
  version: 'v1',
  kind: 'CertificateSigningRequest',
  shortNames: ['csr'],
  selectableFieldNames: ['spec.signerName'],
  selectableFields: o => ({ 'spec.signerName': o.spec?.signerName ?? '' }),
  columns: [
    ageColumn,
    column('SignerName', 'string', 'signerName indicates the requested signer, and is a qualified name.', o =>
      o.spec?.signerName ? o.spec.signerName : '<none>',
    ),
    column(
      'Requestor',
      'string',
      'username contains the name of the user that created the CertificateSigningRequest.',
      o => o.spec?.username ?? '',
    ),
    column(
      'RequestedDuration',
      'string',
      'expirationSeconds is the requested duration of validity of the issued certificate.',
      o => (o.spec?.expirationSeconds === undefined ? '<none>' : humanDuration(o.spec.expirationSeconds * 1000)),
    ),
    column('Condition', 'string', 'conditions applied to the request.', conditionText),
  ],
  nameErrors: () => [],
  prepareForCreate: (object, user) => {
    object.status = {};
    const { spec } = object;
    if (!spec) return;
    for (const field of ['username', 'uid', 'groups', 'extra'] as const) delete spec[field];
    if (!user) return;
    spec.username = user.name;
    if (user.uid) spec.uid = user.uid;
    spec.groups = [...user.groups];
    const extra = Object.entries(user.extra ?? {}).map(([key, values]) => [key, [...values]]);
    if (extra.length > 0) spec.extra = Object.fromEntries(extra);
  },
  prepareForUpdate: (object, old) => {
    object.spec = old.spec;
  },
  prepareForStatusUpdate: stampConditions,
  parts: {
    approval: {
      ofStatus: true,
      prepare: (object, old) => {
        object.spec = old.spec;
        const certificate = old.status?.certificate;
        const conditions = object.status?.conditions;
        setStatus(object, { ...(conditions ? { conditions } : {}), ...(certificate ? { certificate } : {}) });
        stampConditions(object, old);
      },
      validate: (object, old) => updateErrors(object, old, { decide: true }),
    },
  },
  validate: object => wholeErrors(object),
  validateUpdateAlone: true,
  validateUpdate: (object, old) => updateErrors(object, old, {}),
  validateStatusUpdate: (object, old) => updateErrors(object, old, { issue: true }),
});

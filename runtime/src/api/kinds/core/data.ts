/** ConfigMaps and Secrets (upstream: `ValidateConfigMap`, `ValidateSecret`). */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { ConfigMap, Secret } from '../../generated/types/core.v1.ts';
import { configMapKeyErrors } from '../../names.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { forbidden, immutable, invalid, invalidEach, keyed, required, sameValue, tooLong } from '../errors.ts';
import type { FieldError } from '../kind.ts';

const MAX_BYTES = 1024 * 1024;
const IMMUTABLE_TEXT = 'field is immutable when `immutable` is set';

const count = (map: object | undefined): number => Object.keys(map ?? {}).length;
const decodedBytes = (base64: string): number => Buffer.byteLength(base64, 'base64');

/** An immutable one stays what it is, also in being immutable. */
function immutableErrors(
  object: { readonly immutable?: boolean | undefined },
  old: { readonly immutable?: boolean | undefined },
  fields: readonly (readonly [path: string, now: unknown, before: unknown])[],
): FieldError[] {
  if (old.immutable !== true) return [];
  const errors = object.immutable === true ? [] : [forbidden('immutable', IMMUTABLE_TEXT)];
  for (const [path, now, before] of fields) if (!sameValue(now, before)) errors.push(forbidden(path, IMMUTABLE_TEXT));
  return errors;
}

function configMapErrors({ data, binaryData }: ConfigMap): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(data ?? {})) {
    errors.push(...invalidEach(keyed('data', key), key, configMapKeyErrors(key)));
    if (binaryData && Object.hasOwn(binaryData, key))
      errors.push(invalid(keyed('data', key), key, 'duplicate of key present in binaryData'));
    bytes += Buffer.byteLength(value);
  }
  for (const [key, value] of Object.entries(binaryData ?? {})) {
    errors.push(...invalidEach(keyed('binaryData', key), key, configMapKeyErrors(key)));
    bytes += decodedBytes(value);
  }
  // Upstream's path has no name.
  if (bytes > MAX_BYTES) errors.push(tooLong('[]', MAX_BYTES));
  return errors;
}

export const configMap = defineKind<ConfigMap>({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  shortNames: ['cm'],
  columns: [
    column('Data', 'integer', 'Number of items in the config map.', o => count(o.data) + count(o.binaryData)),
    ageColumn,
  ],
  validate: configMapErrors,
  validateUpdateAlone: true,
  validateUpdate: (object, old) => [
    ...immutableErrors(object, old, [
      ['data', object.data, old.data],
      ['binaryData', object.binaryData, old.binaryData],
    ]),
    ...configMapErrors(object),
  ],
});

/** What is wrong with JSON that should be an object, roughly in Go's words; nothing of it may be shown. */
function jsonFault(base64: string): string | undefined {
  const text = Buffer.from(base64, 'base64').toString('utf8').trim();
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && !Array.isArray(value)) return undefined;
    const found = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
    return `json: cannot unmarshal ${found} into Go value of type map[string]interface {}`;
  } catch {
    return text === '' || /[{[,:]$/.test(text)
      ? 'unexpected end of JSON input'
      : 'invalid character: the content is not well-formed JSON';
  }
}

function jsonErrors(data: Secret['data'], key: string): FieldError[] {
  const value = data?.[key];
  if (value === undefined) return [required(keyed('data', key))];
  const fault = jsonFault(value);
  return fault === undefined ? [] : [invalid(keyed('data', key), '<secret contents redacted>', fault)];
}

const missing = (data: Secret['data'], ...keys: readonly string[]): FieldError[] =>
  keys.filter(key => data?.[key] === undefined).map(key => required(keyed('data', key)));

/** What a secret of a type must have. */
function typeErrors({ type, data, metadata }: Secret): FieldError[] {
  switch (type) {
    case 'kubernetes.io/service-account-token': {
      const name = 'kubernetes.io/service-account.name';
      return metadata.annotations?.[name] ? [] : [required(keyed('metadata.annotations', name))];
    }
    case 'kubernetes.io/dockercfg':
      return jsonErrors(data, '.dockercfg');
    case 'kubernetes.io/dockerconfigjson':
      return jsonErrors(data, '.dockerconfigjson');
    case 'kubernetes.io/basic-auth': {
      const errors = missing(data, 'username', 'password');
      return errors.length === 2 ? errors : [];
    }
    case 'kubernetes.io/ssh-auth':
      return data?.['ssh-privatekey'] ? [] : [required(keyed('data', 'ssh-privatekey'))];
    case 'kubernetes.io/tls':
      return missing(data, 'tls.crt', 'tls.key');
    default:
      return [];
  }
}

function secretErrors(secret: Secret): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(secret.data ?? {})) {
    errors.push(...invalidEach(keyed('data', key), key, configMapKeyErrors(key)));
    bytes += decodedBytes(value);
  }
  if (bytes > MAX_BYTES) errors.push(tooLong('data', MAX_BYTES));
  return [...errors, ...typeErrors(secret)];
}

/** Whether key and certificate belong together: who uses them will find out, who writes them is told. */
function pairWarnings({ type, data }: Secret): string[] {
  if (type !== 'kubernetes.io/tls') return [];
  const [certificate, key] = ['tls.crt', 'tls.key'].map(name => Buffer.from(data?.[name] ?? '', 'base64').toString());
  if (!certificate?.includes('-----BEGIN CERTIFICATE-----'))
    return ['tls: failed to find any PEM data in certificate input'];
  if (!key?.includes('PRIVATE KEY-----')) return ['tls: failed to find any PEM data in key input'];
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))
      ? []
      : ['tls: private key does not match public key'];
  } catch {
    return ['tls: failed to parse private key'];
  }
}

export const secret = defineKind<Secret>({
  group: '',
  version: 'v1',
  kind: 'Secret',
  selectableFieldNames: ['type'],
  selectableFields: o => ({ type: o.type ?? '' }),
  columns: [
    column('Type', 'string', 'Used to facilitate programmatic handling of secret data.', o => o.type ?? ''),
    column('Data', 'integer', 'Number of items in the secret.', o => count(o.data)),
    ageColumn,
  ],
  defaults: object => {
    if (!object.type) object.type = 'Opaque';
    // Written in the clear, kept and read as data.
    if (object.stringData) {
      const encoded = Object.entries(object.stringData).map(
        ([k, v]) => [k, Buffer.from(v).toString('base64')] as const,
      );
      object.data = { ...object.data, ...Object.fromEntries(encoded) };
      delete object.stringData;
    }
  },
  validate: secretErrors,
  validateUpdateAlone: true,
  validateUpdate: (object, old) => [
    ...immutable('type', object.type, old.type),
    ...immutableErrors(object, old, [['data', object.data, old.data]]),
    ...secretErrors(object),
  ],
  warnings: pairWarnings,
});

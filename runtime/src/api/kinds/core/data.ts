/** ConfigMaps and Secrets. */
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

export const configMap = defineKind<ConfigMap>({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  shortNames: ['cm'],
  columns: [
    column('Data', 'integer', 'Number of items in the config map.', o => count(o.data) + count(o.binaryData)),
    ageColumn,
  ],
  validate: ({ data, binaryData }) => {
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
    if (bytes > MAX_BYTES) errors.push(tooLong('[]', MAX_BYTES));
    return errors;
  },
  validateUpdate: (object, old) =>
    immutableErrors(object, old, [
      ['data', object.data, old.data],
      ['binaryData', object.binaryData, old.binaryData],
    ]),
});

/** Keys a secret of a type must have. */
const REQUIRED_KEYS: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
};

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
  validate: object => {
    const errors: FieldError[] = [];
    let bytes = 0;
    for (const [key, value] of Object.entries(object.data ?? {})) {
      errors.push(...invalidEach(keyed('data', key), key, configMapKeyErrors(key)));
      bytes += decodedBytes(value);
    }
    if (bytes > MAX_BYTES) errors.push(tooLong('data', MAX_BYTES));
    if (
      object.type === 'kubernetes.io/service-account-token' &&
      !object.metadata.annotations?.['kubernetes.io/service-account.name']
    )
      errors.push(required(keyed('metadata.annotations', 'kubernetes.io/service-account.name')));
    for (const key of REQUIRED_KEYS[object.type ?? ''] ?? [])
      if (object.data?.[key] === undefined) errors.push(required(keyed('data', key)));
    if (object.type === 'kubernetes.io/basic-auth' && !object.data?.username && !object.data?.password)
      errors.push(required(keyed('data', 'username')), required(keyed('data', 'password')));
    return errors;
  },
  validateUpdate: (object, old) => [
    ...immutable('type', object.type, old.type),
    ...immutableErrors(object, old, [['data', object.data, old.data]]),
  ],
});

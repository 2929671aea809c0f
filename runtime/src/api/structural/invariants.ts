/**
 * What makes a schema structural (upstream's `ValidateStructural`): every field is described outside of allOf, anyOf, oneOf and
 * not, with one type, and these only say more about it.
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
 */
import { at, child, forbidden, invalid, keyed, required } from '../kinds/errors.ts';
import type { FieldError } from '../kinds/kind.ts';
import { sameJson } from './model.ts';
import { goRegExp } from './regExp.ts';
import { additionalOf, itemsOf, propertiesOf, propertyOf, type Schema } from './schemas.ts';

type Level = 'root' | 'item' | 'field';

const intOrString = [{ type: 'integer' }, { type: 'string' }];
const isIntOrString = (schemas: readonly Schema[] | undefined): boolean =>
  schemas !== undefined && sameJson(schemas, intOrString);

/** Sorted by their texts, as upstream. */
export function structuralErrors(schema: Schema, path: string): FieldError[] {
  const errors = [...nodeErrors(schema, 'root', path), ...junctorsDescribed(schema, schema, path, path)];
  const text = (error: FieldError): string => `${error.field}: ${error.message}`;
  return errors.sort((a, b) => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0));
}

function nodeErrors(schema: Schema, level: Level, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { type = '' } = schema;
  const items = itemsOf(schema);
  const additional = additionalOf(schema);
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  const preserved = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const mixed = schema['x-kubernetes-int-or-string'] === true;
  const typePath = child(path, 'type');

  if (type === 'array' && !items) errors.push(required(child(path, 'items'), 'must be specified'));
  if (items) errors.push(...nodeErrors(items, 'item', child(path, 'items')));
  for (const [name, property] of propertiesOf(schema))
    errors.push(...nodeErrors(property, 'field', keyed(child(path, 'properties'), name)));
  if (schema.additionalProperties !== undefined) {
    const here = child(path, 'additionalProperties');
    if (level === 'root') errors.push(forbidden(here, 'must not be used at the root'));
    if (additional) errors.push(...nodeErrors(additional, 'field', here));
    if (embedded) errors.push(forbidden(here, 'must not be used if x-kubernetes-embedded-resource is set'));
  }
  if (mixed && preserved)
    errors.push(
      invalid(
        child(path, 'x-kubernetes-preserve-unknown-fields'),
        true,
        'must be false if x-kubernetes-int-or-string is true',
      ),
    );
  if (mixed && embedded)
    errors.push(
      invalid(
        child(path, 'x-kubernetes-embedded-resource'),
        true,
        'must be false if x-kubernetes-int-or-string is true',
      ),
    );
  errors.push(
    ...junctorErrors(schema, isIntOrString(schema.anyOf), isIntOrString(schema.allOf?.[0]?.anyOf), level, path),
  );

  if (embedded && type !== 'object') {
    const why = 'must be object if x-kubernetes-embedded-resource is true';
    errors.push(type === '' ? required(typePath, why) : invalid(typePath, type, why));
  } else if (type === '' && !mixed && !preserved) {
    const where = { root: 'at the root', item: 'for specified array items', field: 'for specified object fields' }[
      level
    ];
    errors.push(required(typePath, `must not be empty ${where}`));
  }
  if (level === 'root' && type !== '' && type !== 'object')
    errors.push(invalid(typePath, type, 'must be object at the root'));
  errors.push(...metadataErrors(schema, level, embedded, path));
  if (embedded && !preserved && propertiesOf(schema).length === 0) {
    const why =
      'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields';
    errors.push(required(child(path, 'properties'), why));
  }
  return errors;
}

/** Of metadata a schema may say what names look like, and nothing else: the server knows the rest. */
function metadataErrors(schema: Schema, level: Level, embedded: boolean, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const isResource = level === 'root' || embedded;
  for (const name of ['kind', 'apiVersion']) {
    const property = propertyOf(schema, name);
    if (isResource && property && property.type !== 'string')
      errors.push(
        invalid(child(keyed(child(path, 'properties'), name), 'type'), property.type ?? '', 'must be string'),
      );
  }
  const metadata = propertyOf(schema, 'metadata');
  if (!metadata) return errors;
  const here = keyed(child(path, 'properties'), 'metadata');
  if (isResource && metadata.type !== 'object')
    errors.push(invalid(child(here, 'type'), metadata.type ?? '', 'must be object'));
  if (level !== 'root') return errors;
  const { type: _type, default: _default, properties = {}, ...rest } = metadata;
  const names = Object.keys(properties);
  const onlyNames = names.every(name => name === 'name' || name === 'generateName');
  if (!onlyNames || Object.keys(rest).length > 0)
    errors.push(
      forbidden(
        here,
        'must not specify anything other than name and generateName, but metadata is implicitly specified',
      ),
    );
  return errors;
}

/** @param skipAnyOf the types under it are how int-or-string is written. */
function junctorErrors(
  schema: Schema,
  skipAnyOf: boolean,
  skipFirst: boolean,
  level: Level,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  const each = (name: 'anyOf' | 'allOf' | 'oneOf', skip: (i: number) => boolean): void => {
    for (const [i, one] of (schema[name] ?? []).entries())
      errors.push(...nestedErrors(one, skip(i), level, at(child(path, name), i)));
  };
  if (!skipAnyOf) each('anyOf', () => false);
  each('allOf', i => skipFirst && i === 0);
  each('oneOf', () => false);
  if (schema.not) errors.push(...nestedErrors(schema.not, false, level, child(path, 'not')));
  if (schema.pattern) {
    try {
      goRegExp(schema.pattern);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      errors.push(
        invalid(child(path, 'pattern'), schema.pattern, `must be a valid regular expression, but isn't: ${why}`),
      );
    }
  }
  return errors;
}

const EMPTY = 'must be empty to be structural';
const FALSE = 'must be false to be structural';
const UNDEFINED = 'must be undefined to be structural';

/** What may not be said in a nested schema, in upstream's order. */
const NOT_NESTED: readonly (readonly [field: keyof Schema, why: string])[] = [
  ['type', EMPTY],
  ['additionalProperties', UNDEFINED],
  ['default', UNDEFINED],
  ['title', EMPTY],
  ['description', EMPTY],
  ['nullable', FALSE],
  ['x-kubernetes-preserve-unknown-fields', FALSE],
  ['x-kubernetes-embedded-resource', FALSE],
  ['x-kubernetes-int-or-string', FALSE],
  ['x-kubernetes-list-map-keys', EMPTY],
  ['x-kubernetes-list-type', UNDEFINED],
  ['x-kubernetes-map-type', UNDEFINED],
  ['x-kubernetes-validations', EMPTY],
];

function isSaid(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '') return false;
  return !Array.isArray(value) || value.length > 0;
}

function nestedErrors(schema: Schema, skipAnyOf: boolean, level: Level, path: string): FieldError[] {
  const errors = junctorErrors(schema, skipAnyOf, false, level, path);
  const items = itemsOf(schema);
  if (items) errors.push(...nestedErrors(items, false, level, child(path, 'items')));
  for (const [name, property] of propertiesOf(schema))
    errors.push(...nestedErrors(property, false, 'field', keyed(child(path, 'properties'), name)));
  for (const [field, why] of NOT_NESTED) if (isSaid(schema[field])) errors.push(forbidden(child(path, field), why));
  if (propertyOf(schema, 'metadata'))
    errors.push(forbidden(keyed(child(path, 'properties'), 'metadata'), 'must not be specified in a nested context'));
  return errors;
}

/** Whatever is demanded in a nested schema must be described in `described`, the schema around it. */
function junctorsDescribed(schema: Schema, described: Schema, path: string, nestedPath: string): FieldError[] {
  const errors: FieldError[] = [];
  if (schema.not) errors.push(...nestedDescribed(schema.not, described, path, child(nestedPath, 'not')));
  for (const name of ['allOf', 'anyOf', 'oneOf'] as const) {
    for (const [i, one] of (schema[name] ?? []).entries())
      errors.push(...nestedDescribed(one, described, path, at(child(nestedPath, name), i)));
  }
  return errors;
}

function nestedDescribed(
  schema: Schema,
  described: Schema | undefined,
  path: string,
  nestedPath: string,
): FieldError[] {
  if (!described) return [required(path, `because it is defined in ${nestedPath}`)];
  const errors = junctorsDescribed(schema, described, path, nestedPath);
  const items = itemsOf(schema);
  if (items)
    errors.push(...nestedDescribed(items, itemsOf(described), child(path, 'items'), child(nestedPath, 'items')));
  for (const [name, property] of propertiesOf(schema)) {
    const here = keyed(child(path, 'properties'), name);
    errors.push(
      ...nestedDescribed(property, propertyOf(described, name), here, keyed(child(nestedPath, 'properties'), name)),
    );
  }
  return errors;
}

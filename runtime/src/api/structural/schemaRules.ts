/** What a CustomResourceDefinition's schema may say (upstream's `ValidateCustomResourceDefinitionOpenAPISchema`). */
import { at, child, forbidden, invalid, keyed, notSupported, required } from '../kinds/errors.ts';
import type { FieldError } from '../kinds/kind.ts';
import { isMetaField } from './model.ts';
import { additionalOf, itemsOf, propertiesOf, propertyOf, type Schema } from './schemas.ts';
import { validationRuleErrors } from './validationRules.ts';

const TYPES = ['string', 'number', 'integer', 'boolean', 'array', 'object'];
/** As upstream's set prints itself. */
const SORTED_TYPES = [...TYPES].sort();

interface Place {
  readonly isRoot: boolean;
  /** Within `metadata`, `kind` or `apiVersion` of an object. */
  readonly insideMeta: boolean;
  /** Why there may be no default; undefined: there may. */
  readonly noDefaults: string | undefined;
}

export function schemaRuleErrors(schema: Schema, path: string): FieldError[] {
  return errorsAt(schema, path, { isRoot: true, insideMeta: false, noDefaults: undefined });
}

function errorsAt(schema: Schema, path: string, place: Place): FieldError[] {
  const errors = plainErrors(schema, path, place);
  const inner: Place = { ...place, isRoot: false };
  if (schema.uniqueItems)
    errors.push(
      forbidden(
        child(path, 'uniqueItems'),
        'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
      ),
    );
  const additional = additionalOf(schema);
  if (schema.additionalProperties !== undefined) {
    const here = child(path, 'additionalProperties');
    if (propertiesOf(schema).length > 0 && schema.additionalProperties !== true)
      errors.push(forbidden(here, 'additionalProperties and properties are mutual exclusive'));
    const noDefaults = place.insideMeta ? 'inside additionalProperties applying to object metadata' : place.noDefaults;
    if (additional) errors.push(...errorsAt(additional, here, { ...inner, noDefaults }));
  }
  const isResource = place.isRoot || schema['x-kubernetes-embedded-resource'] === true;
  for (const [name, property] of propertiesOf(schema)) {
    const inMeta = isResource && isMetaField(name);
    const at = inMeta
      ? { ...inner, insideMeta: true, noDefaults: place.isRoot ? `in top-level ${name}` : place.noDefaults }
      : inner;
    errors.push(...errorsAt(property, keyed(child(path, 'properties'), name), at));
  }
  if (schema.not) errors.push(...errorsAt(schema.not, child(path, 'not'), inner));
  for (const name of ['allOf', 'oneOf', 'anyOf'] as const)
    for (const [i, one] of (schema[name] ?? []).entries())
      errors.push(...errorsAt(one, at(child(path, name), i), inner));
  const items = itemsOf(schema);
  if (items) errors.push(...errorsAt(items, child(path, 'items'), inner));
  if (schema['x-kubernetes-preserve-unknown-fields'] === false)
    errors.push(invalid(child(path, 'x-kubernetes-preserve-unknown-fields'), false, 'must be true or undefined'));
  errors.push(...mapTypeErrors(schema, path), ...listTypeErrors(schema, path), ...listMapErrors(schema, path));
  errors.push(...keyErrors(schema, path), ...validationRuleErrors(schema, path));
  return errors;
}

function plainErrors(schema: Schema, path: string, { insideMeta, noDefaults }: Place): FieldError[] {
  const errors: FieldError[] = [];
  const unsupported = (field: keyof Schema & string): void => {
    errors.push(forbidden(child(path, field), `${field} is not supported`));
  };
  if (schema.type && !TYPES.includes(schema.type))
    errors.push(notSupported(child(path, 'type'), schema.type, SORTED_TYPES));
  if (schema.default !== undefined && noDefaults !== undefined)
    errors.push(forbidden(child(path, 'default'), `must not be set ${noDefaults}`));
  if (schema.id) unsupported('id');
  if (schema.additionalItems !== undefined) unsupported('additionalItems');
  if (Object.keys(schema.patternProperties ?? {}).length > 0) unsupported('patternProperties');
  if (Object.keys(schema.definitions ?? {}).length > 0) unsupported('definitions');
  if (schema.dependencies !== undefined) unsupported('dependencies');
  if (schema.$ref !== undefined) unsupported('$ref');
  if (schema.type === 'null')
    errors.push(forbidden(child(path, 'type'), 'type cannot be set to null, use nullable as an alternative'));
  if (Array.isArray(schema.items))
    errors.push(forbidden(child(path, 'items'), 'items must be a schema object and not an array'));
  if (insideMeta && schema['x-kubernetes-embedded-resource'])
    errors.push(forbidden(child(path, 'x-kubernetes-embedded-resource'), 'must not be used inside of resource meta'));
  return errors;
}

/** The type a schema must have because of something it says. */
function mustBe(type: string, schema: Schema, path: string, because: string): FieldError[] {
  const why = `must be ${type} if ${because}`;
  const here = child(path, 'type');
  if (schema.type === type) return [];
  return [schema.type ? invalid(here, schema.type, why) : required(here, why)];
}

function mapTypeErrors(schema: Schema, path: string): FieldError[] {
  const mapType = schema['x-kubernetes-map-type'];
  if (mapType === undefined) return [];
  const errors = mustBe('object', schema, path, 'x-kubernetes-map-type is specified');
  if (mapType !== 'atomic' && mapType !== 'granular')
    errors.push(notSupported(child(path, 'x-kubernetes-map-type'), mapType, ['atomic', 'granular']));
  return errors;
}

function listTypeErrors(schema: Schema, path: string): FieldError[] {
  const listType = schema['x-kubernetes-list-type'];
  if (listType === undefined) return [];
  const errors = mustBe('array', schema, path, 'x-kubernetes-list-type is specified');
  const items = itemsOf(schema);
  if (errors.length === 0 && listType === 'set' && items) {
    const why = 'must be atomic as item of a list with x-kubernetes-list-type=set';
    const itemListType = items['x-kubernetes-list-type'];
    const here = child(path, 'items');
    if (items.type === 'array' && itemListType !== undefined && itemListType !== 'atomic')
      errors.push(invalid(child(here, 'x-kubernetes-list-type'), itemListType, why));
    if (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic')
      errors.push(invalid(child(here, 'x-kubernetes-map-type'), itemListType, why));
  }
  if (!['atomic', 'set', 'map'].includes(listType))
    errors.push(notSupported(child(path, 'x-kubernetes-list-type'), listType, ['atomic', 'set', 'map']));
  return errors;
}

function listMapErrors(schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const typePath = child(path, 'x-kubernetes-list-type');
  const keysPath = child(path, 'x-kubernetes-list-map-keys');
  if (keys.length > 0 && listType !== 'map') {
    const why = 'must be map if x-kubernetes-list-map-keys is non-empty';
    errors.push(listType === undefined ? required(typePath, why) : invalid(typePath, listType, why));
  }
  if (listType !== 'map') return errors;
  if (keys.length === 0) errors.push(required(keysPath, 'must not be empty if x-kubernetes-list-type is map'));
  const itemsPath = child(path, 'items');
  const items = itemsOf(schema);
  if (schema.items === undefined)
    errors.push(required(itemsPath, 'must have a schema if x-kubernetes-list-type is map'));
  else if (!items)
    errors.push(invalid(itemsPath, schema.items, 'must only have a single schema if x-kubernetes-list-type is map'));
  else if (items.type !== 'object')
    errors.push(
      invalid(
        child(itemsPath, 'type'),
        items.type ?? '',
        "must be object if parent array's x-kubernetes-list-type is map",
      ),
    );
  else {
    const seen = new Set<string>();
    for (const key of keys) {
      const property = propertyOf(items, key);
      if (!property) errors.push(invalid(keysPath, keys, 'entries must all be names of item properties'));
      else if (property.type === 'array' || property.type === 'object') {
        const here = child(keyed(child(itemsPath, 'properties'), key), 'type');
        errors.push(invalid(here, items.type, "must be a scalar type if parent array's x-kubernetes-list-type is map"));
      }
      if (seen.has(key)) errors.push(invalid(keysPath, keys, 'must not contain duplicate entries'));
      seen.add(key);
    }
  }
  return errors;
}

/** Items of sets and maps are there, and so are what makes their keys. */
function keyErrors(schema: Schema, path: string): FieldError[] {
  const listType = schema['x-kubernetes-list-type'];
  const items = itemsOf(schema);
  if (!items || (listType !== 'set' && listType !== 'map')) return [];
  const errors: FieldError[] = [];
  const here = child(path, 'items');
  if (items.nullable)
    errors.push(forbidden(child(here, 'nullable'), `cannot be nullable when x-kubernetes-list-type is ${listType}`));
  if (listType !== 'map') return errors;
  for (const key of schema['x-kubernetes-list-map-keys'] ?? []) {
    const property = propertyOf(items, key);
    if (!property) continue;
    const keyPath = keyed(child(here, 'properties'), key);
    if (!items.required?.includes(key) && property.default === undefined) {
      const why = 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property';
      errors.push(required(child(keyPath, 'default'), why));
    }
    if (property.nullable)
      errors.push(
        forbidden(
          child(keyPath, 'nullable'),
          'this property is in x-kubernetes-list-map-keys, so it cannot be nullable',
        ),
      );
  }
  return errors;
}

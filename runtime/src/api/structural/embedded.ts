/** Objects within objects, `x-kubernetes-embedded-resource`: their type and metadata (upstream's package `schema/objectmeta`). */
import type { ObjectMeta } from '../generated/types/apimachinery.pkg.apis.meta.v1.ts';
import { at, child, invalid, invalidEach, keyed, required } from '../kinds/errors.ts';
import type { FieldError } from '../kinds/kind.ts';
import { validateObjectMeta } from '../kinds/objectMeta.ts';
import { dns1035LabelErrors, pathSegmentErrors } from '../names.ts';
import { normalizePart } from '../prune.ts';
import { META } from '../schema/table.ts';
import { copyJson, isObject, type Json, type Structural, sortedJson } from './model.ts';

const OBJECT_META = `${META}.ObjectMeta`;

type Visit = (resource: Json, path: string) => void;

/** Every embedded resource in a value, outer ones first. */
function eachEmbedded(value: unknown, schema: Structural | undefined, path: string, visit: Visit): void {
  if (!schema?.hasEmbedded) return;
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) eachEmbedded(item, schema.items, at(path, i), visit);
  } else if (isObject(value)) {
    if (schema.embedded) visit(value, path);
    for (const key of Object.keys(value)) {
      const property = schema.properties.get(key);
      if (property) eachEmbedded(value[key], property, child(path, key), visit);
      else if (typeof schema.additional === 'object')
        eachEmbedded(value[key], schema.additional, keyed(path, key), visit);
    }
  }
}

/** Drops in place what metadata does not know, and says it in `unknown field "…"`. Throws an Error for a value of a wrong type. */
export function coerceEmbedded(value: unknown, schema: Structural, path = ''): string[] {
  const unknown: string[] = [];
  eachEmbedded(value, schema, path, (resource, where) => {
    for (const field of ['apiVersion', 'kind'] as const) {
      if (field in resource && typeof resource[field] !== 'string')
        throw refusal(child(where, field), resource[field], 'must be a string');
    }
    const { metadata } = resource;
    if (metadata === undefined) return;
    const here = child(where, 'metadata');
    if (metadata === null) {
      resource.metadata = {};
      return;
    }
    const before = copyJson(metadata);
    try {
      unknown.push(...normalizePart(OBJECT_META, metadata, here));
    } catch (error) {
      throw refusal(here, before, error instanceof Error ? error.message : String(error));
    }
  });
  return unknown.sort();
}

function refusal(field: string, value: unknown, why: string): Error {
  return new Error(`${field}: ${invalid(field, sortedJson(value), why).message}`);
}

export function embeddedErrors(value: unknown, schema: Structural, path = ''): FieldError[] {
  const errors: FieldError[] = [];
  eachEmbedded(value, schema, path, (resource, where) => errors.push(...resourceErrors(resource, where)));
  return errors;
}

function resourceErrors(resource: Json, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { apiVersion, kind, metadata } = resource;
  const versionPath = child(path, 'apiVersion');
  const kindPath = child(path, 'kind');
  if (apiVersion === undefined) errors.push(required(versionPath));
  if (kind === undefined) errors.push(required(kindPath));
  if (apiVersion === '') errors.push(invalid(versionPath, apiVersion, 'must not be empty'));
  else if (typeof apiVersion === 'string' && apiVersion.split('/').length > 2)
    errors.push(invalid(versionPath, apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
  else if (apiVersion !== undefined && typeof apiVersion !== 'string')
    errors.push(invalid(versionPath, sortedJson(apiVersion), 'must be a string'));
  if (kind === '') errors.push(invalid(kindPath, kind, 'must not be empty'));
  else if (typeof kind === 'string') {
    const faults = dns1035LabelErrors(kind.toLowerCase());
    const said = `may have mixed case, but should otherwise match: ${faults.join(',')}`;
    if (faults.length > 0) errors.push(invalid(kindPath, kind, said));
  } else if (kind !== undefined) errors.push(invalid(kindPath, sortedJson(kind), 'must be a string'));
  if (isObject(metadata)) errors.push(...metadataErrors(metadata as ObjectMeta, child(path, 'metadata')));
  return errors;
}

function metadataErrors(metadata: ObjectMeta, path: string): FieldError[] {
  // A name is not asked for; what is there must be one.
  const named = { ...metadata, name: metadata.name || 'fakename' };
  const of = { group: '', kind: '', namespaced: (metadata.namespace ?? '') !== '' };
  const errors = validateObjectMeta(of, named, pathSegmentErrors);
  const generated = metadata.generateName ? pathSegmentErrors(metadata.generateName) : [];
  return [...invalidEach('metadata.generateName', metadata.generateName, generated), ...errors].map(error => ({
    ...error,
    field: error.field.replace(/^metadata/, path),
  }));
}

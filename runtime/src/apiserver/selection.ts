/** The selectors of a list, a watch or a deletion of many, as one question about an object. */
import type { KindModule } from '../api/kinds/kind.ts';
import type { KubeObject } from '../api/object.ts';
import {
  type FieldSelector,
  fieldSelectorMatches,
  labelSelectorMatches,
  parseFieldSelector,
  parseLabelSelector,
  type Selector,
} from '../api/selectors.ts';
import { badRequest } from '../api/status.ts';
import { nameOfKey } from './keys.ts';
import { deserialize, deserializeMetadata } from './serialized.ts';

export interface Selection {
  /** Everything matches: no object needs to be parsed. */
  readonly everything: boolean;
  /** `metadata.name=` demanded by the field selector. */
  readonly name: string | undefined;
  /** By the key alone; false saves parsing. */
  mayMatch(key: string): boolean;
  matches(object: KubeObject): boolean;
  /** The same for a stored object, parsing no more of it than the selectors look at. */
  matchesStored(value: Buffer, revision: number): boolean;
}

const metadataFields = ['metadata.name', 'metadata.namespace'];

/**
 * @param asked the one object the path, or the authorization, is about; empty: none
 * @throws StatusError 400 for a selector that cannot be read, or a field that this kind does not offer.
 */
export function selectionOf(query: URLSearchParams, kind: KindModule | undefined, asked = ''): Selection {
  const labelText = query.get('labelSelector') ?? '';
  const fieldText = query.get('fieldSelector') ?? '';
  const labels: Selector = labelText === '' ? [] : parseLabelSelector(labelText);
  const fields: FieldSelector = fieldText === '' ? ofName(asked) : parseFieldSelector(fieldText);
  for (const { field } of fields) {
    if (metadataFields.includes(field) || kind?.selectableFieldNames?.includes(field)) continue;
    // As upstream: kinds with fields of their own have their own words. kubectl itself says around it what could not be found.
    throw badRequest(
      kind?.selectableFieldNames
        ? `field label not supported: ${field}`
        : `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
    );
  }
  const name = fields.find(({ field, operator }) => field === 'metadata.name' && operator === '=')?.value;
  if (asked !== '' && name !== asked) throw badRequest("fieldSelector metadata.name doesn't match requested name");
  const everything = labels.length === 0 && fields.length === 0;
  const beyondMetadata = fields.some(({ field }) => !metadataFields.includes(field));
  const beyondName = fields.length > (name === undefined ? 0 : 1) || labels.length > 0;
  const matches = (object: KubeObject): boolean => {
    if (everything) return true;
    if (name !== undefined && object.metadata.name !== name) return false;
    if (!beyondName) return true;
    if (labels.length > 0 && !labelSelectorMatches(labels, object.metadata.labels ?? {})) return false;
    return (
      fields.length === 0 || fieldSelectorMatches(fields, selectableFields(object, beyondMetadata ? kind : undefined))
    );
  };
  return {
    everything,
    name,
    mayMatch: key => name === undefined || nameOfKey(key) === name,
    matches,
    matchesStored: (value, revision) => {
      if (everything) return true;
      if (beyondMetadata) return matches(deserialize(value, revision));
      return matches({ apiVersion: '', kind: '', metadata: deserializeMetadata(value, revision) });
    },
  };
}

const ofName = (name: string): FieldSelector =>
  name === '' ? [] : [{ field: 'metadata.name', operator: '=', value: name }];

function selectableFields(object: KubeObject, kind: KindModule | undefined): Record<string, string> {
  return {
    'metadata.name': object.metadata.name ?? '',
    'metadata.namespace': object.metadata.namespace ?? '',
    ...kind?.selectableFields?.(object),
  };
}

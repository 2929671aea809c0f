/** What OpenAPI 2 and 3 say alike of custom resources. */
import type { MediaTypes } from '../../api/openapi/operations.ts';
import type { JsonSchema } from '../../api/openapi/schema.ts';
import type { ResourceInfo } from '../../api/resources.ts';
import { type MetaTexts, publishedSchemas } from '../../api/structural/publish.ts';
import type { Definition, StoredDefinition } from './definition.ts';

export const CUSTOM_TYPES: MediaTypes = {
  bodies: ['application/json', 'application/yaml'],
  patches: ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml'],
};

export interface Kept<T> {
  /** Of what it was made. */
  readonly state: string;
  readonly made: T;
}

/** Changes when what a definition adds to the documents does. */
export const stateOf = ({ uid, generation, terminating, versions }: Definition): string =>
  `${uid}/${generation}/${terminating}/${versions.length}`;

/** The schemas of a kind and of its list. */
export function addSchemas(
  into: Map<string, JsonSchema>,
  { spec }: StoredDefinition,
  { group, version, kind, resource, definition, listDefinition = '', listKind = '' }: ResourceInfo,
  dialect: 'v2' | 'v3',
  texts: MetaTexts,
): void {
  const defined = spec.versions.find(({ name }) => name === version);
  const { object, list } = publishedSchemas(
    {
      gvk: { group, version, kind },
      listKind,
      plural: resource,
      definition,
      schema: defined?.schema?.openAPIV3Schema,
      selectableFields: (defined?.selectableFields ?? []).map(({ jsonPath }) => jsonPath),
    },
    dialect,
    texts,
  );
  into.set(definition, object);
  into.set(listDefinition, list);
}

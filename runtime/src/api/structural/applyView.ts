/**
 * The types of custom resources as server-side apply sees them (upstream: kube-openapi's `schemaconv` of the published schema). Made
 * as far as somebody looks, since most fields of large schemas are never applied.
 */
import {
  deducedView,
  type FieldsView,
  type FieldView,
  type ListView,
  type MapView,
  scalarView,
  type TypeView,
  untypedView,
} from '../apply/types.ts';
import { viewOfDefinition } from '../apply/view.ts';
import { META } from '../schema/table.ts';
import type { Structural } from './model.ts';

const text: FieldView = { type: scalarView('string'), default: undefined };

/** The view of a whole object. */
export const objectView = (schema: Structural): TypeView => viewOf(schema, false, true);

class SchemaFields implements FieldsView {
  readonly #schema: Structural;
  readonly #preserved: boolean;
  readonly #isResource: boolean;
  readonly #views = new Map<string, FieldView>();

  constructor(schema: Structural, preserved: boolean, isResource: boolean) {
    this.#schema = schema;
    this.#preserved = preserved;
    this.#isResource = isResource;
  }

  get size(): number {
    return this.#schema.properties.size + (this.#isResource ? 3 : 0);
  }

  get(name: string): FieldView | undefined {
    const known = this.#views.get(name);
    if (known) return known;
    const made = this.#make(name);
    if (made) this.#views.set(name, made);
    return made;
  }

  #make(name: string): FieldView | undefined {
    if (this.#isResource) {
      if (name === 'metadata') return { type: viewOfDefinition(`${META}.ObjectMeta`), default: undefined };
      if (name === 'apiVersion' || name === 'kind') return text;
    }
    const property = this.#schema.properties.get(name);
    return property && { type: viewOf(property, this.#preserved, false), default: property.default };
  }
}

/** @param inherited a schema above preserves unknown fields. */
function viewOf(schema: Structural, inherited: boolean, isRoot: boolean): TypeView {
  const preserved = inherited || schema.preserve;
  const { nullable } = schema;
  const base = { name: 'inlined', scalar: undefined, list: undefined, map: undefined, nullable };
  const type = schema.intOrString ? '' : (schema.types[0] ?? '');
  switch (type) {
    case 'object':
      return { ...base, map: mapOf(schema, preserved, isRoot) };
    case 'array':
      return { ...base, list: listOf(schema, preserved) };
    case 'integer':
    case 'number':
      return scalarView('numeric', nullable);
    case 'boolean':
      return scalarView('boolean', nullable);
    case 'string':
      return scalarView(schema.format === '' || schema.format === 'byte' ? 'string' : 'untyped', nullable);
    default:
      return { ...base, scalar: 'untyped', list: listOf(schema, preserved), map: mapOf(schema, preserved, isRoot) };
  }
}

function mapOf(schema: Structural, preserved: boolean, isRoot: boolean): MapView {
  const { additional, properties, mapType } = schema;
  const isResource = isRoot || schema.embedded;
  let element: TypeView | undefined;
  if (typeof additional === 'object') element = viewOf(additional, preserved, false);
  else if (additional === true) element = deducedView;
  else if (additional === undefined && (preserved || (properties.size === 0 && !isResource))) element = deducedView;
  return { atomic: mapType === 'atomic', fields: new SchemaFields(schema, preserved, isResource), element };
}

function listOf(schema: Structural, preserved: boolean): ListView {
  const { items, listType, listMapKeys } = schema;
  return {
    atomic: listType !== 'map' && listType !== 'set',
    keys: listType === 'map' ? listMapKeys : [],
    element: items ? viewOf(items, preserved, false) : untypedView,
  };
}

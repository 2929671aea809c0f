/**
 * What server-side apply needs to know of a type (upstream: structured-merge-diff's `schema.Atom`, KEP-555): which values
 * belong together and which are owned one by one. `view.ts` makes it of the generated schema table, the structural schema of
 * a custom resource makes its own.
 *
 * Always true: a view is shared and never changed. Views may contain themselves (JSONSchemaProps): nothing walks a view
 * without a value or a set of fields in hand.
 */

/** `untyped`: a string, a number or a boolean (IntOrString, Quantity, Time). */
export type ScalarKind = 'string' | 'numeric' | 'boolean' | 'untyped';

/** One type: each part that is set is a form its values may have; most types have one. */
export interface TypeView {
  /** For error texts: `io.k8s.api.core.v1.PodSpec`, `inlined`. */
  readonly name: string;
  readonly scalar: ScalarKind | undefined;
  readonly list: ListView | undefined;
  readonly map: MapView | undefined;
  /** `null` is a value of its own (OpenAPI's `nullable: true`): custom resources only. */
  readonly nullable: boolean;
}

export interface ListView {
  /** `true`: owned as a whole (`x-kubernetes-list-type: atomic`, the default). */
  readonly atomic: boolean;
  /** Of a list map the fields that make its keys, sorted; of a set (and of atomic lists) none. */
  readonly keys: readonly string[];
  readonly element: TypeView;
}

/** A struct, a map with string keys, or both: known fields and a type for all others. */
export interface MapView {
  /** `true`: owned as a whole (`x-kubernetes-map-type: atomic`). */
  readonly atomic: boolean;
  /** A `Map` will do. Of a map without known fields: empty. */
  readonly fields: FieldsView;
  /** The type of fields that are not in `fields`; undefined: there are no others. */
  readonly element: TypeView | undefined;
}

export interface FieldsView {
  get(name: string): FieldView | undefined;
  readonly size: number;
}

export interface FieldView {
  /** Its path element, `f:name`: so that it need not be put together for each object. */
  readonly element?: string;
  readonly type: TypeView;
  /** Of a field that is part of a list map's key: what it is where an item leaves it out (`protocol: TCP`). */
  readonly default: unknown;
  /** What Go writes where nobody has set it, `{}` or null: so it counts as there where its parent is. Built-in kinds only. */
  readonly absent?: unknown;
}

const noFields: FieldsView = new Map();

export const scalarView = (scalar: ScalarKind, nullable = false): TypeView => ({
  name: scalar,
  scalar,
  list: undefined,
  map: undefined,
  nullable,
});

/** @param keys of a list map; none and not atomic: a set. */
export const listView = (
  element: TypeView,
  { atomic, keys = [] }: { readonly atomic: boolean; readonly keys?: readonly string[] },
  nullable = false,
): TypeView => ({
  name: 'inlined',
  scalar: undefined,
  list: { atomic, keys: [...keys].sort(), element },
  map: undefined,
  nullable,
});

/** `additionalProperties`: every field has the same type. */
export const mapView = (element: TypeView, { atomic }: { readonly atomic: boolean }, nullable = false): TypeView => ({
  name: 'inlined',
  scalar: undefined,
  list: undefined,
  map: { atomic, fields: noFields, element },
  nullable,
});

/** @param element of fields that are not named: `deducedView` where unknown fields are preserved. */
export const structView = (
  name: string,
  fields: FieldsView,
  { atomic, element }: { readonly atomic: boolean; readonly element?: TypeView | undefined },
  nullable = false,
): TypeView => ({ name, scalar: undefined, list: undefined, map: { atomic, fields, element }, nullable });

/** The same type, owned as a whole or not as the field says that holds it (`x-kubernetes-map-type` beside a `$ref`). */
export function withRelationship(view: TypeView, atomic: boolean): TypeView {
  if (view.map) return view.map.atomic === atomic ? view : { ...view, map: { ...view.map, atomic } };
  if (view.list) return view.list.atomic === atomic ? view : { ...view, list: { ...view.list, atomic } };
  return view;
}

/** Views that contain themselves are closed after they are made. */
type Open<T> = { -readonly [K in keyof T]: T[K] };

function closed(name: string, mapIsAtomic: boolean, listElement?: TypeView): TypeView {
  const map: Open<MapView> = { atomic: mapIsAtomic, fields: noFields, element: undefined };
  const view: Open<TypeView> = { name, scalar: 'untyped', list: undefined, map, nullable: false };
  map.element = view;
  view.list = { atomic: true, keys: [], element: listElement ?? view };
  return view;
}

/** Anything, owned as a whole: RawExtension, a list without `items`. */
export const untypedView: TypeView = closed('__untyped_atomic_', true);

/** Anything, and maps field by field: what fields have that a schema preserves without knowing them, and whole objects without a schema. */
export const deducedView: TypeView = closed('__untyped_deduced_', false, untypedView);

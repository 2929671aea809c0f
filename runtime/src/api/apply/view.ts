/** Views of the generated schema table's types (upstream: kube-openapi's `schemaconv`). Made when first asked for, and kept. */
import type { FieldSchema } from '../schema/model.ts';
import { fieldsOf, typeOf } from '../schema/table.ts';
import { fieldElement } from './elements.ts';
import {
  deducedView,
  type FieldsView,
  type FieldView,
  listView,
  mapView,
  scalarView,
  structView,
  type TypeView,
  untypedView,
  withRelationship,
} from './types.ts';

const scalars: Readonly<Record<string, TypeView>> = {
  string: scalarView('string'),
  bytes: scalarView('string'),
  Duration: scalarView('string'),
  boolean: scalarView('boolean'),
  int32: scalarView('numeric'),
  int64: scalarView('numeric'),
  double: scalarView('numeric'),
  Time: scalarView('untyped'),
  MicroTime: scalarView('untyped'),
  Quantity: scalarView('untyped'),
  IntOrString: scalarView('untyped'),
};

/** No type is declared for these: a scalar, a list as a whole, or a map field by field. */
const anything: TypeView = { ...deducedView, name: 'inlined' };

const wellKnown: Readonly<Record<string, TypeView>> = {
  ...scalars,
  RawExtension: untypedView,
  FieldsV1: mapView(deducedView, { atomic: false }),
  JSON: anything,
  JSONSchemaPropsOrBool: anything,
  JSONSchemaPropsOrArray: anything,
  JSONSchemaPropsOrStringArray: anything,
};

const definitions = new Map<string, TypeView>();

/** A type's fields, each made at its first use. */
class TableFields implements FieldsView {
  readonly #definition: string;
  #schemas: ReadonlyMap<string, FieldSchema> | undefined;
  readonly #views = new Map<string, FieldView>();

  constructor(definition: string) {
    this.#definition = definition;
  }

  get size(): number {
    return this.#known().size;
  }

  get(name: string): FieldView | undefined {
    const kept = this.#views.get(name);
    if (kept) return kept;
    const field = this.#known().get(name);
    if (!field) return undefined;
    const view: FieldView = {
      element: fieldElement(name),
      type: viewOfField(field),
      default: defaultOf(field),
      absent: absentOf(field),
    };
    this.#views.set(name, view);
    return view;
  }

  #known(): ReadonlyMap<string, FieldSchema> {
    this.#schemas ??= fieldsOf(this.#definition);
    return this.#schemas;
  }
}

/** The view of `io.k8s.api.core.v1.Pod`. @throws Error for a name that no package declares: a mistake in the code. */
export function viewOfDefinition(definition: string): TypeView {
  const known = definitions.get(definition);
  if (known) return known;
  const type = typeOf(definition);
  if (!type) throw new Error(`the schema table has no type ${definition}`);
  // A struct without fields is a free-form object.
  const view =
    type.fields.length === 0
      ? { ...mapView(deducedView, { atomic: type.atomic === true }), name: definition }
      : structView(definition, new TableFields(definition), { atomic: type.atomic === true });
  definitions.set(definition, view);
  return view;
}

function viewOfType(type: string, field?: FieldSchema): TypeView {
  if (type.endsWith('!')) return viewOfType(type.slice(0, -1), field);
  if (type.startsWith('[]')) return listView(viewOfType(type.slice(2)), relationship(field));
  if (type.startsWith('{}')) return mapView(viewOfType(type.slice(2)), { atomic: field?.mapType === 'atomic' });
  const view = wellKnown[type] ?? viewOfDefinition(type);
  return field?.mapType === undefined ? view : withRelationship(view, field.mapType === 'atomic');
}

const viewOfField = (field: FieldSchema): TypeView => viewOfType(field.type, field);

/** What the list markers say, else what strategic merge patch is told. */
function relationship(field: FieldSchema | undefined): { atomic: boolean; keys: readonly string[] } {
  switch (field?.listType) {
    case 'atomic':
      return { atomic: true, keys: [] };
    case 'set':
      return { atomic: false, keys: [] };
    case 'map':
      return { atomic: false, keys: field.listMapKeys ?? [] };
  }
  if (field?.patchStrategy?.split(',').includes('merge'))
    return { atomic: false, keys: field.patchMergeKey === undefined ? [] : [field.patchMergeKey] };
  return { atomic: true, keys: [] };
}

/** Fields that Go always writes have their zero value for a default (upstream: the `default` its OpenAPI generator adds). */
function defaultOf(field: FieldSchema): unknown {
  if (field.default !== undefined) return field.default;
  if (field.omitEmpty || field.pointer) return undefined;
  switch (scalars[field.type]?.scalar) {
    case 'string':
      return '';
    case 'numeric':
      return 0;
    case 'boolean':
      return false;
    default:
      return undefined;
  }
}

const emptyStruct: object = Object.freeze({});

function absentOf({ type, pointer, omitEmpty, omitZero }: FieldSchema): unknown {
  if (pointer) return undefined;
  if (type.startsWith('io.k8s.')) return omitZero ? undefined : emptyStruct;
  return !omitEmpty && /^(\[\]|\{\})/.test(type) ? null : undefined;
}

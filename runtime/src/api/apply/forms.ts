/** Which of its type's forms a value has. Values are JSON; `undefined` is "not there", `null` a value. */
import type { FieldView, ListView, MapView, TypeView } from './types.ts';

export type JsonMap = Readonly<Record<string, unknown>>;

/** A map of nothing, for what is null. */
export const emptyMap: JsonMap = Object.freeze({});

export const isMap = (value: unknown): value is JsonMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export type Form =
  | { readonly form: 'map'; readonly map: MapView }
  | { readonly form: 'list'; readonly list: ListView }
  | { readonly form: 'scalar' }
  | { readonly form: 'none' };

const scalarForm: Form = { form: 'scalar' };
const noForm: Form = { form: 'none' };

/** The form in which the value is to be walked; where it has none of its type's, the type's first (upstream: `deduceAtom`). */
export function formOf(view: TypeView, value: unknown): 'map' | 'list' | 'scalar' | 'none' {
  if (typeof value === 'object') {
    if (value !== null) {
      if (Array.isArray(value)) {
        if (view.list) return 'list';
      } else if (view.map) return 'map';
    }
  } else if (value !== undefined && view.scalar) return 'scalar';
  if (view.map) return 'map';
  if (view.scalar) return 'scalar';
  return view.list ? 'list' : 'none';
}

export function resolved(view: TypeView, value: unknown): Form {
  switch (formOf(view, value)) {
    case 'map':
      return view.map ? { form: 'map', map: view.map } : noForm;
    case 'list':
      return view.list ? { form: 'list', list: view.list } : noForm;
    case 'scalar':
      return scalarForm;
    default:
      return noForm;
  }
}

/** The type of a field by its name; undefined where there can be none of that name. */
export function typeOfField(map: MapView, name: string): TypeView | undefined {
  const field: FieldView | undefined = map.fields.get(name);
  return field ? field.type : map.element;
}

/** Nothing to walk into: null, not there, or without fields or items. */
export function isEmptyCollection(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  for (const key in value) if ((value as JsonMap)[key] !== undefined) return false;
  return true;
}

/** Views of the types in structured-merge-diff's own schema language, in which its test cases are written. */
import { parse } from 'yaml';
import { deducedView, type FieldsView, type FieldView, type ScalarKind, type TypeView, untypedView } from '../types.ts';

interface Atom {
  readonly scalar?: ScalarKind;
  readonly list?: { readonly elementType?: Ref; readonly elementRelationship?: string; readonly keys?: string[] };
  readonly map?: { readonly fields?: Field[]; readonly elementType?: Ref; readonly elementRelationship?: string };
}
interface Ref extends Atom {
  readonly namedType?: string;
  readonly elementRelationship?: string;
}
interface Field {
  readonly name: string;
  readonly type: Ref;
  readonly default?: unknown;
}

/** The types of a schema by name; undefined for a name it does not have. */
export function smdViews(schema: string): (name: string) => TypeView | undefined {
  const types = new Map<string, Atom>();
  const parsed = parse(schema) as { types: (Atom & { name: string })[] };
  for (const type of parsed.types) types.set(type.name, type);
  const named = new Map<string, TypeView>([
    ['__untyped_atomic_', untypedView],
    ['__untyped_deduced_', deducedView],
  ]);

  function byName(name: string): TypeView | undefined {
    const known = named.get(name);
    const atom = types.get(name);
    if (known || !atom) return known;
    const view = viewOfAtom(name, atom, undefined);
    named.set(name, view);
    return view;
  }

  function viewOf(ref: Ref | undefined): TypeView | undefined {
    if (!ref || Object.keys(ref).length === 0) return undefined;
    if (ref.namedType === undefined) return viewOfAtom('inlined', ref, undefined);
    if (ref.elementRelationship === undefined) return byName(ref.namedType);
    const atom = types.get(ref.namedType);
    return atom && viewOfAtom(ref.namedType, atom, ref.elementRelationship);
  }

  function viewOfAtom(name: string, { scalar, list, map }: Atom, relationship: string | undefined): TypeView {
    return {
      name: scalar === 'untyped' && !list && !map ? 'untyped' : name,
      scalar,
      list: list && {
        atomic: (relationship ?? list.elementRelationship) === 'atomic',
        keys: [...(list.keys ?? [])].sort(),
        get element() {
          return viewOf(list.elementType) ?? untypedView;
        },
      },
      map: map && {
        atomic: (relationship ?? map.elementRelationship) === 'atomic',
        fields: fieldsView(map.fields ?? []),
        get element() {
          return viewOf(map.elementType);
        },
      },
      nullable: false,
    };
  }

  function fieldsView(fields: readonly Field[]): FieldsView {
    const views = new Map<string, FieldView>();
    return {
      size: fields.length,
      get(name) {
        const field = fields.find(f => f.name === name);
        const known = views.get(name);
        if (known || !field) return known;
        const view = { type: viewOf(field.type) ?? untypedView, default: field.default ?? undefined };
        views.set(name, view);
        return view;
      },
    };
  }

  return byName;
}

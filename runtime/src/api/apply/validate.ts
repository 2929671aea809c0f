/** Whether a value is of its type, as far as apply must know (upstream: `typed.TypedValue.Validate`). Texts are upstream's. */
import { elementText, itemElement, TypedError } from './elements.ts';
import { isMap, resolved, typeOfField } from './forms.ts';
import type { ListView, MapView, ScalarKind, TypeView } from './types.ts';

/**
 * @param allowDuplicates of items in sets and list maps: what is stored may hold them, what is applied may not.
 * @throws TypedError with every mistake.
 */
export function validateTyped(view: TypeView, value: unknown, allowDuplicates: boolean): void {
  const errors: string[] = [];
  check(view, value, '', allowDuplicates, errors);
  if (errors.length > 0) throw new TypedError(errors);
}

const at = (path: string, text: string): string => (path === '' ? text : `${path}: ${text}`);

function check(view: TypeView, value: unknown, path: string, allowDuplicates: boolean, errors: string[]): void {
  const form = resolved(view, value);
  switch (form.form) {
    case 'none':
      errors.push(at(path, `schema error: invalid atom: named type: ${view.name}`));
      break;
    case 'scalar': {
      const error = scalarError(view.scalar ?? 'untyped', value);
      if (error !== undefined) errors.push(at(path, error));
      break;
    }
    case 'list':
      checkList(form.list, value, path, allowDuplicates, errors);
      break;
    case 'map':
      checkMap(form.map, value, path, allowDuplicates, errors);
  }
}

function checkList(list: ListView, value: unknown, path: string, allowDuplicates: boolean, errors: string[]): void {
  if (value === null || value === undefined) return;
  if (!Array.isArray(value)) {
    errors.push(at(path, `expected list, got ${shown(value)}`));
    return;
  }
  const seen = new Set<string>();
  for (const [index, item] of value.entries()) {
    let element = `i:${index}`;
    if (!list.atomic) {
      const named = itemElement(list, item);
      if ('error' in named) {
        errors.push(at(path, `element ${index}: ${named.error}`));
        return;
      }
      element = named.element;
      if (seen.has(element) && !allowDuplicates)
        errors.push(at(path, `duplicate entries for key ${elementText(element)}`));
      seen.add(element);
    }
    check(list.element, item, path + elementText(element), allowDuplicates, errors);
  }
}

function checkMap(map: MapView, value: unknown, path: string, allowDuplicates: boolean, errors: string[]): void {
  if (value === null || value === undefined) return;
  if (!isMap(value)) {
    errors.push(at(path, `expected map, got ${shown(value)}`));
    return;
  }
  for (const [name, inner] of Object.entries(value)) {
    if (inner === undefined) continue;
    const type = typeOfField(map, name);
    if (!type) errors.push(`${path}.${name}: field not declared in schema`);
    else check(type, inner, `${path}.${name}`, allowDuplicates, errors);
  }
}

export function scalarError(scalar: ScalarKind, value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  switch (scalar) {
    case 'numeric':
      return typeof value === 'number' ? undefined : `expected numeric (int or float), got ${goType(value)}`;
    case 'string':
      return typeof value === 'string' ? undefined : `expected string, got ${shown(value)}`;
    case 'boolean':
      return typeof value === 'boolean' ? undefined : `expected boolean, got ${shown(value)}`;
    case 'untyped':
      return typeof value === 'object' ? `expected any scalar, got ${shown(value)}` : undefined;
  }
}

/** Go prints the box the value is in. */
const shown = (value: unknown): string =>
  `&value.valueUnstructured{Value:${typeof value === 'object' ? goType(value) : JSON.stringify(value)}}`;

function goType(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}';
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    case 'number':
      return Number.isInteger(value) ? 'int64' : 'float64';
    default:
      return 'map[string]interface {}';
  }
}

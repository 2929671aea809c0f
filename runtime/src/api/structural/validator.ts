/**
 * Whether a value is what a schema demands, in upstream's words and order (kube-openapi's package `validate`, which is
 * go-openapi's, and `apiserver/validation`).
 *
 * On updates what was wrong before and has not changed is let through (KEP-4008, ratcheting).
 */
import { child } from '../kinds/errors.ts';
import type { FieldError } from '../kinds/kind.ts';
import { matchesFormat } from './formats.ts';
import { isObject, type Json, type Structural, sameJson, sortedJson, type ValueRules } from './model.ts';
import { numberFaults } from './numbers.ts';
import { goRegExp } from './regExp.ts';

/** Something that is wrong. Two with the same words are one. */
export interface Fault {
  readonly text: string;
  readonly error: FieldError;
}

/** What came of one schema: of several alternatives, the one with the most matches is told of. */
interface Result {
  readonly faults: Fault[];
  matches: number;
}

/** The value before, where there is one that can be told to be this value's. */
interface Before {
  readonly value: unknown;
}

/** What a fault of no field is said to be of: Go's empty path. */
const NO_FIELD = '<nil>';

/**
 * @param before the value it replaces.
 * @param base of the fields named in errors: `status` where only the status is looked at. Texts name fields without it.
 */
export function schemaErrors(
  value: unknown,
  schema: Structural,
  before?: { readonly value: unknown },
  base = '',
): FieldError[] {
  const { faults } = new Validation(base).validate(value, schema, '', before);
  return faults.map(({ error }) => error);
}

class Validation {
  readonly #base: string;

  constructor(base: string) {
    this.#base = base;
  }

  /** Ratcheting: what is wrong with a value that has not changed is not said. */
  validate(value: unknown, schema: Structural, path: string, before?: Before): Result {
    const result = this.#checked(value, schema, path, before);
    if (before === undefined || result.faults.length === 0 || !sameJson(value, before.value)) return result;
    return { faults: [], matches: result.matches };
  }

  #checked(value: unknown, schema: Structural, path: string, before: Before | undefined): Result {
    const result: Result = { faults: [], matches: 0 };
    const { types, rules, format } = schema;
    if (types.length > 0 || format !== '') this.#type(value, schema, path, result);
    if (value === null) {
      if (rules?.enum) this.#enum(value, rules.enum, path, result);
      return result;
    }
    if (rules) this.#junctors(value, rules, path, result);
    result.matches++;
    if (typeof value === 'string') this.#string(value, schema, path, result);
    else if (typeof value === 'number') {
      const counted = numberFaults(value, schema, path);
      for (const fault of counted.composite) add(result, { text: fault, error: this.#invalidAt('', '', fault) });
      for (const { value: shown, text } of counted.faults)
        add(result, { text, error: this.#invalidAt(path, shown, text) });
      result.matches += counted.composite.length + counted.faults.length === 0 ? 2 : 1;
    } else if (Array.isArray(value)) this.#array(value, schema, path, result, before);
    if (rules?.enum) this.#enum(value, rules.enum, path, result);
    result.matches++;
    if (isObject(value)) this.#object(value, schema, path, result, before);
    result.matches++;
    return result;
  }

  #type(value: unknown, { types, nullable, format }: Structural, path: string, result: Result): void {
    const said = types.join(',');
    if (value === null) {
      if (types.length > 0 && !nullable) this.#wrongType(path, said, 'null', result);
      else result.matches++;
      return;
    }
    const [type, ownFormat] = kindOf(value);
    const isWhole = type === 'number' && Number.isInteger(value) && types.includes('integer');
    const isNumber = type === 'integer' && types.includes('number');
    const fits = types.includes(type) || isWhole || isNumber;
    const isText = type === 'string' || type === 'array';
    if (!isText && format !== '' && !fits && ownFormat !== format) this.#wrongType(path, format, ownFormat, result);
    else if (isText && format !== '' && !types.includes('number') && !types.includes('integer')) result.matches += 2;
    else if (fits || types.length === 0) result.matches += 2;
    else this.#wrongType(path, said, type, result);
  }

  #wrongType(path: string, wanted: string, is: string, result: Result): void {
    const text = `${path} in body must be of type ${wanted}: ${JSON.stringify(is)}`;
    add(result, {
      text,
      error: {
        type: 'FieldValueTypeInvalid',
        field: this.#field(path),
        message: `Invalid value: ${JSON.stringify(is)}: ${text}`,
      },
    });
    result.matches++;
  }

  #string(value: string, { format, rules }: Structural, path: string, result: Result): void {
    const before = result.faults.length;
    const fail = (text: string): void => add(result, { text, error: this.#invalidAt(path, value, text) });
    // The length of a text is its code points.
    const length = rules?.maxLength === undefined && rules?.minLength === undefined ? 0 : [...value].length;
    if (rules?.maxLength !== undefined && length > rules.maxLength) {
      const text = `${path} in body should be at most ${rules.maxLength} chars long`;
      const message = `Too long: may not be more than ${rules.maxLength} bytes`;
      add(result, { text, error: { type: 'FieldValueTooLong', field: this.#field(path), message } });
    } else if (rules?.minLength !== undefined && length < rules.minLength)
      fail(`${path} in body should be at least ${rules.minLength} chars long`);
    else if (rules?.pattern && !matches(rules.pattern, value)) fail(`${path} in body should match '${rules.pattern}'`);
    result.matches++;
    if (format === '') return;
    const fits = matchesFormat(format, value);
    if (fits === undefined) return;
    if (!fits) {
      const text = `${path} in body must be of type ${format}: ${JSON.stringify(value)}`;
      const message = `Invalid value: ${JSON.stringify(value)}: ${text}`;
      add(result, { text, error: { type: 'FieldValueTypeInvalid', field: this.#field(path), message } });
    }
    if (before === result.faults.length) result.matches++;
  }

  #enum(value: unknown, values: readonly unknown[], path: string, result: Result): void {
    if (values.some(one => sameJson(one, value))) return;
    const supported = values.map(one => JSON.stringify(typeof one === 'string' ? one : JSON.stringify(one))).join(', ');
    const message = `Unsupported value: ${JSON.stringify(sortedJson(value))}: supported values: ${supported}`;
    add(result, {
      text: `${path} in body should be one of [${values.join(' ')}]`,
      error: { type: 'FieldValueNotSupported', field: this.#field(path), message },
    });
  }

  #array(
    value: readonly unknown[],
    schema: Structural,
    path: string,
    result: Result,
    before: Before | undefined,
  ): void {
    const { items, rules } = schema;
    if (items) {
      value.forEach((item, i) => {
        merge(result, this.validate(item, items, `${path}[${i}]`, itemBefore(item, schema, before)));
      });
    }
    const size = value.length;
    if (rules?.minItems !== undefined && size < rules.minItems) {
      const text = `${path} in body should have at least ${rules.minItems} items`;
      add(result, { text, error: this.#invalidAt(path, size, text) });
    }
    if (rules?.maxItems !== undefined && size > rules.maxItems) {
      const text = `${path} in body should have at most ${rules.maxItems} items`;
      add(result, { text, error: this.#tooMany(path, size, rules.maxItems) });
    }
    result.matches += 2;
  }

  #object(value: Json, schema: Structural, path: string, result: Result, before: Before | undefined): void {
    const { rules, properties, additional } = schema;
    const keys = Object.keys(value);
    if (rules?.minProperties !== undefined && keys.length < rules.minProperties) {
      const text = `${path} in body should have at least ${rules.minProperties} properties`;
      add(result, { text, error: this.#invalidAt(path, keys.length, text) });
    }
    if (rules?.maxProperties !== undefined && keys.length > rules.maxProperties) {
      const text = `${path} in body should have at most ${rules.maxProperties} properties`;
      add(result, { text, error: this.#tooMany(path, keys.length, rules.maxProperties) });
    }
    const at = (key: string): Before | undefined => keyBefore(key, schema, path, before);
    for (const key of keys) {
      const property = properties.get(key);
      if (property) merge(result, this.validate(value[key], property, path === '' ? key : `${path}.${key}`, at(key)));
      else if (typeof additional === 'object')
        merge(result, this.validate(value[key], additional, `${path}.${key}`, at(key)));
      else if (additional === false) {
        const text = `${path}.${key} in body is a forbidden property`;
        add(result, { text, error: this.#invalidAt(path, key, text) });
      }
    }
    for (const key of rules?.required ?? []) {
      if (Object.hasOwn(value, key)) continue;
      const error: FieldError = {
        type: 'FieldValueRequired',
        field: this.#field(`${path}.${key}`),
        message: 'Required value',
      };
      add(result, { text: `${path}.${key} in body is required`, error });
    }
  }

  /** What stands under allOf, anyOf, oneOf and not is never ratcheted by itself. */
  #junctors(value: unknown, { allOf, anyOf, oneOf, not }: ValueRules, path: string, result: Result): void {
    const said = JSON.stringify(path);
    const composite = (text: string): void => add(result, { text, error: this.#invalidAt('', '', text) });
    if (anyOf.length > 0) {
      const results = this.#upTo(value, anyOf, path);
      const success = results.find(isValid);
      if (!success) composite(`${said} must validate at least one schema (anyOf)`);
      merge(result, success ?? best(results));
    }
    if (oneOf.length > 0) {
      const results = oneOf.map(schema => this.validate(value, schema, path));
      const successes = results.filter(isValid);
      if (successes.length === 1) merge(result, successes[0]);
      else {
        const found = successes.length === 0 ? 'Found none valid' : `Found ${successes.length} valid alternatives`;
        composite(`${said} must validate one and only one schema (oneOf). ${found}`);
        if (successes.length === 0) merge(result, best(results));
      }
    }
    if (allOf.length > 0) {
      const results = allOf.map(schema => this.validate(value, schema, path));
      for (const one of results) merge(result, one);
      const valid = results.filter(isValid).length;
      if (valid !== allOf.length) {
        composite(`${said} must validate all the schemas (allOf)${valid === 0 ? '. None validated' : ''}`);
      }
    }
    if (not && isValid(this.validate(value, not, path))) composite(`${said} must not validate the schema (not)`);
    result.matches++;
  }

  /** Of alternatives of which one is enough, those up to the first that fits. */
  #upTo(value: unknown, schemas: readonly Structural[], path: string): Result[] {
    const results: Result[] = [];
    for (const schema of schemas) {
      const result = this.validate(value, schema, path);
      results.push(result);
      if (isValid(result)) break;
    }
    return results;
  }

  #field(path: string): string {
    const name = path === '.' ? '' : path.replace(/^\./, '');
    if (name === '') return this.#base === '' ? NO_FIELD : this.#base;
    return child(this.#base, name);
  }

  #invalidAt(path: string, value: unknown, text: string): FieldError {
    const message = `Invalid value: ${JSON.stringify(sortedJson(value))}: ${text}`;
    return { type: 'FieldValueInvalid', field: this.#field(path), message };
  }

  #tooMany(path: string, actual: number, max: number): FieldError {
    const message = `Too many: ${actual}: must have at most ${max} item${max === 1 ? '' : 's'}`;
    return { type: 'FieldValueTooMany', field: this.#field(path), message };
  }
}

const isValid = ({ faults }: Result): boolean => faults.length === 0;

function add({ faults }: Result, fault: Fault): void {
  if (!faults.some(({ text }) => text === fault.text)) faults.push(fault);
}

function merge(into: Result, from: Result | undefined): void {
  if (!from) return;
  for (const fault of from.faults) add(into, fault);
  into.matches += from.matches;
}

const best = (results: readonly Result[]): Result | undefined =>
  results.reduce<Result | undefined>(
    (most, one) => (most === undefined || one.matches > most.matches ? one : most),
    undefined,
  );

/** Go's JSON type of a value, and the format it has by itself. */
function kindOf(value: unknown): readonly [type: string, format: string] {
  if (Array.isArray(value)) return ['array', ''];
  if (typeof value === 'number') return Number.isInteger(value) ? ['integer', 'int64'] : ['number', 'float64'];
  return [typeof value, ''];
}

function matches(pattern: string, value: string): boolean {
  try {
    return goRegExp(pattern).test(value);
  } catch {
    return false; // the definition's validation has refused such patterns
  }
}

/** The field's value before; fields of an atomic map, and what has been added, have none. */
function keyBefore(key: string, { mapType }: Structural, path: string, before: Before | undefined): Before | undefined {
  if (before === undefined || mapType === 'atomic' || !isObject(before.value) || !Object.hasOwn(before.value, key))
    return undefined;
  if (path === '' && (key === 'kind' || key === 'apiVersion')) return undefined;
  return { value: before.value[key] };
}

/** Only items of a list of type map can be told from one another. */
function itemBefore(
  item: unknown,
  { listType, listMapKeys }: Structural,
  before: Before | undefined,
): Before | undefined {
  if (before === undefined || listType !== 'map' || !isObject(item) || !Array.isArray(before.value)) return undefined;
  const found = before.value.find(old => isObject(old) && listMapKeys.every(key => sameJson(old[key], item[key])));
  return found === undefined ? undefined : { value: found };
}

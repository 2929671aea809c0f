/** Request bodies: JSON, YAML or protobuf into an object of the kind the path expects, pruned to the fields it has. */

import { duplicateFields, hasDuplicates, problemsInOrder } from '../api/duplicates.ts';
import { goJsonError } from '../api/goJson.ts';
import type { KindModule } from '../api/kinds/kind.ts';
import type { KubeObject } from '../api/object.ts';
import { decodeProtobuf, isProtobuf } from '../api/protobuf.ts';
import { checkFields, type FieldProblems } from '../api/prune.ts';
import { definitionOf, fieldsOf } from '../api/schema/table.ts';
import { badRequest, invalid, StatusError, unsupportedMediaType } from '../api/status.ts';
import type { Request } from '../lib/exchange.ts';
import { type FieldValidation, fieldValidationOf } from './writeOptions.ts';

/** Go's JSON decoder stops at 10,000; nothing in the API is deeper than a few dozen. */
const MAX_DEPTH = 500;

const acceptedTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'] as const;

export interface Expected {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Name in the schema table. */
  readonly definition: string;
  /** Of a custom resource, which the schema table does not know: its own decoding. */
  readonly module?: Pick<KindModule, 'decode'> | undefined;
}

export const apiVersionOf = (of: { readonly group: string; readonly version: string }): string =>
  of.group === '' ? of.version : `${of.group}/${of.version}`;

/** The media type without parameters; empty where there is none. */
export function mediaType(request: Request): string {
  const header = request.headers['content-type'] ?? '';
  const end = header.indexOf(';');
  return (end < 0 ? header : header.slice(0, end)).trim().toLowerCase();
}

/**
 * The object in the body, with its `apiVersion` and `kind` set.
 *
 * @param warnings takes what `fieldValidation=Warn` has to say.
 * @throws StatusError 400 for what is not such an object, 415 for another media type.
 */
export async function decodeBody(request: Request, expected: Expected, warnings: string[]): Promise<KubeObject> {
  const type = mediaType(request);
  if (type !== '' && !(acceptedTypes as readonly string[]).includes(type)) throw unsupportedMediaType(acceptedTypes);
  const validation = fieldValidationOf(request);
  if (type === 'application/vnd.kubernetes.protobuf') {
    const object = checkKind(decodeBinary(request.body, expected), expected);
    return conform(object, undefined, expected, 'Ignore', warnings);
  }
  const text = request.body.toString('utf8');
  if (type === 'application/yaml') {
    const { value, repeated } = await readYaml(text);
    return conform(value, text, expected, validation, warnings, repeated);
  }
  return conform(parseJson(text, expected.kind), text, expected, validation, warnings);
}

/**
 * An already parsed value as an object of the expected kind: fields checked and pruned in place.
 *
 * @param text the JSON it was read from, in which repeated fields can be found
 * @param repeated what is known of repeated fields already: `text` is no JSON then
 */
export function conform(
  value: unknown,
  text: string | undefined,
  expected: Expected,
  validation: FieldValidation,
  warnings: string[],
  repeated?: readonly string[],
): KubeObject {
  const given = value === null ? {} : value; // as in Go, null is an object of which nothing is said
  if (typeof given !== 'object' || Array.isArray(given)) {
    const type = Array.isArray(given) ? 'array' : typeof given === 'boolean' ? 'bool' : typeof given;
    throw unrecognized(
      expected.kind,
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${type} into Go value of type struct { APIVersion string "json:"apiVersion,omitempty""; Kind string "json:"kind,omitempty"" }`,
      text,
    );
  }
  const json = repeated === undefined && validation !== 'Ignore' ? text : undefined;
  const repeats = json !== undefined && hasDuplicates(json, given) ? json : undefined;
  const object = checkKind(given as Record<string, unknown>, expected);
  const problems = expected.module?.decode
    ? customFields(expected, object, repeats)
    : checkFields(expected.definition, object, repeats);
  if (!expected.module?.decode && fieldsOf(expected.definition).has('metadata')) object.metadata ??= {};
  if (validation === 'Ignore') return object;
  const texts = problemTexts(problems, json, repeated);
  if (validation === 'Strict' && texts.length > 0) {
    throw badRequest(
      `${expected.kind} in version ${JSON.stringify(expected.version)} cannot be handled as a ${expected.kind}: strict decoding error: ${texts.join(', ')}`,
    );
  }
  warnings.push(...texts.flatMap(linesOfYaml));
  return object;
}

/** What {@link checkFields} does for the kinds of the schema table. */
function customFields(expected: Expected, object: KubeObject, json: string | undefined): FieldProblems {
  try {
    const unknown = expected.module?.decode?.(object) ?? [];
    const duplicates = json === undefined ? [] : duplicateFields(json);
    return { unknown, duplicate: duplicates.map(path => `duplicate field ${JSON.stringify(path)}`) };
  } catch (error) {
    if (error instanceof StatusError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const { kind, version } = expected;
    throw badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${reason}`);
  }
}

function problemTexts(problems: FieldProblems, json: string | undefined, repeated: readonly string[] = []): string[] {
  const { unknown, duplicate } = problems;
  const yaml = repeated.length === 0 ? [] : [`${YAML_ERRORS}${repeated.map(line => `\n  ${line}`).join('')}`];
  if (json === undefined || duplicate.length + unknown.length < 2) return [...yaml, ...duplicate, ...unknown];
  const paths = unknown.map(text => JSON.parse(text.slice('unknown field '.length)) as string);
  return problemsInOrder(json, new Set(paths));
}

const YAML_ERRORS = 'yaml: unmarshal errors:';

/** Warnings say each line of YAML's one error by itself. */
function linesOfYaml(text: string): string[] {
  if (!text.startsWith(YAML_ERRORS)) return [text];
  return text
    .slice(YAML_ERRORS.length)
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '');
}

/** What cannot even be told to be an object. `text` is shown by its beginning, as upstream shows it. */
function unrecognized(kind: string, reason: string, text: string | undefined): StatusError {
  const summary = text === undefined ? '' : ` (${summaryOf(Buffer.from(text.slice(0, 2 * SUMMARY_BYTES)))})`;
  return badRequest(`the object provided is unrecognized (must be of type ${kind}): ${reason}${summary}`);
}

const SUMMARY_BYTES = 30;

function summaryOf(body: Buffer): string {
  if (body.length === 0) return '<empty>';
  const beginning = body.subarray(0, SUMMARY_BYTES).toString(body[0] === 0x7b ? 'utf8' : 'hex');
  return body.length > SUMMARY_BYTES ? `${beginning} ...` : beginning;
}

export function parseJson(text: string, kind: string): unknown {
  checkDepth(text);
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = goJsonError(text) || (error instanceof Error ? error.message : '');
    throw unrecognized(kind, `couldn't get version/kind; json parse error: ${reason}`, text);
  }
}

export async function parseYaml(text: string): Promise<unknown> {
  return (await readYaml(text)).value;
}

/** YAML 1.1 as Go reads it: `yes` and `0644` mean what they meant then, but times and base-60 numbers are text. */
export async function readYaml(
  text: string,
): Promise<{ readonly value: unknown; readonly repeated: readonly string[] }> {
  checkDepth(text);
  const { parseDocument } = await import('yaml');
  const refuse = (why: string): StatusError => badRequest(`error converting YAML to JSON: yaml: ${why}`);
  const document = parseDocument(text, {
    version: '1.1',
    prettyErrors: true,
    customTags: tags =>
      tags.filter(
        tag =>
          typeof tag === 'string' ||
          (!/:(timestamp|binary|omap|pairs|set)$/.test(tag.tag) && !('format' in tag && tag.format === 'TIME')),
      ),
  });
  const repeated: string[] = [];
  for (const error of document.errors) {
    if (error.code !== 'DUPLICATE_KEY') throw refuse(error.message);
    const [start] = error.linePos ?? [];
    const key = /^[^:\s]+/.exec(text.slice(error.pos[0]))?.[0].replace(/^["']|["']$/g, '') ?? '';
    repeated.push(`line ${start?.line ?? 0}: key ${JSON.stringify(key)} already set in map`);
  }
  document.errors.length = 0;
  try {
    return { value: document.toJS({ maxAliasCount: 100 }), repeated };
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : String(error));
  }
}

function decodeBinary(body: Buffer, expected: Expected): Record<string, unknown> {
  const refuse = (reason: string): StatusError =>
    badRequest(
      `the object provided is unrecognized (must be of type ${expected.kind}): ${reason} (${summaryOf(body)})`,
    );
  if (!isProtobuf(body)) {
    throw refuse('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  }
  try {
    return decodeProtobuf(body) as unknown as Record<string, unknown>;
  } catch (error) {
    if (error instanceof StatusError) throw error;
    throw refuse(error instanceof Error ? error.message : String(error));
  }
}

/** What the body says it is must be what the path is about; what it does not say is taken from there. */
function checkKind(object: Record<string, unknown>, expected: Expected): KubeObject {
  const apiVersion = apiVersionOf(expected);
  for (const name of ['apiVersion', 'kind'] as const) {
    const value = object[name];
    if (value === undefined || value === null || typeof value === 'string') continue;
    const type = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
    const reason = `couldn't get version/kind; json parse error: json: cannot unmarshal ${type} into Go struct field .${name} of type string`;
    throw unrecognized(expected.kind, reason, undefined);
  }
  const given = String(object.apiVersion || apiVersion);
  const kind = String(object.kind || expected.kind);
  if (given !== apiVersion || kind !== expected.kind) throw wrongKind(given, kind, expected);
  object.apiVersion = apiVersion;
  object.kind = expected.kind;
  return object as KubeObject;
}

function wrongKind(given: string, kind: string, expected: Expected): StatusError {
  const parts = given.split('/');
  if (parts.length > 2) return unrecognized(expected.kind, `unexpected GroupVersion string: ${given}`, undefined);
  const [version = '', group = ''] = parts.reverse();
  const refuse = (reason: string): StatusError =>
    badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${expected.kind}: ${reason}`);
  if (expected.module?.decode) {
    if (given !== apiVersionOf(expected)) {
      return badRequest(
        `the API version in the data (${given}) does not match the expected API version (${apiVersionOf(expected)})`,
      );
    }
    const message = `Invalid value: ${JSON.stringify(kind)}: must be ${expected.kind}`;
    return invalid(expected, '', [{ type: 'FieldValueInvalid', field: 'kind', message }]);
  }
  if (definitionOf(group, version, kind) === undefined) {
    return refuse(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(given)} in scheme "pkg/api/legacyscheme/scheme.go:30"`,
    );
  }
  if (kind === expected.kind) {
    return badRequest(
      `the API version in the data (${given}) does not match the expected API version (${apiVersionOf(expected)})`,
    );
  }
  const internal = expected.group === '' ? 'core' : (expected.group.split('.')[0] ?? '');
  return refuse(`converting (${version}.${kind}) to (${internal}.${expected.kind}): unknown conversion`);
}

/** Deep nesting would overflow the stack of everything that walks objects. Brackets in strings count too; nobody writes 500 of one kind. */
function checkDepth(text: string): void {
  if (text.length < MAX_DEPTH) return;
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (quoted) {
      if (code === 92) at++;
      else if (code === 34) quoted = false;
    } else if (code === 34) quoted = true;
    else if (code === 123 || code === 91) {
      if (++depth > MAX_DEPTH) throw badRequest(`the body is nested more than ${MAX_DEPTH} levels deep`);
    } else if (code === 125 || code === 93) depth--;
  }
}

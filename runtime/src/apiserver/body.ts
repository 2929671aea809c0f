/** Request bodies: JSON, YAML or protobuf into an object of the kind the path expects, pruned to the fields it has. */
import type { KubeObject } from '../api/object.ts';
import { decodeProtobuf, isProtobuf } from '../api/protobuf.ts';
import { checkFields } from '../api/prune.ts';
import { fieldsOf } from '../api/schema/table.ts';
import { badRequest, StatusError, unsupportedMediaType } from '../api/status.ts';
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
  if (request.body.length === 0) throw badRequest(`the body of the request is empty; send a ${expected.kind}`);
  if (type === 'application/vnd.kubernetes.protobuf') {
    const object = checkKind(decodeBinary(request.body, expected), expected);
    return conform(object, undefined, expected, 'Ignore', warnings);
  }
  const text = request.body.toString('utf8');
  const value = type === 'application/yaml' ? await parseYaml(text) : parseJson(text, expected.kind);
  return conform(value, text, expected, fieldValidationOf(request), warnings);
}

/** An already parsed value as an object of the expected kind: fields checked and pruned in place. */
export function conform(
  value: unknown,
  text: string | undefined,
  expected: Expected,
  validation: FieldValidation,
  warnings: string[],
): KubeObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badRequest(
      `the object provided is unrecognized (must be of type ${expected.kind}): the body is not a JSON object`,
    );
  }
  const object = checkKind(value as Record<string, unknown>, expected);
  const problems = checkFields(expected.definition, object, validation === 'Ignore' ? undefined : text);
  if (fieldsOf(expected.definition).has('metadata')) object.metadata ??= {};
  const texts = [...problems.duplicate, ...problems.unknown];
  if (validation === 'Strict' && texts.length > 0) {
    throw badRequest(
      `${expected.kind} in version ${JSON.stringify(expected.version)} cannot be handled as a ${expected.kind}: strict decoding error: ${texts.join(', ')}`,
    );
  }
  if (validation === 'Warn') warnings.push(...texts);
  return object;
}

export function parseJson(text: string, kind: string): unknown {
  checkDepth(text);
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error: ${reason}`,
    );
  }
}

export async function parseYaml(text: string): Promise<unknown> {
  checkDepth(text);
  const { parse } = await import('yaml');
  try {
    return parse(text, { maxAliasCount: 100 });
  } catch (error) {
    throw badRequest(`error converting YAML to JSON: yaml: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function decodeBinary(body: Buffer, expected: Expected): Record<string, unknown> {
  if (!isProtobuf(body)) {
    throw badRequest(
      `the object provided is unrecognized (must be of type ${expected.kind}): provided data does not appear to be a protobuf message, expected prefix "k8s\\0"`,
    );
  }
  try {
    return decodeProtobuf(body) as unknown as Record<string, unknown>;
  } catch (error) {
    if (error instanceof StatusError) throw error;
    throw badRequest(
      `the object provided is unrecognized (must be of type ${expected.kind}): ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function checkKind(object: Record<string, unknown>, expected: Expected): KubeObject {
  const apiVersion = apiVersionOf(expected);
  const given = { apiVersion: object.apiVersion ?? '', kind: object.kind ?? '' };
  if (given.apiVersion !== '' && given.apiVersion !== apiVersion) {
    throw badRequest(
      `the API version in the data (${String(given.apiVersion)}) does not match the expected API version (${apiVersion})`,
    );
  }
  if (given.kind !== '' && given.kind !== expected.kind) {
    throw badRequest(
      `${String(given.kind)} in version ${JSON.stringify(expected.version)} cannot be handled as a ${expected.kind}: converting (${apiVersion}, Kind=${String(given.kind)}) to (${apiVersion}, Kind=${expected.kind}): unknown conversion`,
    );
  }
  object.apiVersion = apiVersion;
  object.kind = expected.kind;
  return object as KubeObject;
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

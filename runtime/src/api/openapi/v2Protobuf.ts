/**
 * OpenAPI 2 as protobuf, gnostic's `openapi.v2.Document` (https://github.com/google/gnostic, openapiv2/OpenAPIv2.proto): how kubectl
 * before 1.27, `kubectl explain --output=plaintext-openapiv2`, and Helm's and Argo CD's validation read it.
 *
 * The tables say which member of the JSON becomes which field. What may hold any value (defaults, enums, `x-…`) is a text in YAML
 * there; JSON is YAML. A member the format has no place for (`nullable`, `oneOf`) is left out: the JSON document has none either.
 */
import { FIXED64, VARINT, Writer } from '../../lib/protobuf/wire.ts';

type Json = Readonly<Record<string, unknown>>;
/** Writes a field of this number, its value first: {@link Writer} goes from the end to the beginning. */
type Write = (number: number, value: unknown, writer: Writer) => void;
type Fields = readonly (readonly [member: string, number: number, write: Write])[];

const OBJECT: Json = {};
const objectOf = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : OBJECT);

const text: Write = (number, value, writer) => {
  if (typeof value !== 'string' || value === '') return;
  const before = writer.length;
  writer.string(value);
  writer.close(number, before);
};

/** `present`: a branch of a `oneof`, which is said even if it is false. */
const flag =
  (present: boolean): Write =>
  (number, value, writer) => {
    if (value !== true && !(present && value === false)) return;
    writer.varint(value ? 1 : 0);
    writer.tag(number, VARINT);
  };
const bool = flag(false);

const int: Write = (number, value, writer) => {
  if (typeof value !== 'number' || value === 0) return;
  writer.varint(value);
  writer.tag(number, VARINT);
};

const double: Write = (number, value, writer) => {
  if (typeof value !== 'number' || value === 0) return;
  writer.double(value);
  writer.tag(number, FIXED64);
};

/** Read as YAML: what that takes for a line's end, or refuses in a text, is escaped. */
const UNFIT = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;
const yamlOf = (value: unknown): string =>
  JSON.stringify(value).replace(UNFIT, unfit => `\\u${unfit.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** `Any { yaml = 2 }` */
const any: Write = (number, value, writer) => {
  if (value === undefined) return;
  const before = writer.length;
  text(2, yamlOf(value), writer);
  writer.close(number, before);
};

const list =
  (write: Write): Write =>
  (number, value, writer) => {
    if (Array.isArray(value)) for (let i = value.length - 1; i >= 0; i--) write(number, value[i], writer);
  };

/** A message around one value. */
const around =
  (inner: number, write: Write): Write =>
  (number, value, writer) => {
    if (value === undefined) return;
    const before = writer.length;
    write(inner, value, writer);
    writer.close(number, before);
  };

/** `NamedX { name = 1, value = 2 }` for each member that `takes` wants. */
const entries =
  (write: Write, takes: (member: string) => boolean = () => true): Write =>
  (number, value, writer) => {
    const given = objectOf(value);
    const members = Object.keys(given);
    for (let i = members.length - 1; i >= 0; i--) {
      const member = members[i] ?? '';
      if (!takes(member)) continue;
      const before = writer.length;
      write(2, given[member], writer);
      text(1, member, writer);
      writer.close(number, before);
    }
  };

const isExtension = (member: string): boolean => member.startsWith('x-');
const extensions = entries(any, isExtension);

/** @param extension the field of the members `x-…`; in every message but `Paths` the last. */
function message(fields: Fields, extension?: number): Write {
  const backwards = [...fields].reverse();
  return (number, value, writer) => {
    if (typeof value !== 'object' || value === null) return;
    const before = writer.length;
    const given = value as Json;
    if (extension !== undefined) extensions(extension, given, writer);
    for (const [member, field, write] of backwards) {
      const inner = given[member];
      if (inner !== undefined) write(field, inner, writer);
    }
    writer.close(number, before);
  };
}

const texts = list(text);
const externalDocs = message(
  [
    ['description', 1, text],
    ['url', 2, text],
  ],
  3,
);
const schema: Write = (number, value, writer) => schemaMessage(number, value, writer);
const typeItem: Write = (number, value, writer) =>
  around(1, texts)(number, Array.isArray(value) ? value : [value], writer);
const itemsItem: Write = (number, value, writer) =>
  around(1, list(schema))(number, Array.isArray(value) ? value : [value], writer);
const additionalPropertiesItem: Write = (number, value, writer) =>
  typeof value === 'boolean' ? around(2, flag(true))(number, value, writer) : around(1, schema)(number, value, writer);

const schemaMessage = message(
  [
    ['$ref', 1, text],
    ['format', 2, text],
    ['title', 3, text],
    ['description', 4, text],
    ['default', 5, any],
    ['multipleOf', 6, double],
    ['maximum', 7, double],
    ['exclusiveMaximum', 8, bool],
    ['minimum', 9, double],
    ['exclusiveMinimum', 10, bool],
    ['maxLength', 11, int],
    ['minLength', 12, int],
    ['pattern', 13, text],
    ['maxItems', 14, int],
    ['minItems', 15, int],
    ['uniqueItems', 16, bool],
    ['maxProperties', 17, int],
    ['minProperties', 18, int],
    ['required', 19, texts],
    ['enum', 20, list(any)],
    ['additionalProperties', 21, additionalPropertiesItem],
    ['type', 22, typeItem],
    ['items', 23, itemsItem],
    ['allOf', 24, list(schema)],
    ['properties', 25, around(1, entries(schema))],
    ['discriminator', 26, text],
    ['readOnly', 27, bool],
    ['externalDocs', 29, externalDocs],
    ['example', 30, any],
  ],
  31,
);

const bodyParameter = message(
  [
    ['description', 1, text],
    ['name', 2, text],
    ['in', 3, text],
    ['required', 4, bool],
    ['schema', 5, schema],
  ],
  6,
);
/** Parameters in the query may be named alone (field 5), so what follows stands one further on. */
const otherParameter = (shift: 0 | 1): Write =>
  message(
    [
      ['required', 1, bool],
      ['in', 2, text],
      ['description', 3, text],
      ['name', 4, text],
      ['type', 5 + shift, text],
      ['format', 6 + shift, text],
      ['uniqueItems', 19 + shift, bool],
    ],
    22 + shift,
  );
const queryParameter = around(2, around(3, otherParameter(1)));
const pathParameter = around(2, around(4, otherParameter(0)));
const body = around(1, bodyParameter);
const parametersItem: Write = (number, value, writer) => {
  const place = objectOf(value).in;
  const write = place === 'body' ? body : place === 'path' ? pathParameter : queryParameter;
  around(1, write)(number, value, writer);
};

const response = message(
  [
    ['description', 1, text],
    ['schema', 2, around(1, schema)],
  ],
  5,
);
const isCode = (member: string): boolean => !isExtension(member);
const operation = message(
  [
    ['tags', 1, texts],
    ['summary', 2, text],
    ['description', 3, text],
    ['externalDocs', 4, externalDocs],
    ['operationId', 5, text],
    ['produces', 6, texts],
    ['consumes', 7, texts],
    ['parameters', 8, list(parametersItem)],
    ['responses', 9, around(1, entries(around(1, response), isCode))],
    ['schemes', 10, texts],
    ['deprecated', 11, bool],
  ],
  13,
);
const pathItem = message(
  [
    ['$ref', 1, text],
    ['get', 2, operation],
    ['put', 3, operation],
    ['post', 4, operation],
    ['delete', 5, operation],
    ['options', 6, operation],
    ['head', 7, operation],
    ['patch', 8, operation],
    ['parameters', 9, list(parametersItem)],
  ],
  10,
);

const info = message([
  ['title', 1, text],
  ['version', 2, text],
  ['description', 3, text],
]);
const apiKey = message(
  [
    ['type', 1, text],
    ['name', 2, text],
    ['in', 3, text],
    ['description', 4, text],
  ],
  5,
);
const security = list(around(1, entries(around(1, texts))));
const securityDefinitions = around(1, entries(around(2, apiKey)));

/** What a part of a document holds, in the fields' own form: parts stand one after another. */
export interface Part {
  readonly paths: Buffer;
  readonly definitions: Buffer;
}

/** @param of `{ paths, definitions }` of the JSON document, or of some of it */
export function partOf(of: { readonly paths: object; readonly definitions: object }): Part {
  const written = (write: Write, number: number, value: object): Buffer => {
    const writer = new Writer();
    write(number, value, writer);
    return writer.finish();
  };
  return { paths: written(entries(pathItem), 2, of.paths), definitions: written(entries(schema), 1, of.definitions) };
}

/** @param document the JSON document; what it says of paths and definitions is in the parts. */
export function documentOf(document: object, parts: readonly Part[]): Buffer {
  const given = document as Json;
  const writer = new Writer();
  securityDefinitions(13, given.securityDefinitions, writer);
  security(12, given.security, writer);
  for (const [number, field] of [
    [9, 'definitions'],
    [8, 'paths'],
  ] as const) {
    const before = writer.length;
    for (let i = parts.length - 1; i >= 0; i--) writer.raw(parts[i]?.[field] ?? Buffer.alloc(0));
    writer.close(number, before);
  }
  info(2, given.info, writer);
  text(1, given.swagger, writer);
  return writer.finish();
}

/**
 * user-data with what options set in it. All else stays what it is: to the node, which reads a value as it is written, `0012345` is a
 * token and `0644` are permissions, so nothing is read as a number here and printed as another.
 */
import {
  type Document,
  isMap,
  isScalar,
  type ParseOptions,
  parseDocument,
  Scalar,
  type ScalarTag,
  type SchemaOptions,
  stringify,
  YAMLMap,
} from 'yaml';

/** Keys of user-data, and the text each is set to. */
export type Settings = readonly (readonly [path: readonly string[], value: string])[];

export const header = '#cloud-config\n';

/** A key without a value keeps none; `""` would be a text. */
const nothing: ScalarTag = {
  tag: 'tag:yaml.org,2002:null',
  default: true,
  test: /^$/,
  identify: value => value === null,
  resolve: () => new Scalar(null),
  stringify: () => '',
};
const asWritten: ParseOptions & SchemaOptions = { schema: 'failsafe', customTags: tags => [...tags, nothing] };

/** Makes a mapping of it where there is nothing yet. @returns false where there is something else */
function mappingAt(document: Document, path: readonly string[]): boolean {
  const node = path.length === 0 ? document.contents : document.getIn(path, true);
  if (isMap(node)) return true;
  if (node !== undefined && node !== null && !(isScalar(node) && node.value === null)) return false;
  if (path.length === 0) return true;
  const mapping = new YAMLMap(document.schema);
  if (node?.commentBefore) mapping.commentBefore = node.commentBefore;
  if (node?.comment) mapping.comment = node.comment;
  document.setIn(path, mapping);
  return true;
}

/** In the place of what was there, with its comments; in quotes where cloud-init would take it for another thing than text. */
function set(document: Document, path: readonly string[], value: string): void {
  const before = document.getIn(path, true);
  const node = isScalar(before) ? before : new Scalar(value);
  node.value = value;
  node.type = stringify(value, { version: '1.1' }).startsWith('"') ? Scalar.QUOTE_DOUBLE : Scalar.PLAIN;
  delete node.tag;
  if (node !== before) document.setIn(path, node);
}

/** Whether a key has a value. */
export function hasKey(text: string, path: readonly string[]): boolean {
  return parseDocument(text, asWritten).hasIn(path);
}

/** The text with these keys set, everything else as it was, comments too; undefined for a text in which they have no place. */
export function withSettings(text: string, settings: Settings): string | undefined {
  const document = parseDocument(text, asWritten);
  if (document.errors.length > 0 || !mappingAt(document, [])) return undefined;
  if (settings.length === 0) return text;
  for (const [path, value] of settings) {
    if (path.length > 1 && !mappingAt(document, path.slice(0, -1))) return undefined;
    set(document, path, value);
  }
  const printed = document.toString({ lineWidth: 0 });
  // The printer sets a comment at the top apart.
  const changed = text.startsWith(`${header}\n`) ? printed : printed.replace(`${header}\n`, header);
  return changed.startsWith(header) ? changed : `${header}${changed.replace(/^#cloud-config\s*\n/m, '')}`;
}

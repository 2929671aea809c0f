/**
 * Reads the type declarations of Kubernetes' API packages (`types.go`): struct fields with their JSON and protobuf
 * tags, the `+marker` comments above them, named types and enums. Not a Go parser: just the subset those files use,
 * and an error naming file and line where they step outside it.
 */

export interface GoField {
  /** Go's field name; for an embedded struct, its type's name. */
  readonly goName: string;
  readonly goType: string;
  readonly doc: readonly string[];
  readonly markers: readonly string[];
  /** Struct tag: `json`, `protobuf`, `patchStrategy`, `patchMergeKey`. */
  readonly tags: Readonly<Record<string, string>>;
}

export interface GoStruct {
  readonly name: string;
  readonly doc: readonly string[];
  readonly markers: readonly string[];
  readonly fields: readonly GoField[];
}

export interface GoNamed {
  readonly name: string;
  readonly goType: string;
  readonly markers: readonly string[];
}

export interface GoPackage {
  readonly imports: Readonly<Record<string, string>>;
  readonly structs: readonly GoStruct[];
  readonly named: readonly GoNamed[];
  /** Enum type name to its values, in source order. */
  readonly constants: Readonly<Record<string, readonly string[]>>;
}

function parseTags(raw: string): Record<string, string> {
  const tags: Record<string, string> = {};
  for (const match of raw.matchAll(/(\w+):"([^"]*)"/g)) tags[match[1] ?? ''] = match[2] ?? '';
  return tags;
}

/** Comment lines above a declaration, split into prose and `+markers`; text after `---` or of a TODO stays out. */
function splitComments(lines: readonly string[]): { doc: string[]; markers: string[] } {
  const doc: string[] = [];
  const markers: string[] = [];
  for (const line of lines) {
    if (/^\s*\+/.test(line)) markers.push(line.trim().slice(1));
    else if (line.trim() === '---') break;
    else if (!/^\s*TODO/.test(line)) doc.push(line.replace(/^ /, ''));
  }
  return { doc, markers };
}

export function parseGo(source: string, file: string): GoPackage {
  const imports: Record<string, string> = {};
  const structs: GoStruct[] = [];
  const named: GoNamed[] = [];
  const constants: Record<string, string[]> = {};
  // Block comments (licence heads, fields taken out) become blank lines, so that line numbers stay.
  const lines = source.replace(/^[ \t]*\/\*[\s\S]*?\*\//gm, text => text.replace(/[^\n]/g, '')).split('\n');
  let comments: string[] = [];
  let paragraphs: string[] = [];

  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? '';
    const comment = /^\s*\/\/(.*)$/.exec(line);
    if (comment) {
      comments.push(comment[1] ?? '');
      continue;
    }
    if (/^import \($/.test(line)) {
      for (i++; !/^\)/.test(lines[i] ?? ')'); i++) {
        const entry = /^\s*(\w+)?\s*"([^"]+)"/.exec(lines[i] ?? '');
        if (entry) imports[entry[1] ?? entry[2]?.split('/').at(-1) ?? ''] = entry[2] ?? '';
      }
    }
    const opened = /^type (\w+) struct ?\{(\s*\})?$/.exec(line);
    const simple = /^type (\w+) (=? ?[\w.[\]*]+)\s*(?:\/\/.*)?$/.exec(line);
    if (opened) {
      const { doc, markers } = splitComments([...paragraphs, ...comments]);
      const fields: GoField[] = [];
      let above: string[] = [];
      if (opened[2] === undefined) {
        for (i++; ; i++) {
          const inner = lines[i];
          if (inner === undefined) throw new Error(`${file}: struct ${opened[1]} is not closed`);
          if (/^\}/.test(inner)) break;
          const innerComment = /^\s*\/\/(.*)$/.exec(inner);
          if (innerComment) {
            above.push(innerComment[1] ?? '');
            continue;
          }
          if (inner.trim() === '') {
            above = [];
            continue;
          }
          const parts = /^\s*(?:(\w+)\s+)?(\*?[\w.[\]*]+(?:\{\})?)\s*(?:`([^`]*)`)?\s*(?:\/\/.*)?$/.exec(inner);
          if (!parts) throw new Error(`${file}:${i + 1}: cannot read the field: ${inner.trim()}`);
          const goType = parts[2] ?? '';
          const split = splitComments(above);
          fields.push({
            goName: parts[1] ?? goType.split('.').at(-1) ?? goType,
            goType,
            doc: split.doc,
            markers: split.markers,
            tags: parseTags(parts[3] ?? ''),
          });
          above = [];
        }
      }
      structs.push({ name: opened[1] ?? '', doc, markers, fields });
    } else if (simple) {
      const { markers } = splitComments([...paragraphs, ...comments]);
      named.push({ name: simple[1] ?? '', goType: (simple[2] ?? '').replace(/^= ?/, ''), markers });
    } else {
      const constant = /^\s*(?:const )?\w+\s+(\w+)\s*=\s*"([^"]*)"/.exec(line);
      if (constant) {
        const values = constants[constant[1] ?? ''] ?? [];
        if (!values.includes(constant[2] ?? '')) values.push(constant[2] ?? '');
        constants[constant[1] ?? ''] = values;
      }
    }
    // A blank line after a block of markers does not detach them from the declaration (Kubernetes' files do that).
    if (line.trim() === '')
      paragraphs = comments.some(c => /^\s*\+/.test(c)) ? comments.filter(c => /^\s*\+/.test(c)) : [];
    else paragraphs = [];
    comments = [];
  }
  return { imports, structs, named, constants };
}

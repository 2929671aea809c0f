/** Debian control data: stanzas of `Field: value` with folded lines. Source: deb822(5), deb-control(5). */

export type Stanza = ReadonlyMap<string, string>;

/** Field names are lower-cased; folded lines are joined with `\n` (leading blanks removed). */
export function parseStanzas(text: string): Stanza[] {
  const stanzas: Stanza[] = [];
  let fields = new Map<string, string>();
  let last = '';
  const end = (): void => {
    if (fields.size > 0) stanzas.push(fields);
    fields = new Map();
    last = '';
  };
  for (const line of text.split('\n')) {
    if (line.trim() === '') end();
    else if (/^[ \t]/.test(line)) {
      if (last !== '') fields.set(last, `${fields.get(last)}\n${line.trim()}`);
    } else {
      const colon = line.indexOf(':');
      if (colon === -1) continue;
      last = line.slice(0, colon).toLowerCase();
      fields.set(last, line.slice(colon + 1).trim());
    }
  }
  end();
  return stanzas;
}

/** A field that must be there. @throws Error naming the field and the stanza. */
export function field(stanza: Stanza, name: string): string {
  const value = stanza.get(name.toLowerCase());
  if (value === undefined)
    throw new Error(`no ${name} field in the control data of ${stanza.get('package') ?? 'a package'}`);
  return value;
}

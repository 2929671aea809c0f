/**
 * YAML of the simplest kind, one `name: JSON` a line and comments, as Atoll writes it itself: read without a YAML parser, which costs a
 * small board a tenth of a second at every start.
 */

/** Undefined: it is more than that, and a YAML parser's to read. Lines count from 1. */
export function readPlainYaml(
  text: string,
): Map<string, { readonly value: unknown; readonly line: number }> | undefined {
  const found = new Map<string, { readonly value: unknown; readonly line: number }>();
  for (const [at, line] of text.split('\n').entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const [, name, json] = /^([A-Za-z][-A-Za-z0-9_]*\+?): (\S[\s\S]*)$/.exec(line) ?? [];
    if (name === undefined || json === undefined || found.has(name)) return undefined;
    try {
      found.set(name, { value: JSON.parse(json), line: at + 1 });
    } catch {
      return undefined;
    }
  }
  return found;
}

/** The text that {@link readPlainYaml} reads; YAML for everybody else, too. */
export const writePlainYaml = (values: Readonly<Record<string, unknown>>): string =>
  Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`)
    .join('');

/** Files of systemd: sections of assignments. */

/** `undefined` and an empty list leave the key out; a list repeats it. */
type Value = string | number | boolean | undefined | readonly string[];
export type Assignments = Readonly<Record<string, Value>>;
export interface IniSection {
  readonly name: string;
  readonly assignments: Assignments;
}

export const section = (name: string, assignments: Assignments): IniSection => ({ name, assignments });

/** Sections without assignments are left out, but for those named in `always`. */
export function ini(comment: string, sections: readonly IniSection[], always: readonly string[] = []): string {
  const parts = sections.flatMap(({ name, assignments }) => {
    const lines = Object.entries(assignments).flatMap(([key, value]) => lineOf(key, value));
    return lines.length > 0 || always.includes(name) ? [`[${name}]\n${lines.join('')}`] : [];
  });
  return [`# ${comment}\n`, ...parts].join('\n');
}

function lineOf(key: string, value: Value): string[] {
  if (value === undefined) return [];
  if (typeof value === 'object') return value.map(item => `${key}=${item}\n`);
  return [`${key}=${typeof value === 'boolean' ? (value ? 'yes' : 'no') : value}\n`];
}

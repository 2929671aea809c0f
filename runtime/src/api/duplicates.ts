/** Finds fields written twice in one JSON object, of which `JSON.parse` quietly lets the last one win. */

interface Level {
  /** `undefined` for an array. */
  readonly keys: Set<string> | undefined;
  readonly path: string;
  key: string;
  index: number;
}

const pathIn = (level: Level | undefined): string => {
  if (!level) return '';
  if (!level.keys) return `${level.path}[${level.index}]`;
  return level.path === '' ? level.key : `${level.path}.${level.key}`;
};

/** End of the string literal that begins at `start` (its opening quote): the index after the closing quote. */
function stringEnd(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  for (;;) {
    if (end < 0) return text.length;
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === 0x5c) backslashes++;
    if (backslashes % 2 === 0) return end + 1;
    end = text.indexOf('"', end + 1);
  }
}

/**
 * Whether a field appears again; far cheaper than to say which. `text` must be valid JSON, and `value` what it says, as yet unchanged.
 */
export function hasDuplicates(text: string, value: unknown): boolean {
  return fieldsInText(text) !== fieldsIn(value);
}

function fieldsInText(text: string): number {
  let count = 0;
  for (let at = text.indexOf('"'); at >= 0; ) {
    let end = stringEnd(text, at);
    while (text.charCodeAt(end) <= 0x20) end++;
    if (text.charCodeAt(end) === 0x3a) count++; // :
    at = text.indexOf('"', end);
  }
  return count;
}

function fieldsIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) for (const item of value) count += fieldsIn(item);
  else
    for (const name in value) {
      count++;
      const inner = (value as Readonly<Record<string, unknown>>)[name];
      if (typeof inner === 'object') count += fieldsIn(inner);
    }
  return count;
}

/** Called for every field in the order of the text. `again`: its object has had it before. */
type Visit = (level: Level, again: boolean) => void;

/** Paths (`spec.containers[0].image`) of fields that appear again, in order; `text` must be valid JSON. */
export function duplicateFields(text: string): string[] {
  const found: string[] = [];
  eachField(text, (level, again) => {
    if (again) found.push(pathIn(level));
  });
  return found;
}

/** As many as upstream collects. */
const MOST_PROBLEMS = 100;

/**
 * What is wrong with fields, in the order of the text, as Go's decoder comes upon it: each once, and nothing of what lies within an
 * unknown field.
 */
export function problemsInOrder(text: string, unknown: ReadonlySet<string>): string[] {
  const found = new Set<string>();
  eachField(text, (level, again) => {
    const path = pathIn(level);
    if (unknown.has(path)) found.add(`unknown field ${JSON.stringify(path)}`);
    else if (again && !isWithin(path, unknown)) found.add(`duplicate field ${JSON.stringify(path)}`);
  });
  return [...found].slice(0, MOST_PROBLEMS);
}

function isWithin(path: string, unknown: ReadonlySet<string>): boolean {
  for (const other of unknown) {
    if (path.startsWith(other) && (path[other.length] === '.' || path[other.length] === '[')) return true;
  }
  return false;
}

function eachField(text: string, visit: Visit): void {
  const levels: Level[] = [];
  let expectsKey = false;
  for (let i = 0; i < text.length; ) {
    const level = levels.at(-1);
    switch (text.charCodeAt(i)) {
      case 0x7b: // {
        levels.push({ keys: new Set(), path: pathIn(level), key: '', index: 0 });
        expectsKey = true;
        i++;
        break;
      case 0x5b: // [
        levels.push({ keys: undefined, path: pathIn(level), key: '', index: 0 });
        expectsKey = false;
        i++;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        levels.pop();
        expectsKey = false;
        i++;
        break;
      case 0x2c: // ,
        if (level?.keys) expectsKey = true;
        else if (level) level.index++;
        i++;
        break;
      case 0x22: {
        const end = stringEnd(text, i);
        if (expectsKey && level?.keys) {
          const literal = text.slice(i + 1, end - 1);
          level.key = literal.includes('\\') ? (JSON.parse(`"${literal}"`) as string) : literal;
          const again = level.keys.has(level.key);
          if (!again) level.keys.add(level.key);
          visit(level, again);
          expectsKey = false;
        }
        i = end;
        break;
      }
      default:
        i++;
    }
  }
}

/** Finds fields written twice in one JSON object, which `JSON.parse` quietly lets the last one win. */

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
    while (text[end - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return end + 1;
    end = text.indexOf('"', end + 1);
  }
}

/** Paths (`spec.containers[0].image`) of fields that appear again, in order; `text` must be valid JSON. */
export function duplicateFields(text: string): string[] {
  const found: string[] = [];
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
          if (level.keys.has(level.key)) found.push(pathIn(level));
          else level.keys.add(level.key);
          expectsKey = false;
        }
        i = end;
        break;
      }
      default:
        i++;
    }
  }
  return found;
}

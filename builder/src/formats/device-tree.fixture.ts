/** Device trees for tests. */

/** Properties (strings, or cells) and, with a slash before their names, nodes. */
export interface TreeSource {
  readonly [name: string]: readonly string[] | readonly number[] | TreeSource;
}

const isNode = (value: TreeSource[string]): value is TreeSource => !Array.isArray(value);

const cell = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
const propertyValue = (value: readonly (string | number)[]): Buffer =>
  Buffer.concat(value.map(one => (typeof one === 'number' ? cell(one) : Buffer.from(`${one}\0`))));

/** As dtc writes it (Devicetree Specification 0.4, chapter 5): header, structure, strings. */
export function deviceTreeBlob(source: TreeSource): Buffer {
  let strings = '';
  const nameOf = (name: string): Buffer => {
    const at = strings.length;
    strings += `${name}\0`;
    return cell(at);
  };
  const node = (name: string, content: TreeSource): Buffer =>
    Buffer.concat([
      ...[cell(1), padded(Buffer.from(`${name}\0`))],
      ...Object.entries(content).map(([key, value]) => {
        if (isNode(value)) return node(key.slice(1), value);
        const bytes = propertyValue(value);
        return Buffer.concat([cell(3), cell(bytes.length), nameOf(key), padded(bytes)]);
      }),
      cell(2),
    ]);
  const structure = Buffer.concat([node('', source), cell(9)]);
  const stringsAt = 40 + structure.length;
  const header = [0xd00dfeed, stringsAt + strings.length, 40, stringsAt, 40, 17, 16, 0, strings.length];
  return Buffer.concat([...header.map(cell), cell(structure.length), structure, Buffer.from(strings)]);
}

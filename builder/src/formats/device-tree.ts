/** Flattened device trees (Devicetree Specification 0.4, chapter 5): what hardware a board has, as firmware tells it the kernel. */

export interface DeviceNode {
  /** `/soc/mmc@7e340000` */
  readonly path: string;
  readonly parent?: DeviceNode;
  readonly children: DeviceNode[];
  readonly properties: Map<string, Buffer>;
}

const MAGIC = 0xd00dfeed;
const token = { beginNode: 1, endNode: 2, property: 3, nop: 4, end: 9 } as const;

const endOfString = (blob: Buffer, at: number): number => blob.indexOf(0, at);
/** Everything in the structure block stands at a multiple of four. */
const aligned = (at: number): number => (at + 3) & ~3;

/** The root node. @throws Error for what is no device tree, or ends within one */
export function parseDeviceTree(blob: Buffer): DeviceNode {
  if (blob.length < 40 || blob.readUInt32BE(0) !== MAGIC) throw new Error('not a device tree');
  const strings = blob.readUInt32BE(12);
  let at = blob.readUInt32BE(8);
  let root: DeviceNode | undefined;
  let node: DeviceNode | undefined;
  for (;;) {
    const kind = blob.readUInt32BE(at);
    at += 4;
    if (kind === token.beginNode) {
      const end = endOfString(blob, at);
      const name = blob.toString('latin1', at, end);
      at = aligned(end + 1);
      const path: string = node === undefined ? '/' : `${node.path === '/' ? '' : node.path}/${name}`;
      const child: DeviceNode = { path, children: [], properties: new Map(), ...(node ? { parent: node } : {}) };
      node?.children.push(child);
      root ??= child;
      node = child;
    } else if (kind === token.property && node) {
      const length = blob.readUInt32BE(at);
      const name = strings + blob.readUInt32BE(at + 4);
      const value = blob.subarray(at + 8, at + 8 + length);
      node.properties.set(blob.toString('latin1', name, endOfString(blob, name)), value);
      at = aligned(at + 8 + length);
    } else if (kind === token.endNode && node) {
      node = node.parent;
    } else if (kind === token.end && root && node === undefined) {
      return root;
    } else if (kind !== token.nop) {
      throw new Error(`a device tree with the token ${kind} at ${at - 4}`);
    }
  }
}

/** The node and all below it, from the top. */
export function nodesOf(root: DeviceNode): DeviceNode[] {
  return [root, ...root.children.flatMap(nodesOf)];
}

/** Strings of a property such as `compatible`. */
export function stringsOf(node: DeviceNode, property: string): string[] {
  return (node.properties.get(property)?.toString('latin1') ?? '').split('\0').filter(text => text !== '');
}

/** Numbers of a property such as `clocks`. */
export function cellsOf(node: DeviceNode, property: string): number[] {
  const value = node.properties.get(property) ?? Buffer.alloc(0);
  return Array.from({ length: value.length >> 2 }, (_, index) => value.readUInt32BE(index * 4));
}

/** False for a device that the board does not have, or that its firmware keeps for itself. */
export function isAvailable(node: DeviceNode): boolean {
  const [status = 'okay'] = stringsOf(node, 'status');
  return (status === 'okay' || status === 'ok') && (node.parent === undefined || isAvailable(node.parent));
}

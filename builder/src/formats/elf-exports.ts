/**
 * What a program exports to libraries, and that program without it. Go's linker exports every function of a program that uses cgo
 * (`-rdynamic`): a fifth of containerd and kubectl is names that nothing ever asks for.
 *
 * The file keeps its length and every address in it: the tables of exported symbols become zeros, which take no room in a
 * compressed file system and are never read. What the program imports, and what its own relocations name, stays.
 * Sources: System V gABI chapter 5 (symbols, relocations); "Symbol Versioning" and `DT_GNU_HASH` in glibc's elf/dl-lookup.c.
 */
import { type ElfLayout, elfLayout, isElf, segmentType } from './elf.ts';

const tags = {
  needed: 1,
  pltBytes: 2,
  sysvHash: 4,
  strings: 5,
  symbols: 6,
  rela: 7,
  relaBytes: 8,
  stringBytes: 10,
  soname: 14,
  rpath: 15,
  rel: 17,
  relBytes: 18,
  pltKind: 20,
  plt: 23,
  runpath: 29,
  gnuHash: 0x6ffffef5,
  versions: 0x6ffffff0,
  versionNeeds: 0x6ffffffe,
  versionNeedCount: 0x6fffffff,
} as const;

/** Exports below which a file stays as the package has it: they take a few kilobytes. */
const worthwhile = 1000;

const goNote = Buffer.from('Go\0\0');

/** The hash of `DT_GNU_HASH`: Bernstein's, 32 bits. */
export function gnuHash(name: string): number {
  let hash = 5381;
  for (const byte of Buffer.from(name, 'latin1')) hash = (Math.imul(hash, 33) + byte) >>> 0;
  return hash;
}

/** The tables of an ELF file that deal with symbols. Offsets in the file. */
class SymbolTables {
  readonly content: Buffer;
  readonly layout: ElfLayout;
  readonly hash: number;
  readonly strings: number;
  readonly symbols: number;
  readonly versions: number;
  /** Where the exported symbols begin, and how many symbols there are: index. */
  readonly firstExported: number;
  readonly count: number;

  constructor(content: Buffer, layout: ElfLayout) {
    this.content = content;
    this.layout = layout;
    this.hash = this.place(tags.gnuHash);
    this.strings = this.place(tags.strings);
    this.symbols = this.place(tags.symbols);
    this.versions = this.place(tags.versions);
    this.firstExported = this.hash < 0 ? 0 : content.readUInt32LE(this.hash + 4);
    this.count = this.hash < 0 ? 0 : this.#countOf();
  }

  value(tag: number): number | undefined {
    return this.layout.tags.find(entry => entry.tag === tag)?.value;
  }

  place(tag: number): number {
    const address = this.value(tag);
    return address === undefined ? -1 : this.layout.fileOffset(address);
  }

  get symbolBytes(): number {
    return this.layout.wide ? 24 : 16;
  }

  get wordBytes(): number {
    return this.layout.wide ? 8 : 4;
  }

  /** Where the chains of the hash table begin. */
  get chains(): number {
    const { content, hash, wordBytes } = this;
    return hash + 16 + content.readUInt32LE(hash + 8) * wordBytes + content.readUInt32LE(hash) * 4;
  }

  /** The last symbol is the end of the chain that begins last: nothing else says how many there are. */
  #countOf(): number {
    const { content, hash, wordBytes, firstExported } = this;
    const buckets = hash + 16 + content.readUInt32LE(hash + 8) * wordBytes;
    let last = 0;
    for (let bucket = 0; bucket < content.readUInt32LE(hash); bucket++)
      last = Math.max(last, content.readUInt32LE(buckets + 4 * bucket));
    if (last < firstExported) return firstExported;
    while ((content.readUInt32LE(this.chains + 4 * (last - firstExported)) & 1) === 0) last++;
    return last + 1;
  }

  /** A symbol's name in the string table: offset from its beginning. */
  nameAt(index: number): number {
    return this.content.readUInt32LE(this.symbols + index * this.symbolBytes);
  }

  text(nameAt: number): string {
    const at = this.strings + nameAt;
    return this.content.toString('latin1', at, this.content.indexOf(0, at));
  }
}

interface Relocations {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly entryBytes: number;
}

function relocationsOf(tables: SymbolTables): Relocations[] {
  const rela = tables.layout.wide ? 24 : 12;
  const rel = tables.layout.wide ? 16 : 8;
  const of = (place: number, size: number, entryBytes: number): Relocations => ({
    offset: tables.place(place),
    sizeBytes: tables.value(size) ?? 0,
    entryBytes,
  });
  return [
    of(tags.rela, tags.relaBytes, rela),
    of(tags.rel, tags.relBytes, rel),
    of(tags.plt, tags.pltBytes, tables.value(tags.pltKind) === tags.rela ? rela : rel),
  ].filter(({ offset }) => offset >= 0);
}

/** A relocation's symbol: in 64-bit files the upper half of `r_info`, in 32-bit files all but its lowest byte. */
const symbolOf = (content: Buffer, at: number, wide: boolean): number =>
  wide ? content.readUInt32LE(at + 12) : content.readUInt32LE(at + 4) >>> 8;

function setSymbol(content: Buffer, at: number, wide: boolean, index: number): void {
  if (wide) content.writeUInt32LE(index, at + 12);
  else content.writeUInt32LE(((index << 8) | (content.readUInt32LE(at + 4) & 0xff)) >>> 0, at + 4);
}

/** Names in the string table, by offset, that something but the exported symbols needs. */
function otherNames(tables: SymbolTables): number[] {
  const { content, layout } = tables;
  const inTags: readonly number[] = [tags.needed, tags.soname, tags.rpath, tags.runpath];
  const found = layout.tags.filter(({ tag }) => inTags.includes(tag)).map(({ value }) => value);
  for (let index = 1; index < tables.firstExported; index++) found.push(tables.nameAt(index));
  let need = tables.place(tags.versionNeeds);
  for (let left = tables.value(tags.versionNeedCount) ?? 0; need >= 0 && left > 0; left--) {
    found.push(content.readUInt32LE(need + 4));
    let version = need + content.readUInt32LE(need + 8);
    for (let more = content.readUInt16LE(need + 2); more > 0; more--) {
      found.push(content.readUInt32LE(version + 8));
      version += content.readUInt32LE(version + 12);
    }
    need += content.readUInt32LE(need + 12);
  }
  return found;
}

/** Whether Go's linker made it (`.note.go.buildid`). */
function isGo(content: Buffer, { segments }: ElfLayout): boolean {
  return segments.some(
    ({ type, offset, sizeBytes }) =>
      type === segmentType.note && content.subarray(offset, offset + sizeBytes).includes(goNote),
  );
}

/** Names a library exports or imports. Empty for what is no ELF file. */
export function symbolNames(content: Buffer): ReadonlySet<string> {
  const layout = isElf(content) ? elfLayout(content) : undefined;
  if (!layout) return new Set();
  const tables = new SymbolTables(content, layout);
  return new Set(Array.from({ length: tables.count }, (_, index) => tables.text(tables.nameAt(index))));
}

/**
 * A Go program without the exports that nobody can ask for.
 * @param known names its libraries know: those a library could mean by a symbol of its own
 * @returns undefined if it is no such program, or has few to lose
 */
export function withoutExports(original: Buffer, known: ReadonlySet<string>): Buffer | undefined {
  const layout = elfLayout(original);
  if (!layout?.segments.some(({ type }) => type === segmentType.interpreter) || !isGo(original, layout))
    return undefined;
  const content = Buffer.from(original);
  const before = new SymbolTables(original, layout);
  // Without the hash table nothing says how many symbols there are; the older one would have to be made anew as well.
  if (before.hash < 0 || before.value(tags.sysvHash) !== undefined) return undefined;
  const { firstExported, count, symbolBytes, wordBytes } = before;

  const stays = new Set<number>();
  for (const { offset, sizeBytes, entryBytes } of relocationsOf(before))
    for (let at = offset; at < offset + sizeBytes; at += entryBytes) {
      const index = symbolOf(original, at, layout.wide);
      if (index >= firstExported) stays.add(index);
    }
  for (let index = firstExported; index < count; index++)
    if (known.has(before.text(before.nameAt(index)))) stays.add(index);
  const order = [...stays].sort((a, b) => a - b);
  if (count - firstExported - order.length < worthwhile) return undefined;

  const symbol = (index: number): number => before.symbols + index * symbolBytes;
  content.fill(0, symbol(firstExported), symbol(count));
  if (before.versions >= 0) content.fill(0, before.versions + 2 * firstExported, before.versions + 2 * count);
  const moved = new Map<number, number>();
  for (const [place, index] of order.entries()) {
    const now = firstExported + place;
    moved.set(index, now);
    original.copy(content, symbol(now), symbol(index), symbol(index + 1));
    if (before.versions >= 0)
      content.writeUInt16LE(original.readUInt16LE(before.versions + 2 * index), before.versions + 2 * now);
  }
  for (const { offset, sizeBytes, entryBytes } of relocationsOf(before))
    for (let at = offset; at < offset + sizeBytes; at += entryBytes) {
      const now = moved.get(symbolOf(original, at, layout.wide));
      if (now !== undefined) setSymbol(content, at, layout.wide, now);
    }

  // One bucket: a handful of symbols is left.
  const hashes = order.map(index => gnuHash(before.text(before.nameAt(index))));
  content.fill(0, before.hash, before.chains + 4 * (count - firstExported));
  const shift = 6;
  content.writeUInt32LE(1, before.hash);
  content.writeUInt32LE(firstExported, before.hash + 4);
  content.writeUInt32LE(1, before.hash + 8);
  content.writeUInt32LE(shift, before.hash + 12);
  const bits = 8 * wordBytes;
  for (const hash of hashes)
    for (const bit of [hash % bits, (hash >>> shift) % bits]) {
      const at = before.hash + 16 + (bit >>> 3);
      content.writeUInt8(content.readUInt8(at) | (1 << (bit & 7)), at);
    }
  const buckets = before.hash + 16 + wordBytes;
  content.writeUInt32LE(order.length > 0 ? firstExported : 0, buckets);
  for (const [place, hash] of hashes.entries())
    content.writeUInt32LE(((hash & ~1) | (place === hashes.length - 1 ? 1 : 0)) >>> 0, buckets + 4 + 4 * place);

  const stringBytes = before.value(tags.stringBytes) ?? 0;
  content.fill(0, before.strings, before.strings + stringBytes);
  for (const name of [...otherNames(before), ...order.map(index => before.nameAt(index))]) {
    const at = before.strings + name;
    original.copy(content, at, at, original.indexOf(0, at));
  }
  return content;
}

/**
 * What the builder asks of an ELF file: machine, interpreter, soname, needed libraries and the libraries it may dlopen.
 * Sources: System V gABI chapters 4 and 5; "ELF dlopen metadata" (systemd.io/ELF_DLOPEN_METADATA).
 */

export interface ElfFacts {
  /** `e_machine`: 62 x86-64, 183 AArch64, 40 ARM. */
  readonly machine: number;
  /** `e_flags` */
  readonly flags: number;
  readonly interpreter: string | undefined;
  readonly soname: string | undefined;
  readonly needed: readonly string[];
  /** Sonames from the `.note.dlopen` records, each record a list of alternatives. */
  readonly dlopen: readonly DlopenNote[];
}

export interface DlopenNote {
  readonly soname: readonly string[];
  readonly priority: 'required' | 'recommended' | 'suggested';
}

export function isElf(content: Buffer): boolean {
  return content.length > 20 && content.readUInt32BE(0) === 0x7f454c46;
}

export interface ElfSegment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly sizeBytes: number;
}

export const segmentType = { none: 0, load: 1, dynamic: 2, interpreter: 3, note: 4, unwindIndex: 0x6474e550 } as const;
const dynamicTag = { needed: 1, stringTable: 5, soname: 14 } as const;
const dlopenNoteType = 0x407c0c0a;

/** Where things are in an ELF file, by what the loader reads: program headers and the dynamic section. */
export interface ElfLayout {
  /** 64 bit. */
  readonly wide: boolean;
  readonly segments: readonly ElfSegment[];
  /** Where a segment's program header is in the file, by its place in `segments`. */
  headerOffset(index: number): number;
  /** The dynamic section's entries, without the one that ends it. */
  readonly tags: readonly { readonly tag: number; readonly value: number }[];
  /** An address's place in the file; -1 if no part of the file is loaded there. */
  fileOffset(address: number): number;
}

/** Little-endian 32- and 64-bit ELF. @returns undefined if it is no such file. */
export function elfLayout(content: Buffer): ElfLayout | undefined {
  if (!isElf(content) || content[5] !== 1) return undefined;
  const wide = content[4] === 2;
  const word = (at: number): number => (wide ? Number(content.readBigUInt64LE(at)) : content.readUInt32LE(at));
  const wordBytes = wide ? 8 : 4;
  const programOffset = word(wide ? 0x20 : 0x1c);
  const entryBytes = content.readUInt16LE(wide ? 0x36 : 0x2a);
  const entries = content.readUInt16LE(wide ? 0x38 : 0x2c);
  const segments: ElfSegment[] = [];
  for (let index = 0; index < entries; index++) {
    const at = programOffset + index * entryBytes;
    segments.push({
      type: content.readUInt32LE(at),
      offset: word(at + (wide ? 8 : 4)),
      address: word(at + (wide ? 16 : 8)),
      sizeBytes: word(at + (wide ? 32 : 16)),
    });
  }
  const fileOffset = (address: number): number => {
    const segment = segments.find(
      ({ type, address: start, sizeBytes }) =>
        type === segmentType.load && address >= start && address < start + sizeBytes,
    );
    return segment ? address - segment.address + segment.offset : -1;
  };
  const tags: { tag: number; value: number }[] = [];
  const dynamic = segments.find(({ type }) => type === segmentType.dynamic);
  if (dynamic) {
    for (let at = dynamic.offset; at + 2 * wordBytes <= dynamic.offset + dynamic.sizeBytes; at += 2 * wordBytes) {
      const tag = word(at);
      if (tag === 0) break;
      tags.push({ tag, value: word(at + wordBytes) });
    }
  }
  return { wide, segments, headerOffset: index => programOffset + index * entryBytes, tags, fileOffset };
}

/** Little-endian 32- and 64-bit ELF. @returns undefined if it is no ELF file. */
export function readElf(content: Buffer): ElfFacts | undefined {
  const layout = elfLayout(content);
  if (!layout) return undefined;
  const { wide, segments, tags, fileOffset } = layout;
  const string = (at: number): string => content.toString('utf8', at, content.indexOf(0, at));
  const interpreter = segments.find(({ type }) => type === segmentType.interpreter);
  const table = fileOffset(tags.find(({ tag }) => tag === dynamicTag.stringTable)?.value ?? -1);
  const strings = (wanted: number): string[] =>
    table < 0 ? [] : tags.filter(({ tag }) => tag === wanted).map(({ value }) => string(table + value));
  return {
    machine: content.readUInt16LE(18),
    flags: content.readUInt32LE(wide ? 0x30 : 0x24),
    interpreter: interpreter && string(interpreter.offset),
    soname: strings(dynamicTag.soname)[0],
    needed: strings(dynamicTag.needed),
    dlopen: segments.filter(({ type }) => type === segmentType.note).flatMap(segment => dlopenNotes(content, segment)),
  };
}

function dlopenNotes(content: Buffer, { offset, sizeBytes }: ElfSegment): DlopenNote[] {
  const notes: DlopenNote[] = [];
  const up = (value: number): number => Math.ceil(value / 4) * 4;
  let at = offset;
  while (at + 12 <= offset + sizeBytes) {
    const nameBytes = content.readUInt32LE(at);
    const bodyBytes = content.readUInt32LE(at + 4);
    const body = at + 12 + up(nameBytes);
    if (content.readUInt32LE(at + 8) === dlopenNoteType) {
      const json = content.toString('utf8', body, body + bodyBytes).replace(/\0+$/, '');
      for (const record of JSON.parse(json) as { soname?: string[]; priority?: string }[]) {
        const priority =
          record.priority === 'required' || record.priority === 'suggested' ? record.priority : 'recommended';
        notes.push({ soname: record.soname ?? [], priority });
      }
    }
    at = body + up(bodyBytes);
  }
  return notes;
}

/** What an architecture's loader accepts. */
export interface ElfTarget {
  readonly elfMachine: number;
  readonly elfWrongFlags: number;
}

/** Why a program or library is not for this architecture, in words that go on from its path. */
export function foreign({ machine, flags }: ElfFacts, { elfMachine, elfWrongFlags }: ElfTarget): string | undefined {
  if (machine !== elfMachine) return `is for machine ${machine}, the image is for ${elfMachine}`;
  const wrong = flags & elfWrongFlags;
  if (wrong !== 0) return `is for another ABI: its ELF flags have 0x${wrong.toString(16)}`;
  return undefined;
}

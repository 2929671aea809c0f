/**
 * A library without its unwind tables: what an exception needs to find its way up through functions, one entry for each of them. A library
 * that neither throws nor catches has them for native stack traces alone.
 *
 * The file keeps its length and every address in it: the tables become zeros, which take no room in a compressed file system, and the
 * program header that names them is of no kind any more, so that nobody looks.
 * Sources: Linux Standard Base Core 5.0, chapter 10.6 (`.eh_frame`, `.eh_frame_hdr`); gABI chapter 5 (`PT_NULL`).
 */
import { elfLayout, segmentType } from './elf.ts';
import { symbolNames } from './elf-exports.ts';

/** Imports of what throws, catches, cleans up after an exception or ends a thread by one. */
const unwinds =
  /^(_Unwind_|__cxa_(throw|rethrow|begin_catch)|__gxx_personality|__gcc_personality|pthread_(exit|cancel)$)/;

/** Tables below which a file stays as the package has it. */
const worthwhileBytes = 256 * 1024;

/** `DW_EH_PE_pcrel | DW_EH_PE_sdata4`: an address as a signed distance from where it stands. */
const relativeWord = 0x1b;

/** @returns undefined if it is no library, unwinds, or has little to lose */
export function withoutUnwindTables(original: Buffer): Buffer | undefined {
  const layout = elfLayout(original);
  if (!layout || layout.segments.some(({ type }) => type === segmentType.interpreter)) return undefined;
  const index = layout.segments.findIndex(({ type }) => type === segmentType.unwindIndex);
  const found = layout.segments[index];
  if (!found || original[found.offset] !== 1 || original[found.offset + 1] !== relativeWord) return undefined;
  if ([...symbolNames(original)].some(name => unwinds.test(name))) return undefined;
  const tables = layout.fileOffset(found.address + 4 + original.readInt32LE(found.offset + 4));
  if (tables < 0) return undefined;
  // Each entry begins with its length; one of none ends them.
  let end = tables;
  for (let entryBytes = -1; entryBytes !== 0; end += 4 + entryBytes) {
    if (end + 4 > original.length) return undefined;
    entryBytes = original.readUInt32LE(end);
    if (entryBytes === 0xffffffff) return undefined;
  }
  if (end > original.length || end - tables < worthwhileBytes) return undefined;
  const content = Buffer.from(original);
  content.fill(0, found.offset, found.offset + found.sizeBytes);
  content.fill(0, tables, end);
  content.writeUInt32LE(segmentType.none, layout.headerOffset(index));
  return content;
}

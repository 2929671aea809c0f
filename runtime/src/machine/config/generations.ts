/**
 * What has been configured, kept so that a power cut at any moment leaves the old or the new, never a mixture:
 *
 * ```
 * <base>/generations/<n>/   one configuration: sources/<source>/<document> as they came, and what they were made into (stage.ts)
 * <base>/current            a link to the generation in force
 * <base>/refusals/<n>/      what was refused last: sources/, status.json
 * <base>/refused            a link to it, while nothing better has come
 * ```
 *
 * Invariants: a tree is complete and synced before a link leads to it, and never written again; a link is only ever renamed over
 * or removed; a folder no link leads to is an older generation, or the rest of a cut, and may go at any time. Everything is the
 * superuser's alone, as it may hold secrets.
 */
import * as nodeFs from 'node:fs';
import { dirname, join } from 'node:path';

export const configBase = '/var/lib/atoll/config';

/** The system calls a generation is stored with; a test cuts between any two of them. */
export type SystemCalls = Pick<
  typeof nodeFs,
  | 'mkdirSync'
  | 'openSync'
  | 'writeSync'
  | 'fchmodSync'
  | 'fsyncSync'
  | 'closeSync'
  | 'symlinkSync'
  | 'renameSync'
  | 'unlinkSync'
  | 'rmdirSync'
  | 'readdirSync'
  | 'readlinkSync'
>;

/** A file of a tree: its path in it, content, permission bits. */
export interface TreeFile {
  readonly path: string;
  readonly content: Buffer;
  readonly mode: number;
}

/** Kept, the one in force among them: those before are for a person to look at. */
const KEPT = 3;

const places = {
  generation: { folder: 'generations', link: 'current', kept: KEPT },
  refusal: { folder: 'refusals', link: 'refused', kept: 1 },
} as const;
type Kind = keyof typeof places;

/** Stores a tree and makes it the one in force. @returns its number. @throws what the file system says; the old one stays then. */
export function storeTree(base: string, kind: Kind, files: readonly TreeFile[], calls: SystemCalls = nodeFs): number {
  const { folder, link, kept } = places[kind];
  makeFolder(calls, base);
  makeFolder(calls, join(base, folder));
  const inForce = linked(base, kind, calls);
  const numbers = numbersIn(calls, join(base, folder));
  // What is newer than the one in force is the rest of a cut.
  const left = numbers.filter(n => n > (inForce ?? 0));
  for (const n of left) removeTree(calls, join(base, folder, String(n)));
  const number = (inForce ?? Math.max(0, ...numbers.filter(n => !left.includes(n)))) + 1;
  writeTree(calls, join(base, folder, String(number)), files);
  syncFolder(calls, join(base, folder));
  const temporary = join(base, `.${link}.new`);
  removeFile(calls, temporary);
  calls.symlinkSync(`${folder}/${number}`, temporary);
  calls.renameSync(temporary, join(base, link));
  syncFolder(calls, base);
  for (const n of numbers.filter(older => older <= number - kept)) removeTree(calls, join(base, folder, String(n)));
  return number;
}

/** Nothing is refused any more: what was is forgotten. */
export function forgetRefusal(base: string, calls: SystemCalls = nodeFs): void {
  if (linked(base, 'refusal', calls) === undefined) return;
  removeFile(calls, join(base, places.refusal.link));
  syncFolder(calls, base);
}

/** The number the link leads to. */
export function linked(
  base: string,
  kind: Kind,
  calls: Pick<SystemCalls, 'readlinkSync'> = nodeFs,
): number | undefined {
  const { folder, link } = places[kind];
  try {
    const [, number] = new RegExp(`^${folder}/(\\d+)$`).exec(String(calls.readlinkSync(join(base, link)))) ?? [];
    return number === undefined ? undefined : Number(number);
  } catch {
    return undefined;
  }
}

/** The folder of the tree in force. */
export function linkedFolder(base: string, kind: Kind): string | undefined {
  const number = linked(base, kind);
  return number === undefined ? undefined : join(base, places[kind].folder, String(number));
}

function writeTree(calls: SystemCalls, root: string, files: readonly TreeFile[]): void {
  const folders = new Set<string>();
  for (const { path } of files)
    for (let at = dirname(path); at !== '.' && at !== '/'; at = dirname(at)) folders.add(at);
  calls.mkdirSync(root, { mode: 0o700 });
  const sorted = [...folders].sort();
  // Folders below etc/ are copied with their modes.
  for (const folder of sorted) makeFolder(calls, join(root, folder), 0o755);
  for (const { path, content, mode } of files) writeFile(calls, join(root, path), content, mode);
  for (const folder of sorted.reverse()) syncFolder(calls, join(root, folder));
  syncFolder(calls, root);
}

function writeFile(calls: SystemCalls, path: string, content: Buffer, mode: number): void {
  const fd = calls.openSync(path, 'wx', 0o600);
  try {
    for (let at = 0; at < content.length; ) at += calls.writeSync(fd, content, at, content.length - at);
    calls.fchmodSync(fd, mode);
    calls.fsyncSync(fd);
  } finally {
    calls.closeSync(fd);
  }
}

/** A folder, durably; its mode is exact, whatever the umask. */
function makeFolder(calls: SystemCalls, path: string, mode = 0o700): void {
  try {
    calls.mkdirSync(path, { mode });
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    if (codeOf(error) !== 'ENOENT') throw error;
    makeFolder(calls, dirname(path));
    calls.mkdirSync(path, { mode });
  }
  const fd = calls.openSync(path, 'r');
  try {
    calls.fchmodSync(fd, mode);
  } finally {
    calls.closeSync(fd);
  }
  syncFolder(calls, dirname(path));
}

function syncFolder(calls: SystemCalls, path: string): void {
  const fd = calls.openSync(path, 'r');
  try {
    calls.fsyncSync(fd);
  } finally {
    calls.closeSync(fd);
  }
}

function removeTree(calls: SystemCalls, root: string): void {
  for (const entry of calls.readdirSync(root, { withFileTypes: true })) {
    const path = join(root, entry.name);
    if (entry.isDirectory()) removeTree(calls, path);
    else removeFile(calls, path);
  }
  calls.rmdirSync(root);
}

function removeFile(calls: SystemCalls, path: string): void {
  try {
    calls.unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

function numbersIn(calls: SystemCalls, folder: string): number[] {
  return calls
    .readdirSync(folder, { withFileTypes: true })
    .flatMap(({ name }) => (/^\d+$/.test(name) ? [Number(name)] : []))
    .sort((a, b) => a - b);
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

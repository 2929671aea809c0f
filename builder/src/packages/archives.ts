/**
 * Package archives by content: fetched and checked against the signed index's hash, then kept as plain tar, so that any file
 * of a package can be read in place.
 *
 * Always true of `<cache>/archives`: `<sha256 of the .deb>.<sha256 of the tar>.tar` is the complete data archive of that .deb
 * (made by rename); the .deb itself is not kept. Whoever uses an archive asks `ensureArchives` first, which reads every byte
 * and fetches anew what is no longer what its name says.
 */
import { createWriteStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { BuildError, isNoSpace } from '../errors.ts';
import { hashFile } from '../files.ts';
import { readTarIndex, type TarMember } from '../formats/tar.ts';
import { tool } from '../tools.ts';
import { makeTemporary } from '../workspace.ts';
import { type ResolvedPackage, readPackages } from './resolve.ts';

export interface ArchiveContext {
  readonly cache: string;
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
  /** A line the person should see and that stays. */
  readonly warn: (text: string) => void;
}

const folderOf = (cache: string): string => join(cache, 'archives');

/** The archives at hand: hash of the .deb → path and hash of its tar. */
async function kept(cache: string): Promise<Map<string, { path: string; sha256: string }>> {
  const found = new Map<string, { path: string; sha256: string }>();
  for (const name of await readdir(folderOf(cache))) {
    const [, deb, sha256] = /^([0-9a-f]{64})\.([0-9a-f]{64})\.tar$/.exec(name) ?? [];
    if (deb && sha256) found.set(deb, { path: join(folderOf(cache), name), sha256 });
  }
  return found;
}

/** How many archives one apt-helper call fetches. */
const batchSize = 24;

async function fetchBatch(
  batch: readonly ResolvedPackage[],
  directory: string,
  context: ArchiveContext,
): Promise<void> {
  const triples = batch.flatMap(({ url, sha256 }) => [url, join(directory, `${sha256}.deb`), `SHA256:${sha256}`]);
  const settings = ['-o', 'APT::Sandbox::User=root', '-o', 'Acquire::Retries=3', '-o', 'Acquire::http::Timeout=30'];
  try {
    await tool(['/usr/lib/apt/apt-helper', ...settings, 'download-file', ...triples], {
      binds: [directory],
      signal: context.signal,
    });
  } catch (cause) {
    if (isNoSpace(cause) || context.signal.aborted) throw cause;
    const tail = cause instanceof BuildError ? (cause.tail ?? '') : '';
    const mismatch = /Hash Sum mismatch/i.test(tail);
    throw new BuildError(
      mismatch ? 'HASH_MISMATCH' : 'ARCHIVE_UNREACHABLE',
      mismatch ? 'a package archive is not the one the signed index names' : 'package archives cannot be fetched',
      {
        tail,
        cause,
        hint: mismatch
          ? 'The mirror is inconsistent: try again later, or another ATOLL_DEBIAN_MIRROR.'
          : 'Check the network; run the build with --update if Debian published new versions.',
      },
    );
  }
}

async function unpack(archive: ResolvedPackage, directory: string, context: ArchiveContext): Promise<void> {
  const deb = join(directory, `${archive.sha256}.deb`);
  if ((await hashFile(deb)) !== archive.sha256) {
    throw new BuildError(
      'HASH_MISMATCH',
      `the archive of ${archive.name} ${archive.version} does not have the hash of the signed index`,
    );
  }
  const tar = join(directory, `${archive.sha256}.tar`);
  await tool(['dpkg-deb', '--fsys-tarfile', deb], {
    readOnly: [deb],
    output: createWriteStream(tar),
    signal: context.signal,
  });
  await rename(tar, join(folderOf(context.cache), `${archive.sha256}.${await hashFile(tar)}.tar`));
  await rm(deb);
}

/** Makes every package's tar be in the cache, whole. @throws BuildError ARCHIVE_UNREACHABLE, HASH_MISMATCH, NO_SPACE. */
export async function ensureArchives(packages: readonly ResolvedPackage[], context: ArchiveContext): Promise<void> {
  await mkdir(folderOf(context.cache), { recursive: true });
  const missing: ResolvedPackage[] = [];
  const now = new Date();
  const present = await kept(context.cache);
  for (const archive of packages) {
    const found = present.get(archive.sha256);
    if (found && (await hashFile(found.path)) === found.sha256) await utimes(found.path, now, now);
    else {
      missing.push(archive);
      if (!found) continue;
      context.warn(`the cached archive of ${archive.name} ${archive.version} was damaged; fetching it again`);
      await rm(found.path, { force: true });
    }
  }
  if (missing.length === 0) return;
  const directory = await makeTemporary(join(context.cache, 'tmp'));
  try {
    let done = 0;
    for (let at = 0; at < missing.length; at += batchSize) {
      const batch = missing.slice(at, at + batchSize);
      context.note(`${done}/${missing.length} packages`);
      await fetchBatch(batch, directory, context);
      for (const archive of batch) {
        await unpack(archive, directory, context);
        context.note(`${++done}/${missing.length} packages`);
      }
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Archives of versions that Debian has replaced are kept so long after their last use. */
const unusedDays = 90;

/** Removes archives that nothing has used for {@link unusedDays} days and no kept list of packages names. @param lists `packages.json` of steps */
export async function pruneArchives(cache: string, lists: readonly string[]): Promise<void> {
  const named = new Set<string>();
  // Another build may be removing what it no longer needs, too: what is not there names nothing, and is not to be removed.
  for (const list of lists) for (const { sha256 } of await readPackages(list).catch(() => [])) named.add(sha256);
  const since = Date.now() - unusedDays * 24 * 3600_000;
  for (const [deb, { path }] of await kept(cache)) {
    const lastUsed = await stat(path).catch(() => undefined);
    if (lastUsed && lastUsed.mtimeMs < since && !named.has(deb)) await rm(path, { force: true });
  }
}

/** A package's files, readable in place. Close it. */
export interface OpenArchive {
  readonly archive: ResolvedPackage;
  readonly members: readonly TarMember[];
  read(member: TarMember): Promise<Buffer>;
  close(): Promise<void>;
}

export async function openArchive(archive: ResolvedPackage, cache: string): Promise<OpenArchive> {
  const found = (await kept(cache)).get(archive.sha256);
  if (!found) throw new BuildError('STEP_BROKEN', `the archive of ${archive.name} vanished from the cache`);
  const handle: FileHandle = await open(found.path, 'r');
  try {
    const members = await readTarIndex(handle);
    return {
      archive,
      members,
      async read(member) {
        const content = Buffer.alloc(member.sizeBytes);
        const { bytesRead } = await handle.read(content, 0, member.sizeBytes, member.offset);
        if (bytesRead !== member.sizeBytes)
          throw new Error(`the archive of ${archive.name} ends inside ${member.path}`);
        return content;
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The file of a package at this path (links are followed), or whose path matches. @throws BuildError STEP_BROKEN if there is none. */
export async function fileOf(opened: OpenArchive, path: string | RegExp): Promise<{ path: string; content: Buffer }> {
  const { archive, members } = opened;
  const wanted = typeof path === 'string' ? followed(members, path) : path;
  const member = members.find(
    one => one.type === 'file' && (typeof wanted === 'string' ? one.path === wanted : wanted.test(one.path)),
  );
  if (!member) throw new BuildError('STEP_BROKEN', `${archive.name} ${archive.version} has no file ${path}`);
  return { path: member.path, content: await opened.read(member) };
}

/** The same of a package that is not open. */
export async function readFromArchive(
  archive: ResolvedPackage,
  path: string | RegExp,
  context: ArchiveContext,
): Promise<{ path: string; content: Buffer }> {
  await ensureArchives([archive], context);
  const opened = await openArchive(archive, context.cache);
  try {
    return await fileOf(opened, path);
  } finally {
    await opened.close();
  }
}

/** Where the links of a package lead, from a path in it. */
function followed(members: readonly TarMember[], path: string): string {
  const seen = new Set<string>();
  for (let at = path; ; ) {
    const link = members.find(one => one.type === 'symlink' && one.path === at);
    if (!link || seen.has(at)) return at;
    seen.add(at);
    at = link.target.startsWith('/') ? link.target.slice(1) : posix.join(posix.dirname(at), link.target);
  }
}

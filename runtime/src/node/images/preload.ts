/**
 * Images that are to be there before pods want them: archives in a folder (K3s' air-gap images: `.tar`, `.tar.gz`, `.tar.zst`), names in
 * lists in that folder (`.txt`, one a line), and what the configuration names. All are pinned: never collected as garbage.
 *
 * Always true: an archive that is recorded as imported is, with all its images, until one of them is gone or the archive changes;
 * one that cannot be imported is told once with the reason and does not hold up the others, nor the node; a name that cannot be
 * pulled is tried again, ever more seldom. Nothing runs while nothing changes.
 */
import { execFile } from 'node:child_process';
import { type FSWatcher, watch } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { type Clock, delay } from '../../lib/clock.ts';
import { hasCode, makeDirectory, readFileIfExists, writeFileAtomic } from '../../lib/files.ts';
import type { Logger } from '../../lib/log.ts';
import { type CriClient, isRuntimeDown } from '../cri/client.ts';
import { PINNED, seenByCri } from './builtin.ts';
import { nodeCredentials, type Registries } from './registries.ts';
import { importArchive, labelImage } from './transfer.ts';

const run = promisify(execFile);

const ARCHIVE = /\.(tar|tar\.gz|tgz|tar\.zst|tzst)$/;
const RUNTIME_RETRY_MS = 500;
/** A file that is being copied changes all the time. */
const SETTLE_MS = 1000;
const FIRST_RETRY_MS = 5_000;
const LAST_RETRY_MS = 10 * 60_000;

export interface PreloadOptions {
  readonly cri: CriClient;
  /** Made when it is not there. */
  readonly folder: string;
  /** Names to pull, and absolute paths of archives. */
  readonly images: readonly string[];
  /** File that says what has been imported. */
  readonly record: string;
  readonly registries: Registries;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told of every change: what is wrong with an archive or an image, by its name; empty when nothing is. */
  readonly onProblems?: (problems: Readonly<Record<string, string>>) => void;
}

export interface Preloaded {
  /** Why the node is not to be Ready yet: archives are being imported for the first time in this boot. */
  pending(): string | undefined;
  /** Archives have been looked at once; never rejects. */
  readonly settled: Promise<void>;
}

/** What is kept of an imported archive. */
interface Imported {
  readonly size: number;
  readonly mtimeMs: number;
  readonly images: readonly string[];
}

export function preloadImages(options: PreloadOptions): Preloaded {
  const preload = new Preload(options);
  return { pending: () => preload.pending, settled: preload.start() };
}

class Preload {
  pending: string | undefined;
  readonly #options: PreloadOptions;
  #record: Record<string, Imported> = {};
  readonly #problems = new Map<string, string>();
  /** Archives that are broken as they are: not tried again until they change. */
  readonly #refused = new Map<string, string>();
  readonly #pulling = new Set<string>();
  /** Changes of the folder so far, and how many there had been when it was looked at last: one in the middle of a look counts. */
  #changes = 0;
  #lookedAt = 0;
  #wake: () => void = () => undefined;

  constructor(options: PreloadOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { folder, record, logger, signal } = this.#options;
    try {
      await makeDirectory(folder, 0o755);
      this.#record = parseRecord(await readFileIfExists(record));
      this.#watch();
      await this.#look();
    } catch (error) {
      if (!signal.aborted) logger.error({ err: error, folder }, 'the images to preload are not looked at');
    } finally {
      this.pending = undefined;
    }
    this.#follow().catch(error => {
      if (!signal.aborted) logger.error({ err: error, folder }, 'the folder of images is no longer followed');
    });
  }

  #watch(): void {
    const { folder, signal } = this.#options;
    const watcher: FSWatcher = watch(folder, () => {
      this.#changes++;
      this.#wake();
    });
    watcher.on('error', () => watcher.close());
    const stop = (): void => {
      watcher.close();
      this.#wake();
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  }

  /** Looks again when the folder has changed and is quiet. */
  async #follow(): Promise<void> {
    const { signal, clock } = this.#options;
    while (!signal.aborted) {
      await this.#changedSince(this.#lookedAt);
      for (let quiet = false; !quiet && !signal.aborted; ) {
        const waited = new AbortController();
        quiet = await Promise.race([
          this.#changedSince(this.#changes).then(() => false),
          delay(SETTLE_MS, AbortSignal.any([signal, waited.signal]), clock).then(() => true),
        ]);
        waited.abort();
      }
      if (!signal.aborted) await this.#look();
    }
  }

  /** When the folder has changed after that many changes, or it is over. */
  #changedSince(changes: number): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve;
      if (this.#changes !== changes || this.#options.signal.aborted) resolve();
    });
  }

  async #look(): Promise<void> {
    const { folder, images, signal } = this.#options;
    this.#lookedAt = this.#changes;
    const names = (await readdir(folder)).filter(name => !name.startsWith('.')).sort();
    const archives = [
      ...names.filter(name => ARCHIVE.test(name)).map(name => join(folder, name)),
      ...images.filter(image => image.startsWith('/')),
    ];
    const wanted = new Set(images.filter(image => !image.startsWith('/')));
    for (const name of names.filter(name => name.endsWith('.txt')))
      for (const line of (await readFile(join(folder, name), 'utf8').catch(() => '')).split('\n'))
        if (line.trim() !== '' && !line.startsWith('#')) wanted.add(line.trim());
    for (const problem of this.#problems.keys())
      if (!archives.includes(problem) && !wanted.has(problem)) this.#solved(problem);
    for (const archive of archives) {
      if (signal.aborted) return;
      await this.#archive(archive);
    }
    for (const name of wanted) void this.#pull(name);
  }

  /** Imports it unless it is; a failure is told. Waits for containerd. */
  async #archive(path: string): Promise<void> {
    const { cri, logger, signal, clock } = this.#options;
    while (!signal.aborted) {
      try {
        const found = await stat(path);
        const version = `${found.size} ${found.mtimeMs}`;
        if (this.#refused.get(path) === version || (await this.#isImported(path, found))) return;
        this.pending = `the images of ${basename(path)} are being imported`;
        try {
          const images = await importArchive({ socket: cri.socket, archive: path, labels: PINNED, signal });
          if (images.length === 0) throw new Error(`${path} holds no image with a name`);
          for (const name of images) await seenByCri(cri, name, signal);
          await this.#keep(path, { size: found.size, mtimeMs: found.mtimeMs, images });
          logger.info({ archive: path, images }, 'imported the images of an archive');
          this.#solved(path);
        } catch (error) {
          if (signal.aborted || isRuntimeDown(error) || (await isDown(cri))) throw error;
          this.#refused.set(path, version);
          this.#problem(path, whyOf(error));
        }
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (hasCode(error, 'ENOENT')) {
          // Gone while we looked; one that the configuration names should be there.
          if (this.#options.images.includes(path)) this.#problem(path, 'there is no such file');
          return;
        }
        if (!isRuntimeDown(error) && !(await isDown(cri))) {
          this.#problem(path, whyOf(error));
          return;
        }
        this.pending = 'containerd is not up yet';
        await delay(RUNTIME_RETRY_MS, signal, clock);
      }
    }
  }

  async #isImported(path: string, { size, mtimeMs }: { size: number; mtimeMs: number }): Promise<boolean> {
    const known = this.#record[path];
    if (known?.size !== size || known.mtimeMs !== mtimeMs) return false;
    const present = await Promise.all(known.images.map(name => this.#options.cri.imageStatus(name)));
    return present.every(image => image !== undefined);
  }

  async #keep(path: string, imported: Imported): Promise<void> {
    const { record, signal } = this.#options;
    this.#record = { ...this.#record, [path]: imported };
    // The record must not reach the disk before what it stands for.
    await run('sync', [], { signal });
    await writeFileAtomic(record, `${JSON.stringify(this.#record)}\n`, { mode: 0o600 });
  }

  /** Until it is there. */
  async #pull(name: string): Promise<void> {
    if (this.#pulling.has(name)) return;
    this.#pulling.add(name);
    const { cri, registries, logger, signal, clock } = this.#options;
    for (let waitMs = FIRST_RETRY_MS; !signal.aborted; waitMs = Math.min(waitMs * 2, LAST_RETRY_MS)) {
      try {
        let image = await cri.imageStatus(name);
        if (!image) {
          await pullWith(cri, name, registries, signal);
          logger.info({ image: name }, 'pulled an image ahead');
          image = await cri.imageStatus(name);
        }
        // CRI's name of it is the full one.
        for (const tag of image?.pinned ? [] : (image?.repoTags ?? [])) await labelImage(cri.socket, tag, PINNED);
        this.#solved(name);
        break;
      } catch (error) {
        if (signal.aborted) break;
        this.#problem(name, `cannot be pulled yet: ${textOf(error)}`);
        await delay(waitMs, signal, clock);
      }
    }
    this.#pulling.delete(name);
  }

  #problem(what: string, why: string): void {
    const { logger, onProblems } = this.#options;
    if (this.#problems.get(what) === why) return;
    this.#problems.set(what, why);
    logger.error({ image: what, reason: why }, 'an image is not there');
    onProblems?.(Object.fromEntries(this.#problems));
  }

  #solved(what: string): void {
    if (this.#problems.delete(what)) this.#options.onProblems?.(Object.fromEntries(this.#problems));
  }
}

async function pullWith(cri: CriClient, name: string, registries: Registries, signal: AbortSignal): Promise<void> {
  const candidates = nodeCredentials(registries, name);
  let failure: unknown;
  for (const auth of candidates.length > 0 ? candidates : [undefined]) {
    try {
      await cri.pullImage(name, auth, { signal });
      return;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

const isDown = (cri: CriClient): Promise<boolean> =>
  cri.version().then(
    () => false,
    () => true,
  );

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** With what to do about it. */
function whyOf(error: unknown): string {
  const text = textOf(error);
  if (
    /unexpected EOF|failed to (copy|extract)|content digest .* not found|corrupt|invalid (tar )?header|checksum/i.test(
      text,
    )
  )
    return `${text}: the archive is cut short or damaged, copy it again`;
  if (/unrecognized image format|no such file or directory/i.test(text))
    return `${text}: it is no archive of images (docker save, ctr images export)`;
  if (/no space left/i.test(text)) return `${text}: the disk is full`;
  return text;
}

function parseRecord(content: Buffer | undefined): Record<string, Imported> {
  try {
    return content ? (JSON.parse(content.toString('utf8')) as Record<string, Imported>) : {};
  } catch {
    return {};
  }
}

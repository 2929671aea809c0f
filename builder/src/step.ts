/**
 * A step is a module with declared inputs and outputs; its result is kept in the cache under the hash of its inputs and its
 * own source, so that a build does only what changed.
 *
 * Always true of the cache (`<cache>/steps/<step>/<key>/`):
 * - an entry appears by one rename, complete, with `step.json` listing every output's hash and size;
 * - an entry's key covers the content of its inputs (files by hash, never by path) and the step's source; a step whose
 *   folders were written to while it ran leaves no entry;
 * - the newest `keptEntries` entries of a step stay, more as long as all that stay are small, and what the last build of each image used
 *   (`<cache>/last-builds/<image>.json`) if it was in the last {@link imageDays} days; the others are removed after a successful build.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { BuildError, explain, explainTool, interrupted } from './errors.ts';
import { canonicalJson, type FileRef, fileRef, type TreeRef } from './files.ts';
import type { Progress } from './progress.ts';
import { sourceHash } from './source-hash.ts';
import { makeTemporary } from './workspace.ts';

export interface StepContext {
  /** An empty folder: the step leaves its outputs here, under the names it declares. */
  readonly directory: string;
  /** Scratch space, removed when the step ends. */
  readonly scratch: string;
  /** The builder's cache, for what is content-addressed by itself (package archives). */
  readonly cache: string;
  readonly signal: AbortSignal;
  /** One line of what is happening now. */
  readonly note: (text: string) => void;
  /** A line the person should see and that stays. */
  readonly warn: (text: string) => void;
}

export interface Step<Inputs, Output extends string> {
  readonly name: string;
  /** What the person reads while it runs. */
  readonly title: string;
  /** `import.meta.url` of the step's module. */
  readonly module: string;
  readonly outputs: readonly Output[];
  run(inputs: Inputs, context: StepContext): Promise<void>;
}

export type Outputs<Output extends string> = Readonly<Record<Output, FileRef>>;

export interface StepTiming {
  readonly step: string;
  readonly key: string;
  readonly cached: boolean;
  readonly durationMs: number;
}

export interface StepRunnerOptions {
  readonly cache: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Milliseconds, monotonic. */
  readonly now?: () => number;
}

/** Enough for an image, its wireless sister, and the versions and broken variants that the tests of upgrades make of it. */
const keptEntries = 6;

/** An image that is built once in so many days is built from what changed. */
const imageDays = 30;

/** So many of a step's entries stay if together they take no more: SQLite takes minutes to compile, once an architecture, and has 2 MiB. */
const small = { entries: 48, bytes: 64 * 1024 ** 2 };

/** The key of a step's result: hex, 24 characters. Paths of file and tree references do not count, only their content. */
export function stepKey(name: string, version: string, inputs: unknown): string {
  const withoutPaths = JSON.parse(
    JSON.stringify(inputs, function (this: unknown, key: string, value: unknown) {
      const holder = this as { kind?: unknown; sha256?: unknown };
      const isReference = (holder.kind === 'file' || holder.kind === 'tree') && typeof holder.sha256 === 'string';
      return isReference && key === 'path' ? undefined : value;
    }),
  ) as unknown;
  return createHash('sha256')
    .update(canonicalJson([name, version, withoutPaths]))
    .digest('hex')
    .slice(0, 24);
}

/** The folders among a step's inputs. */
function treesIn(inputs: unknown): TreeRef[] {
  if (typeof inputs !== 'object' || inputs === null) return [];
  if ('kind' in inputs && inputs.kind === 'tree' && 'rehash' in inputs) return [inputs as TreeRef];
  return Object.values(inputs).flatMap(treesIn);
}

interface Record_ {
  readonly outputs: Readonly<Record<string, { sha256: string; sizeBytes: number }>>;
}

/** Milliseconds since 1970; 0 if another build has removed it meanwhile. */
const lastUsed = (entry: string): Promise<number> =>
  stat(entry).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );

/** Bytes of an entry's outputs; a damaged entry has no end of them, and goes first. */
async function recordedBytes(entry: string): Promise<number> {
  try {
    const { outputs } = JSON.parse(await readFile(join(entry, 'step.json'), 'utf8')) as Record_;
    return Object.values(outputs).reduce((sum, output) => sum + output.sizeBytes, 0);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** `<step>/<key>` of each entry that an image was last built from; lists of images that nobody builds any more go. */
async function usedByImages(builds: string): Promise<Set<string>> {
  const used = new Set<string>();
  for (const name of await readdir(builds)) {
    const list = join(builds, name);
    try {
      const isRecent = Date.now() - (await stat(list)).mtimeMs < imageDays * 24 * 3600_000;
      if (!isRecent) await rm(list, { force: true });
      else if (name.endsWith('.json')) for (const entry of JSON.parse(await readFile(list, 'utf8'))) used.add(entry);
    } catch {
      // Removed by another build, or damaged: the image is built anew, once.
    }
  }
  return used;
}

export class StepRunner {
  readonly timings: StepTiming[] = [];
  private readonly options: StepRunnerOptions;
  private readonly now: () => number;
  /** Aborted when one of several steps that run side by side has failed. */
  private readonly stop = new AbortController();

  constructor(options: StepRunnerOptions) {
    this.options = { ...options, signal: AbortSignal.any([options.signal, this.stop.signal]) };
    this.now = options.now ?? (() => performance.now());
  }

  /** Runs the step, or takes its result from the cache. @throws what the step throws; a full disk becomes NO_SPACE. */
  async run<Inputs, Output extends string>(step: Step<Inputs, Output>, inputs: Inputs): Promise<Outputs<Output>> {
    const { progress, cache, signal } = this.options;
    if (signal.aborted) throw interrupted();
    const key = stepKey(step.name, sourceHash(step.module), inputs);
    const entry = join(cache, 'steps', step.name, key);
    const started = this.now();
    const found = await this.find(step, entry);
    if (found) {
      progress.cached(step.name, step.title);
      this.timings.push({ step: step.name, key, cached: true, durationMs: Math.round(this.now() - started) });
      return found;
    }
    const line = progress.start(step.name, step.title);
    const directory = await makeTemporary(join(cache, 'tmp')).catch(error => {
      throw explain(error, step.title, cache);
    });
    try {
      const work = join(directory, 'out');
      const scratch = join(directory, 'scratch');
      await mkdir(work);
      await mkdir(scratch);
      const warn = (text: string): void => progress.say(`warning: ${text}`);
      await step.run(inputs, { directory: work, scratch, cache, signal, note: line.note, warn });
      await this.seal(step, work);
      for (const tree of treesIn(inputs)) {
        if ((await tree.rehash().catch(() => '')) === tree.sha256) continue;
        throw new BuildError('INPUT_CHANGED', `${tree.path} was written to while it was being read`, {
          hint: 'Run the build again.',
        });
      }
      await this.place(step, work, entry, join(directory, 'damaged'));
    } catch (error) {
      line.fail();
      throw signal.aborted ? interrupted(error) : await explainTool(error, step.title, cache);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
    const durationMs = Math.round(this.now() - started);
    line.done();
    this.timings.push({ step: step.name, key, cached: false, durationMs });
    const made = await this.find(step, entry);
    if (!made) throw new BuildError('STEP_BROKEN', `the result of ${step.name} vanished from the cache`);
    return made;
  }

  /** Two lines of steps side by side. If one fails the other is stopped, and the runner with it. @throws what failed first */
  async together<A, B>(one: () => Promise<A>, other: () => Promise<B>): Promise<[A, B]> {
    const failures: unknown[] = [];
    const fail = (error: unknown): never => {
      failures.push(error);
      this.stop.abort();
      throw error;
    };
    const [a, b] = await Promise.allSettled([one().catch(fail), other().catch(fail)]);
    if (a.status === 'rejected' || b.status === 'rejected') throw failures[0];
    return [a.value, b.value];
  }

  /** Removes results that newer ones replaced. @param image what was built: its results stay beside those of others */
  async prune(image: string): Promise<void> {
    const root = join(this.options.cache, 'steps');
    const builds = join(this.options.cache, 'last-builds');
    await mkdir(builds, { recursive: true });
    const own = this.timings.map(({ step, key }) => join(step, key));
    const written = join(builds, `.${image}.${process.pid}`);
    await writeFile(written, `${JSON.stringify(own)}\n`);
    await rename(written, join(builds, `${image}.json`));
    const used = await usedByImages(builds);
    for (const name of await readdir(root).catch(() => [] as string[])) {
      const entries = await Promise.all(
        (await readdir(join(root, name))).map(async key => {
          const entry = join(root, name, key);
          return { entry, used: await lastUsed(entry), sizeBytes: await recordedBytes(entry) };
        }),
      );
      entries.sort((a, b) => b.used - a.used);
      let sizeBytes = 0;
      for (const [index, one] of entries.entries()) {
        sizeBytes += one.sizeBytes;
        const isSmall = index < small.entries && sizeBytes <= small.bytes;
        const isKept = index < keptEntries || isSmall || used.has(relative(root, one.entry));
        if (!isKept) await rm(one.entry, { recursive: true, force: true });
      }
    }
  }

  /** Where this output of a step is, of every result that the cache has. */
  async kept<Output extends string>(step: Step<never, Output>, output: Output): Promise<string[]> {
    const results = join(this.options.cache, 'steps', step.name);
    return (await readdir(results).catch(() => [])).map(key => join(results, key, output));
  }

  private async find<Output extends string>(
    step: Step<never, Output>,
    entry: string,
  ): Promise<Outputs<Output> | undefined> {
    try {
      const record = JSON.parse(await readFile(join(entry, 'step.json'), 'utf8')) as Record_;
      const found: Partial<Record<Output, FileRef>> = {};
      for (const name of step.outputs) {
        const output = record.outputs[name];
        const path = join(entry, name);
        if (!output || (await stat(path)).size !== output.sizeBytes) return undefined;
        found[name] = { kind: 'file', path, ...output };
      }
      await utimes(entry, new Date(), new Date());
      return found as Outputs<Output>;
    } catch {
      return undefined; // Absent, or damaged: make it again.
    }
  }

  /**
   * Puts a result where it is found. Two builds may finish the same step: the results are equal, whoever comes second keeps the first's,
   * which the other may be reading by now. Only a damaged one is moved out of the way.
   */
  private async place(step: Step<never, string>, work: string, entry: string, aside: string): Promise<void> {
    await mkdir(dirname(entry), { recursive: true });
    const isThere = await rename(work, entry).then(
      () => false,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOTEMPTY' || error.code === 'EEXIST') return true;
        throw error;
      },
    );
    if (!isThere || (await this.find(step, entry))) return;
    await rename(entry, aside);
    await rename(work, entry);
  }

  private async seal<Output extends string>(step: Step<never, Output>, directory: string): Promise<void> {
    const outputs: Record<string, { sha256: string; sizeBytes: number }> = {};
    for (const name of step.outputs) {
      const { sha256, sizeBytes } = await fileRef(join(directory, name)).catch(cause => {
        throw new BuildError('STEP_BROKEN', `step ${step.name} did not make its output ${name}`, { cause });
      });
      outputs[name] = { sha256, sizeBytes };
    }
    await writeFile(join(directory, 'step.json'), `${canonicalJson({ outputs })}\n`);
  }
}

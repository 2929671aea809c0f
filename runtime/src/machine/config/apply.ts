/**
 * From documents to a generation: everything is read, checked and rendered before the first byte is stored, and any error leaves
 * the machine as it was (docs/adr/009-configuration.md).
 *
 * Invariants: what is in force was accepted as a whole; what was refused last is kept beside it, so that a boot with the same bytes
 * says so again without looking; the status tells what is in force, never what was wished for.
 */
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AccountFiles, KnownIds } from './accounts.ts';
import { configBase, forgetRefusal, linked, linkedFolder, storeTree, type TreeFile } from './generations.ts';
import { effectiveSources, type Gathered, readGathered, sameDocuments } from './sources/gathered.ts';
import { stage, stageSources } from './stage.ts';
import type { ConfigStatus, SourceSummary } from './status.ts';
import {
  type DocumentName,
  documentNames,
  type Problem,
  type Rendered,
  type SourceDocuments,
  type SourceName,
} from './types.ts';

/** What documents become, or why not: with one error there is nothing. */
export interface Compiled {
  readonly rendered?: Rendered;
  /** meta-data's, or what stands for it. */
  readonly instanceId: string;
  readonly problems: readonly Problem[];
}
/** @param knownIds numbers of users and groups of the generations before */
export type Compile = (sources: readonly SourceDocuments[], accounts: AccountFiles, knownIds: KnownIds) => Compiled;

export interface ApplyOptions {
  readonly base?: string;
  /** Which image renders: a generation of another one is made anew. */
  readonly image: string;
  readonly compile: Compile;
  /** The image's accounts. */
  readonly accounts: () => AccountFiles;
  /** Sources that do not count any more although they are silent. */
  readonly forget?: readonly SourceName[];
  /** Say what would happen, change nothing. */
  readonly dryRun?: boolean;
}

export type Outcome =
  | { readonly kind: 'unchanged'; readonly status: ConfigStatus }
  | {
      readonly kind: 'stored';
      readonly status: ConfigStatus;
      readonly before: string | undefined;
      readonly files: readonly TreeFile[];
    }
  | { readonly kind: 'refused'; readonly status: ConfigStatus };

/** Takes what the sources say now. What is wrong with them, or with storing them, is in the outcome. */
export function takeSources(now: Gathered, options: ApplyOptions): Outcome {
  const { base = configBase, image } = options;
  const before = linkedFolder(base, 'generation');
  const stored = before === undefined ? [] : readGathered(join(before, 'sources')).sources;
  const forgotten = stored.filter(({ source }) => options.forget?.includes(source) === true);
  const kept = stored.filter(source => !forgotten.includes(source));
  const sources = effectiveSources(now.sources, kept);
  const number = linked(base, 'generation');
  const inForce = before === undefined ? undefined : readStatus(before);
  const same =
    before !== undefined &&
    now.problems.length === 0 &&
    forgotten.length === 0 &&
    readText(join(before, 'image'))?.trim() === image &&
    now.sources.every(source =>
      sameDocuments(
        source,
        stored.find(other => other.source === source.source),
      ),
    );
  if (same && inForce) {
    if (options.dryRun !== true) forgetRefusal(base);
    return { kind: 'unchanged', status: inForce };
  }
  const knownIds = before === undefined ? {} : (readJson<KnownIds>(join(before, 'ids.json')) ?? {});
  const { rendered, instanceId, problems } = compiled(now, sources, knownIds, options);
  const refused = (why: readonly Problem[]): Outcome => ({
    kind: 'refused',
    status: {
      state: 'refused',
      ...(number === undefined ? {} : { generation: number }),
      sources: inForce?.sources ?? [],
      problems: why,
      rebootNeeded: [],
    },
  });
  if (rendered === undefined) {
    const outcome = refused(problems);
    if (options.dryRun !== true)
      keepRefusal(base, tree([...stageSources(now.sources), ...errorsOf(now)], image, outcome.status));
    return outcome;
  }
  const staged = stage({ rendered, accounts: options.accounts(), knownIds, instanceId });
  const next = (number ?? 0) + 1;
  const status: ConfigStatus = {
    state: 'applied',
    generation: next,
    sources: summaries(sources),
    problems,
    rebootNeeded: [],
  };
  const files = tree([...stageSources(sources), ...staged], image, status);
  if (options.dryRun !== true) {
    try {
      const given = storeTree(base, 'generation', files);
      if (given !== next) throw new Error(`generation ${given} was made where ${next} was expected`);
      forgetRefusal(base);
    } catch (error) {
      // Not kept as refused: the same bytes are tried again at the next boot.
      return refused([...problems, notStored(base, error)]);
    }
  }
  return { kind: 'stored', status, before, files };
}

const notStored = (base: string, error: unknown): Problem => ({
  severity: 'error',
  path: '',
  message: `cannot be stored in ${base}: ${error instanceof Error ? error.message : String(error)}`,
  hint: 'is the disk full, or damaged? it is tried again at the next boot',
});

/** What is refused is told where it cannot be kept, too; a boot with the same bytes looks again then. */
function keepRefusal(base: string, files: readonly TreeFile[]): void {
  try {
    storeTree(base, 'refusal', files);
  } catch {
    return;
  }
}

function compiled(
  now: Gathered,
  sources: readonly SourceDocuments[],
  knownIds: KnownIds,
  { compile, accounts }: ApplyOptions,
): Compiled {
  if (now.problems.length > 0) return { instanceId: '', problems: now.problems };
  try {
    const result = compile(sources, accounts(), knownIds);
    const refused = result.problems.some(({ severity }) => severity === 'error');
    return refused || result.rendered === undefined ? { instanceId: '', problems: result.problems } : result;
  } catch (error) {
    // A mistake of ours must not cost more than a mistake in the document does.
    const message = `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    return {
      instanceId: '',
      problems: [{ severity: 'error', path: '', message, hint: 'this is a mistake in Atoll: please report it' }],
    };
  }
}

function tree(files: readonly TreeFile[], image: string, status: ConfigStatus): TreeFile[] {
  const text = (path: string, content: string): TreeFile => ({ path, content: Buffer.from(content), mode: 0o600 });
  return [...files, text('image', `${image}\n`), text('status.json', `${JSON.stringify(status)}\n`)];
}

/** A source that could not be read is part of what was refused. */
const errorsOf = ({ problems }: Gathered): TreeFile[] =>
  problems.length === 0
    ? []
    : [{ path: 'unreadable', content: Buffer.from(problems.map(p => `${p.message}\n`).join('')), mode: 0o600 }];

function summaries(sources: readonly SourceDocuments[]): SourceSummary[] {
  return sources.map(({ source, location, documents }) => ({
    source,
    location,
    documents: documentNames.filter((name: DocumentName) => documents[name] !== undefined),
  }));
}

/** Tells everybody: `/run/atoll/config.json`, replaced as a whole. */
export function publishStatus(status: ConfigStatus, runDir = '/run/atoll'): void {
  mkdirSync(runDir, { recursive: true, mode: 0o755 });
  const path = join(runDir, 'config.json');
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify(status)}\n`, { mode: 0o644 });
  chmodSync(temporary, 0o644);
  renameSync(temporary, path);
}

export function readStatus(folder: string): ConfigStatus | undefined {
  return readJson<ConfigStatus>(join(folder, 'status.json'));
}

/** The accounts below a root: the image's, where nothing has been added. */
export function readAccounts(root: string): AccountFiles {
  const read = (name: string): string => readText(join(root, 'etc', name)) ?? '';
  return { passwd: read('passwd'), group: read('group'), shadow: read('shadow'), gshadow: read('gshadow') };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function readJson<T>(path: string): T | undefined {
  const text = readText(path);
  try {
    return text === undefined ? undefined : (JSON.parse(text) as T);
  } catch {
    return undefined;
  }
}

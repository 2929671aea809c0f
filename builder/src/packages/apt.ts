/**
 * A private apt: its own sources, index and idea of what is installed, run from the tools tree as an ordinary user. Signatures
 * are checked by apt against Debian's keyring; nothing of the host's apt is read.
 *
 * Always true: the folder belongs to one (architecture, suites, mirror); an index is replaced by apt only when it is complete
 * and its signature holds; whoever touches the folder holds its lock.
 */
import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildError, isNoSpace } from '../errors.ts';
import { parseStanzas, type Stanza } from '../formats/deb822.ts';
import type { RunResult } from '../process.ts';
import { tool } from '../tools.ts';

export const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
/** Where packages come from; `ATOLL_DEBIAN_MIRROR` and `ATOLL_DEBIAN_SECURITY_MIRROR` name nearer ones. */
export const defaultMirrors = {
  main: 'http://deb.debian.org/debian',
  security: 'http://deb.debian.org/debian-security',
} as const;

export interface AptSources {
  /** Debian's architecture name. */
  readonly architecture: string;
  readonly suites: readonly string[];
  /** Parts of each suite: `main`, `non-free-firmware`. */
  readonly components: readonly string[];
  readonly mirrors: { readonly main: string; readonly security: string };
}

export function mirrorsFrom(env: NodeJS.ProcessEnv): AptSources['mirrors'] {
  return {
    main: env.ATOLL_DEBIAN_MIRROR || defaultMirrors.main,
    security: env.ATOLL_DEBIAN_SECURITY_MIRROR || defaultMirrors.security,
  };
}

/** `sources.list` lines, each tied to Debian's keyring. */
export function sourcesList({ suites, components, mirrors }: AptSources): string {
  return suites
    .map(
      suite =>
        `deb [signed-by=${keyring}] ${suite.endsWith('-security') ? mirrors.security : mirrors.main} ${suite} ${components.join(' ')}\n`,
    )
    .join('');
}

/** Caches that share the folder by a link write the same `apt.conf`. */
function realFolder(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** How apt says that a release file is not what Debian signed (apt-secure(8)). */
const signatureProblem =
  /not signed|signatures? (?:were|was) invalid|BADSIG|NO_PUBKEY|NODATA|Splitting up|signature verification failed/i;

export class PrivateApt {
  readonly directory: string;
  private readonly sources: AptSources;
  private readonly signal: AbortSignal;

  /** @param cache the builder's cache folder. */
  constructor(cache: string, sources: AptSources, signal: AbortSignal) {
    const identity = createHash('sha256').update(sourcesList(sources)).digest('hex').slice(0, 8);
    this.directory = join(realFolder(join(cache, 'apt')), `${sources.architecture}-${identity}`);
    this.sources = sources;
    this.signal = signal;
  }

  private async prepare(): Promise<void> {
    const at = this.directory;
    for (const name of ['lists/partial', 'cache', 'none/partial', 'parts'])
      await mkdir(join(at, name), { recursive: true });
    await writeFile(join(at, 'sources.list'), sourcesList(this.sources));
    await writeFile(join(at, 'empty'), '');
    const settings = [
      `Dir::Etc::sourcelist "${at}/sources.list";`,
      `Dir::Etc::sourceparts "${at}/parts";`,
      `Dir::Etc::preferencesparts "${at}/parts";`,
      `Dir::Etc::preferences "${at}/empty";`,
      `Dir::State::lists "${at}/lists";`,
      `Dir::State::status "${at}/empty";`,
      `Dir::State::extended_states "${at}/extended_states";`,
      `Dir::Cache "${at}/cache";`,
      `Dir::Cache::archives "${at}/none";`,
      `APT::Architecture "${this.sources.architecture}";`,
      `APT::Architectures { "${this.sources.architecture}"; };`,
      'APT::Sandbox::User "root";',
      'APT::Install-Recommends "false";',
      'APT::Update::Error-Mode "any";',
      'Acquire::Languages "none";',
      'Acquire::Retries "3";',
      'Acquire::http::Timeout "20";',
    ];
    await writeFile(join(at, 'apt.conf'), `${settings.join('\n')}\n`);
  }

  /** Runs an apt program in the private root, holding its lock. @param readOnly files and folders it also sees. */
  async apt(argv: readonly [string, ...string[]], readOnly: readonly string[] = []): Promise<RunResult> {
    const env = { APT_CONFIG: join(this.directory, 'apt.conf') };
    const locked: [string, ...string[]] = ['flock', '--timeout', '300', join(this.directory, 'lock'), ...argv];
    return tool(locked, { binds: [this.directory], readOnly, env, signal: this.signal, title: argv[0] });
  }

  private async indexes(): Promise<string[]> {
    const names = await readdir(join(this.directory, 'lists')).catch(() => [] as string[]);
    return names.filter(name => name.endsWith('_InRelease')).sort();
  }

  /** Milliseconds since the oldest index was fetched; undefined if one is missing. */
  async age(now: number = Date.now()): Promise<number | undefined> {
    const found = await this.indexes();
    if (found.length < this.sources.suites.length) return undefined;
    const times = await Promise.all(found.map(async () => (await stat(join(this.directory, 'updated'))).mtimeMs));
    return now - Math.min(...times);
  }

  /**
   * Fetches the index if there is none or it is older than `maximumAgeMs`.
   * @returns a warning, when the archive cannot be reached and the index at hand is used instead.
   * @throws BuildError ARCHIVE_UNREACHABLE if there is no index to fall back on; SIGNATURE_INVALID or HASH_MISMATCH, whatever is at hand.
   */
  async refresh(maximumAgeMs: number): Promise<string | undefined> {
    await this.prepare();
    const age = await this.age().catch(() => undefined);
    if (age !== undefined && age < maximumAgeMs) return undefined;
    try {
      await this.apt(['apt-get', '-q', 'update']);
      await writeFile(join(this.directory, 'updated'), '');
      return undefined;
    } catch (cause) {
      if (isNoSpace(cause) || this.signal.aborted) throw cause;
      const tail = cause instanceof BuildError ? cause.tail : undefined;
      const { main } = this.sources.mirrors;
      if (signatureProblem.test(tail ?? '')) {
        throw new BuildError('SIGNATURE_INVALID', `the package index of ${main} does not carry Debian's signature`, {
          hint: 'Something on the way changes it, or ATOLL_DEBIAN_MIRROR is no Debian mirror. Nothing of it was used.',
          cause,
          ...(tail === undefined ? {} : { tail }),
        });
      }
      if (/hash sum mismatch|unexpected size/i.test(tail ?? '')) {
        throw new BuildError('HASH_MISMATCH', `an index of ${main} is not the one its signed release file names`, {
          hint: 'The mirror is inconsistent: try again later, or another ATOLL_DEBIAN_MIRROR.',
          cause,
          ...(tail === undefined ? {} : { tail }),
        });
      }
      if (age !== undefined)
        return `Debian's archive cannot be reached; using the index from ${Math.round(age / 3_600_000)} h ago`;
      throw new BuildError(
        'ARCHIVE_UNREACHABLE',
        `the package index of ${this.sources.suites.join(', ')} cannot be fetched`,
        {
          hint: `Check the network and ${main}; ATOLL_DEBIAN_MIRROR names another mirror.`,
          cause,
          ...(tail === undefined ? {} : { tail }),
        },
      );
    }
  }

  /** The fields of a suite's signed release file, as the index at hand has it; none if it is not there. */
  async releaseFile(suite: string): Promise<Stanza> {
    const name = (await this.indexes()).find(one => one.endsWith(`_dists_${suite}_InRelease`));
    const text = name === undefined ? '' : await readFile(join(this.directory, 'lists', name), 'utf8');
    return parseStanzas(text).find(stanza => stanza.has('codename')) ?? new Map();
  }

  /** What the index is, by content: hex SHA-256 over the signed release files. */
  async indexHash(): Promise<string> {
    const hash = createHash('sha256');
    for (const name of await this.indexes()) {
      hash.update(`${name}\0`).update(await readFile(join(this.directory, 'lists', name)));
    }
    return hash.digest('hex');
  }
}

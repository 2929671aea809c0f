/**
 * The other peer of the build benchmark: mmdebstrap installs the image's packages, with their maintainer scripts, into a tar. No kernel
 * modules are chosen, nothing is trimmed, and there is no file system, no verity, no UKI and no disk: it is the part of a build that both do.
 * Source: mmdebstrap(1), HOOKS (`sync-in`, `sync-out`) and its example of a cache of packages.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { buildHost } from '../build-host.ts';
import { keyring, mirrorsFrom, sourcesList } from '../packages/apt.ts';
import { makeTemporary } from '../workspace.ts';
import { type PeerOptions, suite, wantedBy } from './mkosi.ts';
import { timed } from './timed.ts';

/** What a run finds from the one before it: folders of the tree, and where they are kept. */
const kept = [
  { there: '/var/cache/apt/archives', here: 'archives' },
  { there: '/var/lib/apt/lists', here: 'lists' },
] as const;

export class Mmdebstrap {
  readonly #work: string;
  readonly #packages: readonly string[];
  readonly #sources: readonly string[];
  readonly #signal: AbortSignal;

  private constructor(work: string, packages: readonly string[], sources: readonly string[], signal: AbortSignal) {
    this.#work = work;
    this.#packages = packages;
    this.#sources = sources;
    this.#signal = signal;
  }

  /** Downloads the packages, by installing once. @throws BuildError with the last words of what failed */
  static async prepare({ image, cache, signal, say, env = process.env }: PeerOptions): Promise<Mmdebstrap> {
    const { packages, components } = await wantedBy(image);
    const mirrors = mirrorsFrom(env);
    const { debian: architecture } = buildHost();
    const sources = sourcesList({ architecture, suites: [suite], components, mirrors });
    const work = await makeTemporary(join(cache, 'tmp'));
    const peer = new Mmdebstrap(work, packages, sources.trimEnd().split('\n'), signal);
    try {
      for (const { here } of kept) await mkdir(join(work, here));
      say('mmdebstrap downloads its packages (not timed)');
      await peer.#install(kept.map(({ there, here }) => `--customize-hook=sync-out ${there} ${join(work, here)}`));
      return peer;
    } catch (error) {
      await peer.close();
      throw error;
    }
  }

  /** From downloaded packages and nothing else. @returns milliseconds */
  cold(): Promise<number> {
    return this.#install([]);
  }

  close(): Promise<void> {
    return rm(this.#work, { recursive: true, force: true });
  }

  async #install(hooks: readonly string[]): Promise<number> {
    const { tookMs } = await timed(
      [
        'mmdebstrap',
        ...['--quiet', '--variant=apt', `--keyring=${keyring}`, `--include=${this.#packages.join(',')}`],
        ...['--aptopt=APT::Install-Recommends "false"', '--skip=download/empty', '--skip=essential/unlink'],
        ...kept.flatMap(({ there, here }) => [
          `--setup-hook=mkdir -p "$1"${there}`,
          `--setup-hook=sync-in ${join(this.#work, here)} ${there}`,
        ]),
        ...hooks,
        ...[suite, join(this.#work, 'root.tar'), ...this.#sources],
      ],
      { signal: this.#signal, title: 'mmdebstrap', env: { ...process.env, LC_ALL: 'C.UTF-8' } },
    );
    return tookMs;
  }
}

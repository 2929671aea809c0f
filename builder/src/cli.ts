/** The builder's command line: `atoll-builder <command>` (builder/bin), `node --import tsx builder/src/cli.ts <command>`. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { runHelp } from '../../qemu/src/cluster/options.ts';
import { defaultImage } from './boards.ts';
import { buildImage } from './build.ts';
import { listImages, loadDefinition } from './definition/load.ts';
import { nearest } from './definition/nearest.ts';
import { BuildError, describeError, explain, interrupted } from './errors.ts';
import { flashCommand, flashHelp } from './flash/command.ts';
import { imagerCommand, imagerHelp } from './imager/command.ts';
import { keysCommand, keysHelp } from './keys/command.ts';
import { type KeyKind, keyKinds, keysDirectory } from './keys/places.ts';
import { parseOptions } from './options.ts';
import { cacheDirectory, repositoryRoot } from './paths.ts';
import { createProgress } from './progress.ts';
import { sizeCommand } from './size/command.ts';
import { ensureTools } from './tools-tree.ts';

/**
 * The machines of qemu/ boot what is built here. Only the command line, which is above both, knows of that, and a build loads none of it.
 */
const onMachines = () => import('../../qemu/src/cluster/command.ts');

/** Commands with options of their own. */
const ownCommands: Readonly<
  Record<
    string,
    { readonly help: string; readonly run: (argv: readonly string[], signal: AbortSignal) => Promise<number> }
  >
> = {
  flash: { help: flashHelp, run: flashCommand },
  'imager-json': { help: imagerHelp, run: imagerCommand },
  run: { help: runHelp, run: async (argv, signal) => (await onMachines()).runCommand(argv, defaultImage, signal) },
  stop: { help: '', run: async argv => (await onMachines()).stopCommand(argv) },
};
const ownCommandsHelp = Object.values(ownCommands)
  .map(({ help: text }) => text)
  .join('');

const help = `Builds Atoll's images, flashes and runs them.

  atoll-builder COMMAND          (npx atoll-builder; node --import tsx builder/src/cli.ts)

  build [IMAGE]   build an image: a name or a file of images/ (default vm-x86_64)
    --out DIR       where <image>/ goes (default out)
    --runtime DIR   the runtime's sources (default runtime/src)
    --no-compress   only the raw disk, not the .zst and .qcow2
    --update        ask Debian for newer packages now (else once a day)
    --version V     the version it is (default package.json's)
    --keys KIND     whose bundles it takes, and who signs its own: development (default) or release
                    (which is packed smaller, and takes minutes)
  bundle [IMAGE]  build it, and its signed bundle for upgrades; the same options, and
    --notes FILE    release notes
    --rollout N     percent of the nodes on the channel that may take it (default 100)
    --channel DIR   the folder to put on a web server (default <out>/channel)
  images          list the images that can be built
  tools           make or renew the tools tree in the cache
  size [IMAGE]    what a built image is made of and why, largest first
    --check         whether it keeps to its budget (images/budgets/)
    --record        what it is now is its budget
${keysHelp}${ownCommandsHelp}  --help          this text

Environment:
  ATOLL_CACHE                   what is downloaded and built (default ~/.cache/atoll, about 5 GB)
  ATOLL_KEYS                    where the keys are (default ~/.config/atoll/keys)
  ATOLL_DEBIAN_MIRROR           instead of http://deb.debian.org/debian
  ATOLL_DEBIAN_SECURITY_MIRROR  instead of http://deb.debian.org/debian-security
`;

/** Commands, and how many words may follow each. */
const commands: Readonly<Record<string, number>> = { build: 1, bundle: 1, keys: 9, images: 0, tools: 0, size: 1 };
const mebibytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;

interface Arguments {
  readonly positional: readonly string[];
  readonly values: {
    readonly out: string;
    readonly runtime: string;
    readonly compress: boolean;
    readonly update: boolean;
    readonly help: boolean;
    readonly keys: KeyKind;
    readonly version?: string;
    readonly notes?: string;
    readonly rolloutPercent: number;
    readonly channel: string;
    readonly check: boolean;
    readonly record: boolean;
  };
}

function parse(argv: readonly string[]): Arguments {
  const options = {
    out: { type: 'string', default: join(repositoryRoot, 'out') },
    runtime: { type: 'string', default: join(repositoryRoot, 'runtime/src') },
    'no-compress': { type: 'boolean', default: false },
    update: { type: 'boolean', default: false },
    version: { type: 'string' },
    keys: { type: 'string', default: 'development' },
    notes: { type: 'string' },
    rollout: { type: 'string', default: '100' },
    channel: { type: 'string' },
    check: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  } as const;
  const { values, positionals } = parseOptions(argv, options);
  const { out, runtime, update, version, notes } = values;
  return {
    positional: positionals,
    values: {
      out,
      runtime,
      update,
      help: values.help,
      check: values.check,
      record: values.record,
      compress: !values['no-compress'],
      keys: keyKind(values.keys),
      rolloutPercent: percent(values.rollout),
      channel: values.channel ?? join(out, 'channel'),
      ...(version === undefined ? {} : { version }),
      ...(notes === undefined ? {} : { notes }),
    },
  };
}

function keyKind(word: string): KeyKind {
  const kind = keyKinds.find(each => each === word);
  if (kind) return kind;
  throw new BuildError('USAGE', `--keys is ${word}`, { hint: `It takes ${keyKinds.join(' or ')}.` });
}

function percent(word: string): number {
  if (/^\d{1,3}$/.test(word) && Number(word) <= 100) return Number(word);
  throw new BuildError('USAGE', `--rollout is ${word}`, { hint: 'It takes a whole number from 0 to 100.' });
}

async function readNotes(path: string | undefined): Promise<string> {
  if (path === undefined) return '';
  return (await readFile(path, 'utf8')).trim();
}

async function build(args: Arguments, signal: AbortSignal, withBundle: boolean): Promise<void> {
  const definition = await loadDefinition(args.positional[1] ?? defaultImage);
  const cache = cacheDirectory();
  const progress = createProgress(process.stderr);
  try {
    await ensureTools({ cache, progress, signal });
    const { values } = args;
    const notes = await readNotes(values.notes);
    const { directory, manifest, durationMs, ran, inChannel } = await buildImage({
      definition,
      cache,
      out: resolve(values.out),
      runtime: resolve(values.runtime),
      compress: values.compress,
      update: values.update,
      keys: values.keys,
      ...(values.version === undefined ? {} : { version: values.version }),
      ...(withBundle
        ? { bundle: { notes, rolloutPercent: values.rolloutPercent, channel: resolve(values.channel) } }
        : {}),
      progress,
      signal,
    });
    progress.close();
    const sizes = Object.entries(manifest.sizes).map(
      ([name, bytes]) => `  ${name.padEnd(24)} ${mebibytes(bytes).padStart(12)}`,
    );
    const steps = ran.length === 0 ? 'nothing had changed' : `ran ${ran.join(', ')}`;
    process.stdout.write(`${directory} (${(durationMs / 1000).toFixed(1)} s; ${steps})\n${sizes.join('\n')}\n`);
    if (inChannel === false) process.stdout.write(`${values.channel} names a newer version: it still does\n`);
    process.stderr.write(`${keysSentence(values.keys)}\n`);
  } finally {
    progress.close();
  }
}

const keysSentence = (kind: KeyKind): string =>
  kind === 'release'
    ? 'RELEASE: it takes only bundles that the release keys signed.'
    : '*** DEVELOPMENT KEYS: it takes what they signed. For nodes in the field: --keys release. ***';

async function tools(signal: AbortSignal): Promise<void> {
  const progress = createProgress(process.stderr);
  try {
    const { tree, made } = await ensureTools({ cache: cacheDirectory(), progress, signal });
    process.stdout.write(`${tree}${made ? '' : ' (unchanged)'}\n`);
  } finally {
    progress.close();
  }
}

async function keys(args: Arguments, signal: AbortSignal): Promise<void> {
  const progress = createProgress(process.stderr);
  try {
    await ensureTools({ cache: cacheDirectory(), progress, signal });
  } finally {
    progress.close();
  }
  process.stdout.write(await keysCommand(args.positional.slice(1), keysDirectory()));
}

async function images(): Promise<void> {
  for (const name of await listImages()) {
    const { image } = await loadDefinition(name);
    process.stdout.write(`${name.padEnd(16)} ${image.architecture.padEnd(8)} ${image.description}\n`);
  }
}

async function size(args: Arguments): Promise<void> {
  const { out, check, record } = args.values;
  const image = args.positional[1] ?? defaultImage;
  const budget = record ? 'record' : check ? 'check' : undefined;
  process.stdout.write(await sizeCommand({ image, out: resolve(out), ...(budget === undefined ? {} : { budget }) }));
}

function checkWords([command, ...words]: readonly string[]): void {
  const allowed = commands[command ?? ''];
  if (allowed === undefined) {
    const guess = nearest(command ?? '', [...Object.keys(commands), ...Object.keys(ownCommands)]);
    const hint = guess && command ? `Did you mean ${guess}?` : 'See --help.';
    throw new BuildError('USAGE', command ? `unknown command ${command}` : 'no command given', { hint });
  }
  if (words.length > allowed) {
    const surplus = words.slice(allowed).join(' ');
    throw new BuildError('USAGE', `${command} does not know what to do with ${surplus}`, { hint: 'See --help.' });
  }
}

/** @returns the exit status: 0, 1 for a failed build, 2 for wrong usage, 130 when interrupted. */
export async function main(argv: readonly string[]): Promise<number> {
  const abort = new AbortController();
  // Asked once, the build stops in order; asked again a second later or more, at once, and the next build sweeps up.
  let asked = Number.POSITIVE_INFINITY;
  const interrupt = (): void => {
    if (performance.now() - asked > 1000) process.kill(process.pid, 'SIGKILL');
    asked = Math.min(asked, performance.now());
    abort.abort();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of signals) process.on(name, interrupt);
  try {
    const own = ownCommands[argv[0] ?? ''];
    // What follows --run is another program's.
    const ownWords = argv.slice(0, argv.includes('--run') ? argv.indexOf('--run') : argv.length);
    if (own && !ownWords.some(word => word === '--help' || word === '-h'))
      return await own.run(argv.slice(1), abort.signal);
    if (own) {
      process.stdout.write(help);
      return 0;
    }
    const args = parse(argv);
    const command = args.positional[0];
    if (args.values.help || command === 'help') {
      process.stdout.write(help);
      return 0;
    }
    checkWords(args.positional);
    if (command === 'build' || command === 'bundle') await build(args, abort.signal, command === 'bundle');
    else if (command === 'keys') await keys(args, abort.signal);
    else if (command === 'images') await images();
    else if (command === 'tools') await tools(abort.signal);
    else await size(args);
    return 0;
  } catch (error) {
    const isStopped = error instanceof BuildError && error.code === 'INTERRUPTED';
    if (abort.signal.aborted || isStopped) {
      // Flashing says itself what it leaves behind.
      const known = isStopped && error.hint !== undefined;
      process.stderr.write(`${describeError(known ? error : interrupted(error))}\n`);
      return 130;
    }
    process.stderr.write(`${describeError(explain(error, 'building', cacheDirectory()))}\n`);
    return error instanceof BuildError && error.code === 'USAGE' ? 2 : 1;
  } finally {
    for (const name of signals) process.off(name, interrupt);
  }
}

if (process.argv[1] === import.meta.filename || process.argv[1]?.endsWith('builder/src/cli.ts')) {
  process.exitCode = await main(process.argv.slice(2));
}

/** `flash …` of the command line. */
import { lstat, realpath } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { BuildError, describeError } from '../errors.ts';
import { parseOptions, sizeOption } from '../options.ts';
import { cacheDirectory, repositoryRoot } from '../paths.ts';
import { run } from '../process.ts';
import { createProgress, type Progress, type ProgressLine } from '../progress.ts';
import { framed } from '../table.ts';
import { ensureTools } from '../tools-tree.ts';
import type { Observer, Phase, Target } from './card.ts';
import { type CardRequest, requestedCards } from './cards.ts';
import { documentsFor, FatPartition, isCustomised } from './customise.ts';
import { type BlockDevice, listDisks } from './disks.ts';
import { type CardPlan, type CardResult, flash } from './flash.ts';
import { locate, mountsOf, refusal } from './judge.ts';
import { contentText, disksText, diskTitle } from './list.ts';
import { type ImageSource, openImage } from './source.ts';
import { durationText, sizeText } from './words.ts';

export const flashHelp = `  flash [IMAGE]   write an image to cards: a name, a .raw or a .raw.zst; without --to it lists disks
    --to DISK       a disk such as /dev/sdb, or a file; again for each card
    --cards FILE    a .csv or .yaml, a line for each card (docs/flashing.md)
    --user-data FILE, --network-config FILE   what the node shall be (docs/first-boot.md)
    --hostname NAME, --hostname-pattern node-{n} [--first N]
    --server URL    the server it joins
    --token FILE    the token it joins with; - is standard input
    --size SIZE     of a file: 8G
    --unmount       unmount what is mounted from the disk
    --force         a disk that is built in; never the one this system runs from
    --yes           do not ask
`;

const options = {
  out: { type: 'string', default: join(repositoryRoot, 'out') },
  to: { type: 'string', multiple: true, default: [] as string[] },
  cards: { type: 'string' },
  'user-data': { type: 'string' },
  'network-config': { type: 'string' },
  hostname: { type: 'string' },
  'hostname-pattern': { type: 'string' },
  first: { type: 'string', default: '1' },
  token: { type: 'string' },
  server: { type: 'string' },
  size: { type: 'string' },
  unmount: { type: 'boolean', default: false },
  force: { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
} as const;

const usage = (message: string, hint: string): BuildError => new BuildError('USAGE', message, { hint });

const notBegun = (message: string): BuildError =>
  new BuildError('INTERRUPTED', message, { hint: 'Nothing was written.' });

function numberOption(name: string, word: string): number {
  if (/^\d{1,6}$/.test(word)) return Number(word);
  throw usage(`--${name} is ${word}`, 'It takes a whole number.');
}

interface Choice {
  readonly request: CardRequest;
  readonly target: Target;
  /** Of a device. */
  readonly disk?: BlockDevice;
}

interface Wishes {
  readonly sizeBytes: number | undefined;
  readonly force: boolean;
  readonly unmount: boolean;
}

/** What a path names: a device that may be overwritten, or a file. @throws BuildError TARGET_REFUSED, USAGE */
async function choose(
  request: CardRequest,
  image: ImageSource,
  disks: readonly BlockDevice[],
  wishes: Wishes,
): Promise<Choice> {
  const path = await realpath(request.to).catch(() => resolve(request.to));
  const found = await lstat(path).catch(() => undefined);
  const named = path === resolve(request.to) ? path : `${request.to} (${path})`;
  const refuse = (reason: string, hint: string): BuildError =>
    new BuildError('TARGET_REFUSED', `${named} ${reason}`, { hint });
  if (found?.isBlockDevice()) {
    const why = refusal(path, disks, { imageBytes: image.imageBytes, ...wishes });
    if (why) throw refuse(why.reason, why.hint);
    if (wishes.sizeBytes !== undefined) throw usage(`--size is for files, and ${named} is a disk`, 'Leave it out.');
    const disk = locate(path, disks)?.disk;
    if (!disk) throw refuse('is no disk', 'Nothing was written.');
    return {
      request,
      disk,
      target: {
        path,
        kind: 'device',
        description: diskTitle(disk),
        sizeBytes: disk.sizeBytes,
        exists: true,
        isPrivate: false,
      },
    };
  }
  // A slip of the finger in the name of a disk must not become a file in /dev.
  if (path.startsWith('/dev/')) throw refuse('does not exist', '`atoll-builder flash` alone lists the disks.');
  if (found && !found.isFile()) throw refuse('is neither a disk nor a file', 'Name a disk or a file.');
  if (path === (await realpath(image.path))) throw refuse('is the image itself', 'Name another file.');
  const user = disks.find(({ backing }) => backing?.file === path);
  if (user) throw refuse(`is in use as ${user.path}`, `Detach it first: losetup -d ${user.path}.`);
  const sizeBytes = wishes.sizeBytes ?? image.imageBytes;
  if (sizeBytes < image.imageBytes)
    throw refuse(
      `would be too small: ${sizeText(sizeBytes)}, the image has ${sizeText(image.imageBytes)}`,
      'Give a larger --size, such as 8G.',
    );
  return {
    request,
    target: {
      path,
      kind: 'file',
      description: found ? `a file of ${sizeText(found.size)}` : 'a new file',
      sizeBytes,
      exists: found !== undefined,
      isPrivate: isCustomised(request),
    },
  };
}

/** Asks on the terminal what --yes would say. @throws BuildError USAGE without a terminal, INTERRUPTED for another answer. */
async function confirm(choices: readonly Choice[], signal: AbortSignal): Promise<void> {
  const overwritten = choices.filter(({ target }) => target.exists);
  if (overwritten.length === 0) return;
  const lines = overwritten.map(
    ({ target, disk }) => `  ${target.path}  ${target.description}${disk ? `; on it: ${contentText(disk)}` : ''}\n`,
  );
  if (!process.stdin.isTTY)
    throw usage(
      `all that is on ${overwritten.map(({ target }) => target.path).join(', ')} would be lost, and there is no terminal to ask on`,
      'If that is meant: --yes.',
    );
  const only = overwritten.length === 1 ? overwritten[0] : undefined;
  const name = only ? basename(only.target.path) : undefined;
  process.stderr.write(`All that is on ${only ? 'this' : 'these'} will be lost:\n${lines.join('')}`);
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const interrupted = new AbortController();
  // The terminal is the prompt's now, and Ctrl-C with it.
  prompt.once('SIGINT', () => interrupted.abort());
  try {
    const words = name === undefined ? ['yes'] : ['yes', name, only?.target.path];
    const question = name === undefined ? 'Type yes to go on: ' : `Type ${name} or yes to go on: `;
    const answer = await prompt.question(question, { signal: AbortSignal.any([signal, interrupted.signal]) });
    if (words.includes(answer.trim())) return;
  } catch (error) {
    if (!(error instanceof Error && error.name === 'AbortError')) throw error;
    process.stderr.write('\n');
  } finally {
    prompt.close();
  }
  throw notBegun('not confirmed');
}

async function unmountAll(choices: readonly Choice[]): Promise<void> {
  for (const { disk } of choices) {
    if (!disk) continue;
    // What is mounted last is in the way of what was mounted before.
    for (const { point } of [...mountsOf(disk)].reverse()) await run(['umount', point]);
  }
}

/** What each card is told, as blocks. @throws BuildError CONFIGURATION_INVALID before anything is written */
async function plans(
  choices: readonly Choice[],
  image: ImageSource,
  progress: Progress,
  signal: AbortSignal,
): Promise<CardPlan[]> {
  if (!choices.some(({ request }) => isCustomised(request)))
    return choices.map(({ target }) => ({ target, patches: [] }));
  await ensureTools({ cache: cacheDirectory(), progress, signal });
  const line = progress.start('configuration', 'Prepare what the cards are told');
  const fat = await FatPartition.extract(image, join(cacheDirectory(), 'tmp'), signal).catch((error: unknown) => {
    line.fail();
    throw error;
  });
  try {
    const prepared = choices.map(({ request, target }) => {
      if (!isCustomised(request)) return { target, documents: {} };
      const { documents, warnings } = documentsFor(request, fat.present, request.hostname ?? target.path);
      for (const warning of warnings) progress.say(warning);
      return { target, documents };
    });
    const made: CardPlan[] = [];
    for (const { target, documents } of prepared) {
      line.note(target.path);
      const patches = Object.keys(documents).length === 0 ? [] : await fat.patches(documents);
      made.push({ target, patches });
    }
    line.done();
    return made;
  } catch (error) {
    line.fail();
    throw error;
  } finally {
    await fat.close();
  }
}

/** A line a card: how far, how fast, how long still. */
function cardLines(progress: Progress): Observer {
  const now = (): number => performance.now();
  const lines = new Map<string, ProgressLine>();
  const phases = new Map<string, { readonly phase: Phase; readonly since: number }>();
  return {
    phase(card, phase) {
      if (!lines.has(card)) lines.set(card, progress.start(basename(card), `Flash ${card}`));
      phases.set(card, { phase, since: now() });
      lines.get(card)?.note(phase);
    },
    progress(card, doneBytes, totalBytes) {
      const { phase, since } = phases.get(card) ?? { phase: 'writing', since: now() };
      const seconds = (now() - since) / 1000;
      const rate = seconds > 0.5 ? doneBytes / seconds : 0;
      const pace = rate > 0 ? `, ${sizeText(rate)}/s, ${durationText((totalBytes - doneBytes) / rate)} left` : '';
      lines.get(card)?.note(`${phase} ${Math.floor((100 * doneBytes) / totalBytes)} %${pace}`);
    },
    end(card, well) {
      const line = lines.get(card);
      if (well) line?.done();
      else line?.fail();
    },
  };
}

function resultText(results: readonly CardResult[], choices: readonly Choice[], image: ImageSource): string {
  const rows = results.map(({ target, error, writtenBytes, durationMs }, index) => {
    const bytesPerSecond = (writtenBytes * 1000) / Math.max(1, durationMs);
    return error === undefined
      ? [
          `✔ ${target.path}`,
          choices[index]?.request.hostname ?? '',
          sizeText(writtenBytes),
          `${(durationMs / 1000).toFixed(1)} s`,
          `${sizeText(bytesPerSecond)}/s`,
          'written and read back',
        ]
      : [`✘ ${target.path}`, choices[index]?.request.hostname ?? '', '', '', '', 'NOT flashed'];
  });
  const table = framed({
    head: ['Card', 'Host name', 'Written', 'In', 'Rate', ''],
    aligns: ['left', 'left', 'right', 'right', 'right', 'left'],
    body: rows,
  });
  const of = image.mapped ? ` (used blocks of ${sizeText(image.imageBytes)})` : '';
  return `${table.join('\n')}\n${image.path}${of}\n`;
}

/**
 * @param argv the words behind `flash`.
 * @returns the exit status: 0, or 1 where a card failed.
 * @throws BuildError for what is refused before anything is written.
 */
export async function flashCommand(argv: readonly string[], signal: AbortSignal): Promise<number> {
  const { values, positionals } = parseOptions(argv, options);
  if (positionals.length > 1)
    throw usage(`flash does not know what to do with ${positionals.slice(1).join(' ')}`, 'See --help.');
  const word = positionals[0] ?? 'vm-x86_64';
  if (values.to.length === 0 && values.cards === undefined) {
    process.stdout.write(disksText(await listDisks(), word));
    return 0;
  }
  const requests = await requestedCards({
    to: values.to,
    first: numberOption('first', values.first),
    ...(values['user-data'] === undefined ? {} : { userData: values['user-data'] }),
    ...(values['network-config'] === undefined ? {} : { networkConfig: values['network-config'] }),
    ...(values.hostname === undefined ? {} : { hostname: values.hostname }),
    ...(values['hostname-pattern'] === undefined ? {} : { hostnamePattern: values['hostname-pattern'] }),
    ...(values.token === undefined ? {} : { token: values.token }),
    ...(values.server === undefined ? {} : { server: values.server }),
    ...(values.cards === undefined ? {} : { cards: values.cards }),
  });
  const image = await openImage(word, resolve(values.out));
  const disks = await listDisks();
  const wishes = {
    sizeBytes: values.size === undefined ? undefined : sizeOption('size', values.size),
    force: values.force,
    unmount: values.unmount,
  };
  const choices: Choice[] = [];
  for (const request of requests) choices.push(await choose(request, image, disks, wishes));
  const twice = choices.find(
    ({ target }, index) => choices.findIndex(each => each.target.path === target.path) !== index,
  );
  if (twice) throw usage(`${twice.target.path} is there twice`, 'Name each card once.');
  const progress = createProgress(process.stderr);
  try {
    const cards = await plans(choices, image, progress, signal).catch((error: unknown) => {
      throw signal.aborted ? notBegun('flashing was interrupted') : error;
    });
    if (!values.yes) await confirm(choices, signal);
    if (values.unmount) await unmountAll(choices);
    const results = await flash({ image, cards, signal, observer: cardLines(progress) });
    progress.close();
    for (const { error, state } of results)
      if (error !== undefined) process.stderr.write(`${describeError(error)}\n  ${state ?? ''}\n`);
    process.stdout.write(resultText(results, choices, image));
    if (signal.aborted) return 130;
    return results.every(({ error }) => error === undefined) ? 0 : 1;
  } finally {
    progress.close();
  }
}

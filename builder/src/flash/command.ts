/** `flash …` of the command line. */
import { join, resolve } from 'node:path';
import { defaultImage } from '../boards.ts';
import { describeError } from '../errors.ts';
import { parseOptions, sizeOption, usage } from '../options.ts';
import { cacheDirectory, repositoryRoot } from '../paths.ts';
import { createProgress } from '../progress.ts';
import { ensureTools } from '../tools-tree.ts';
import { requestedCards } from './cards.ts';
import { type Choice, choose, chooseAgain } from './choose.ts';
import { confirm, notBegun } from './confirm.ts';
import { isCustomised } from './customise.ts';
import { assertDiskImage, assertRoom, nodeBytes } from './disk-image.ts';
import { listDisks } from './disks.ts';
import { type CardPlan, flash } from './flash.ts';
import { mountsOf } from './judge.ts';
import { disksText } from './list.ts';
import { plans } from './plans.ts';
import { cardLines, resultText } from './report.ts';
import { isCompressed, openImage } from './source.ts';
import { unmountAll } from './unmount.ts';

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

function numberOption(name: string, word: string): number {
  if (/^\d{1,6}$/.test(word)) return Number(word);
  throw usage(`--${name} is ${word}`, 'It takes a whole number.');
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
  const word = positionals[0] ?? defaultImage;
  if (values.to.length === 0 && values.cards === undefined) {
    process.stdout.write(disksText(await listDisks(), word));
    return 0;
  }
  const requests = await requestedCards(
    {
      to: values.to,
      first: numberOption('first', values.first),
      ...(values['user-data'] === undefined ? {} : { userData: values['user-data'] }),
      ...(values['network-config'] === undefined ? {} : { networkConfig: values['network-config'] }),
      ...(values.hostname === undefined ? {} : { hostname: values.hostname }),
      ...(values['hostname-pattern'] === undefined ? {} : { hostnamePattern: values['hostname-pattern'] }),
      ...(values.token === undefined ? {} : { token: values.token }),
      ...(values.server === undefined ? {} : { server: values.server }),
      ...(values.cards === undefined ? {} : { cards: values.cards }),
    },
    signal,
  );
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
    // zstd and mtools are its.
    if (isCompressed(image.path) || requests.some(isCustomised))
      await ensureTools({ cache: cacheDirectory(), progress, signal });
    const prepare = async (): Promise<CardPlan[]> => {
      assertRoom(choices, nodeBytes(await assertDiskImage(image, signal), image.imageBytes));
      return plans(choices, image, progress, signal);
    };
    const cards = await prepare().catch((error: unknown) => {
      throw signal.aborted ? notBegun('flashing was interrupted') : error;
    });
    if (!values.yes) await confirm(choices, signal);
    const now = await chooseAgain(choices, image, await listDisks(), wishes);
    if (values.unmount)
      await unmountAll(
        now.flatMap(({ disk }) => (disk ? mountsOf(disk) : [])),
        image.path,
      );
    const results = await flash({ image, cards, signal, observer: cardLines(progress) });
    progress.close();
    for (const { error, state } of results)
      if (error !== undefined) process.stderr.write(`${describeError(error)}\n  ${state ?? ''}\n`);
    process.stdout.write(resultText(results, cards, image));
    if (signal.aborted) return 130;
    return results.every(({ error }) => error === undefined) ? 0 : 1;
  } finally {
    progress.close();
  }
}

/**
 * What runs once for each instance-id and at boots only, so a configuration that is taken on a running node does not run it: a person
 * is told when, and how to have it again. Pure.
 */
import { createHash } from 'node:crypto';
import type { TreeFile } from './generations.ts';

/** Keys of the configuration, and the stamps of `/usr/lib/atoll/config-final`. */
const kinds = [
  { key: 'runcmd', stamp: 'runcmd' },
  { key: 'phone_home', stamp: 'phone-home' },
] as const;
export type Stamp = (typeof kinds)[number]['stamp'];

/**
 * The folder of an instance's stamps in `/var/lib/atoll/config/instances`: its name, where that is a name of a file and no other one;
 * a hash otherwise. An instance-id may have anything in it: `i/7`, `..`, letters of three bytes.
 */
export const instanceFolder = (instance: string): string =>
  /^(?!\.)[!-.0-~]{1,200}$/.test(instance) ? instance : createHash('sha256').update(instance).digest('hex');

/**
 * @param before,after files of generations
 * @param isDone whether an instance has had it
 */
export function onceNotes(
  before: readonly TreeFile[],
  after: readonly TreeFile[],
  isDone: (instance: string, stamp: Stamp) => boolean,
): readonly string[] {
  const instance = textOf(after, 'instance').trim();
  return kinds.flatMap(({ key, stamp }) => {
    const now = whatRuns(after, stamp);
    if (now === '') return [];
    if (!isDone(instance, stamp)) return [`${key} runs at the next boot.`];
    return now === whatRuns(before, stamp)
      ? []
      : [`${key} does not run again: the instance "${instance}" has had it. Another instance-id in meta-data runs it.`];
  });
}

function whatRuns(files: readonly TreeFile[], stamp: Stamp): string {
  if (stamp === 'phone-home') return textOf(files, 'phone-home.json');
  return textOf(files, 'final')
    .split('\n')
    .flatMap(line => /^late '(files\/\d+)'$/.exec(line)?.[1] ?? [])
    .map(path => textOf(files, path))
    .join('\0');
}

const textOf = (files: readonly TreeFile[], path: string): string =>
  files.find(file => file.path === path)?.content.toString('utf8') ?? '';

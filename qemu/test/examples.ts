/** The examples of configs/ as people copy them, and what the tests of them have in common. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../../builder/src/paths.ts';
import type { Machine } from '../src/machine.ts';
import type { Files } from './configDisks.ts';

export const minutes = 60_000;

/** For a command in the guest while two machines share the processors of a host that is busy with others. */
export const patient = { timeoutMs: 3 * minutes } as const;

const documents = ['user-data', 'meta-data', 'network-config'] as const;

/** The very files of an example, by name. */
export function example(name: string): Files {
  const folder = join(repositoryRoot, 'configs', name);
  const present = documents.filter(document => existsSync(join(folder, document)));
  assert.ok(present.length > 0, `${folder} has no documents`);
  return Object.fromEntries(present.map(document => [document, readFileSync(join(folder, document), 'utf8')]));
}

/** What a person puts in: each text must be there, and is replaced wherever it is. */
export function filledIn(text: string, ...changes: readonly (readonly [from: string, to: string])[]): string {
  return changes.reduce((all, [from, to]) => {
    assert.ok(all.includes(from), `the example does not say ${from}`);
    return all.replaceAll(from, to);
  }, text);
}

/** Uncomments a key and what belongs to it, as its comment says one may: `#key:` and the commented, indented lines after it. */
export function uncommented(text: string, key: string): string {
  const lines = text.split('\n');
  const first = lines.findIndex(line => line.trimStart() === `#${key}:` || line.trimStart().startsWith(`#${key}: `));
  assert.ok(first >= 0, `the example has no #${key}:`);
  const isNext = (line: string | undefined): boolean => /^\s*# /.test(line ?? '');
  let end = first + 1;
  while (isNext(lines[end])) end += 1;
  return lines.map((line, at) => (at >= first && at < end ? line.replace('#', '') : line)).join('\n');
}

/** Replaces the documents on the ESP of a running machine, as somebody with the card in his computer would. */
export async function putOnEsp(machine: Machine, files: Files): Promise<void> {
  const written = Object.entries(files).map(
    ([name, content]) => `echo ${Buffer.from(content).toString('base64')} | base64 -d > /mnt/${name}`,
  );
  await machine.shell.output(
    [
      'mount /dev/disk/atoll/esp /mnt',
      `rm -f ${documents.map(name => `/mnt/${name}`).join(' ')}`,
      ...written,
      'sync',
      'umount /mnt',
    ].join(' && '),
    patient,
  );
}

/** Asks until it holds; says what was asked for, and the console's end, where it does not. */
export async function until(
  machine: Machine,
  what: string,
  holds: () => Promise<boolean>,
  timeoutMs = 3 * minutes,
): Promise<void> {
  for (const deadline = performance.now() + timeoutMs; !(await holds()); ) {
    assert.ok(performance.now() < deadline, `${what}\n${machine.console.lastLines()}`);
    await new Promise(resolve => setTimeout(resolve, 500));
  }
}

export interface ConfigState {
  readonly state: string;
  readonly generation?: number;
  readonly problems: readonly { readonly message: string; readonly path: string }[];
  readonly sources: readonly { readonly source: string }[];
}

/** What became of the configuration in this boot. */
export async function configState(machine: Machine): Promise<ConfigState> {
  return JSON.parse(await machine.shell.output('cat /run/atoll/config.json', patient)) as ConfigState;
}

/** The configuration on the ESP is in force, whole and without a word of complaint, and no unit failed. */
export async function assertInForce(machine: Machine, sources: readonly string[] = ['esp']): Promise<void> {
  const found = await configState(machine);
  assert.deepEqual([found.state, found.problems, found.sources.map(({ source }) => source)], ['applied', [], sources]);
  assert.equal(await machine.shell.output('systemctl --failed --no-legend --plain', patient), '');
}

/**
 * What a person gets wrong, told so: image definitions, package names, options. Each refusal names the place and the way out,
 * ends with a status that is not zero, shows no stack, and leaves no artefact.
 */
import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { mirrorsFrom } from '../src/packages/apt.ts';
import { resolvePackages } from '../src/packages/resolve.ts';
import { repositoryRoot } from '../src/paths.ts';
import { cli, makeWorkshop, namesIn, type Outcome, succeeded, warmCache } from './workshop.ts';

let workshop = '';
let good = '';
let cache = '';
const out = (): string => join(workshop, 'out');

before(async () => {
  workshop = await makeWorkshop();
  good = await readFile(join(repositoryRoot, 'images/vm-x86_64.yaml'), 'utf8');
  cache = await warmCache(join(workshop, 'cache'));
});
after(() => rm(workshop, { recursive: true, force: true }));

/** Line of the first occurrence, counted from one. */
const lineOf = (text: string, part: string): number => text.slice(0, text.indexOf(part)).split('\n').length;

function refused({ status, stdout, stderr }: Outcome, expected: number, words: readonly (string | RegExp)[]): void {
  assert.equal(status, expected, stderr);
  assert.equal(stdout, '');
  for (const word of words)
    assert.ok(typeof word === 'string' ? stderr.includes(word) : word.test(stderr), `${word}\nin\n${stderr}`);
  assert.doesNotMatch(stderr, /^ {4}at /m, 'no stack');
}

async function buildDefinition(text: string): Promise<Outcome & { readonly path: string }> {
  const path = join(workshop, 'vm-x86_64.yaml');
  await writeFile(path, text);
  return { ...(await cli(['build', path, '--out', out()], { cache })), path };
}

const wrong: readonly { what: string; from: string; to: string; at: string; says: readonly string[] }[] = [
  {
    what: 'a misspelled key',
    from: 'kernel:',
    to: 'kernal:',
    at: 'kernal:',
    says: ['unknown key "kernal"; did you mean "kernel"?', 'kernel is missing'],
  },
  {
    what: 'a misspelled key inside another',
    from: '  tries: 3',
    to: '  trys: 3',
    at: 'trys',
    says: ['unknown key "boot.trys"; did you mean "tries"?'],
  },
  {
    what: 'a value of the wrong type',
    from: '  tries: 3',
    to: '  tries: many',
    at: '  tries: many',
    says: ['boot.tries must be'],
  },
  {
    what: 'an unknown choice',
    from: 'outputs: [raw, zst, qcow2]',
    to: 'outputs: [raw, xz]',
    at: 'outputs:',
    says: ['outputs[1] must be one of raw, zst'],
  },
  {
    what: 'a board of another name',
    from: 'board: vm-x86_64',
    to: 'board: vm-x86_46',
    at: 'board:',
    says: ['did you mean "vm-x86_64"?'],
  },
  {
    what: 'an unknown class of modules',
    from: ' virtual,',
    to: ' virtuel,',
    at: 'modules:',
    says: ['did you mean "virtual"?'],
  },
  {
    what: 'a hash partition that cannot hold the hashes',
    from: 'verity: 64M',
    to: 'verity: 2M',
    at: 'verity:',
    says: ['partitions.verity is too small'],
  },
  { what: 'YAML that does not parse', from: 'suites: [trixie,', to: 'suites: [trixie', at: 'suites:', says: [] },
];

for (const { what, from, to, at, says } of wrong) {
  test(`refused: ${what}`, async () => {
    assert.ok(good.includes(from));
    const text = good.replace(from, to);
    const outcome = await buildDefinition(text);
    refused(outcome, 1, [
      `${outcome.path}:${lineOf(text, at)}:`,
      '[DEFINITION_INVALID]',
      '`images/vm-x86_64.yaml` shows every key',
      ...says,
    ]);
    assert.match(outcome.stderr, /^error: /);
    assert.deepEqual(await namesIn(out()), []);
  });
}

test('all problems of a definition are shown at once', async () => {
  const outcome = await buildDefinition(good.replace('  tries: 3', '  tries: 0').replace('outputs:', 'output:'));
  refused(outcome, 1, ['boot.tries must be', 'unknown key "output"; did you mean "outputs"?', 'outputs is missing']);
});

test('refused: an image nobody has defined', async () => {
  refused(await cli(['build', 'vm-x86-64', '--out', out()], { cache }), 1, [
    'there is no image definition vm-x86-64',
    'Did you mean vm-x86_64?',
  ]);
});

for (const { what, from, to, name } of [
  { what: 'a package', from: 'packages: []', to: 'packages: [netbase, no-such-tool]', name: 'no-such-tool' },
  { what: 'a kernel', from: 'linux-image-cloud-amd64', to: 'linux-image-clout-amd64', name: 'linux-image-clout-amd64' },
]) {
  test(`refused: ${what} Debian does not have, at the line it is written`, async () => {
    const text = good.replace(from, to);
    const outcome = await buildDefinition(text);
    refused(outcome, 1, [
      `error: ${outcome.path}:${lineOf(text, name)}:`,
      `there is no package ${name} in trixie, trixie-updates, trixie-security [PACKAGE_NOT_FOUND]`,
      'https://packages.debian.org/trixie finds packages',
      /^packages: FAILED after/m,
    ]);
    assert.deepEqual(await namesIn(out()), []);
    assert.deepEqual(await namesIn(join(cache, 'tmp')), []);
  });
}

test('refused: leaving out a package Debian does not have, which would leave nothing out', async () => {
  const sources = {
    architecture: 'amd64',
    suites: ['trixie', 'trixie-updates', 'trixie-security'],
    components: ['main'],
    mirrors: mirrorsFrom(process.env),
  };
  const inputs = { sources, index: '', install: ['netbase'], leaveOut: ['dpkg', 'debcomf'] };
  const context = { directory: workshop, scratch: workshop, cache, signal: new AbortController().signal };
  await assert.rejects(resolvePackages.run(inputs, { ...context, note: () => undefined, warn: () => undefined }), {
    code: 'PACKAGE_NOT_FOUND',
    names: ['debcomf'],
  });
});

test('after all that, the right definition builds', async () => {
  succeeded(await cli(['build', 'vm-x86_64', '--no-compress', '--out', out()], { cache }));
  assert.deepEqual(await namesIn(out()), ['vm-x86_64']);
});

for (const { args, says } of [
  { args: [], says: ['no command given', 'See --help.'] },
  { args: ['biuld'], says: ['unknown command biuld', 'Did you mean build?'] },
  { args: ['build', '--no-compres'], says: ['unknown option --no-compres', 'Did you mean --no-compress?'] },
  { args: ['build', '--out'], says: ['option --out needs a value'] },
  { args: ['build', '--update=now'], says: ['option --update takes no value'] },
  { args: ['build', 'vm-x86_64', 'other'], says: ['build does not know what to do with other'] },
  { args: ['size', '--out', '/nonexistent'], says: ['vm-x86_64 is not built yet', 'Run `build vm-x86_64` first.'] },
]) {
  test(`refused: atoll-builder ${args.join(' ')}`, async () => {
    refused(await cli(args, { cache }), 2, ['[USAGE]', ...says]);
  });
}

test('refused: an output folder that is a file', async () => {
  const file = join(workshop, 'a-file');
  await writeFile(file, '');
  refused(await cli(['build', '--out', file], { cache }), 1, [
    file,
    'there is a file where a folder is needed',
    '--out',
  ]);
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { BuildError } from '../errors.ts';
import { csvRows, numbered, requestedCards } from './cards.ts';

let folder = '';
const never = new AbortController().signal;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atoll-cards-'));
});
after(() => rm(folder, { recursive: true, force: true }));

for (const [text, rows] of [
  [
    'a,b\n1,2\n',
    [
      ['a', 'b'],
      ['1', '2'],
    ],
  ],
  [
    '\ufeffa,b\r\n"1, one","say ""hi"""\r\n',
    [
      ['a', 'b'],
      ['1, one', 'say "hi"'],
    ],
  ],
  [
    'a,b\n1,\n,2',
    [
      ['a', 'b'],
      ['1', ''],
      ['', '2'],
    ],
  ],
  ['a\n\n\n1\n', [['a'], ['1']]],
  [
    'a,b\n1,"two\nlines"',
    [
      ['a', 'b'],
      ['1', 'two\nlines'],
    ],
  ],
  [
    'a,b\n1,2,',
    [
      ['a', 'b'],
      ['1', '2', ''],
    ],
  ],
  ['', []],
  ['a"b', []],
] as const)
  test(`CSV: ${JSON.stringify(text)}`, () => assert.deepEqual(csvRows(text), rows));

test('names with a number', () => {
  for (const [pattern, number, name] of [
    ['node-{n}', 7, 'node-7'],
    ['node-{nn}', 7, 'node-07'],
    ['{nnn}-hall-{n}', 12, '012-hall-12'],
    ['node-{nn}', 123, 'node-123'],
  ] as const)
    assert.equal(numbered(pattern, number), name);
});

test('a card’s own line counts more than an option for all', async () => {
  const file = join(folder, 'cards.csv');
  await writeFile(file, `to,hostname,token\n/dev/a,,\n/dev/b,special,${join(folder, 'own')}\n`);
  await writeFile(join(folder, 'token'), 'K10common\n');
  await writeFile(join(folder, 'own'), 'K10own\n');
  const cards = await requestedCards(
    {
      to: [],
      cards: file,
      hostnamePattern: 'node-{n}',
      first: 5,
      token: join(folder, 'token'),
    },
    never,
  );
  assert.deepEqual(
    cards.map(({ to, hostname, token }) => ({ to, hostname, token })),
    [
      { to: '/dev/a', hostname: 'node-5', token: 'K10common' },
      { to: '/dev/b', hostname: 'special', token: 'K10own' },
    ],
  );
});

test('what is named for several cards is read once: it may be a pipe', { timeout: 30_000 }, async () => {
  const pipes = ['user-data', 'network-config', 'secret'].map(name => join(folder, `${name}.pipe`));
  const [userData = '', networkConfig = '', secret = ''] = pipes;
  execFileSync('mkfifo', pipes);
  const file = join(folder, 'pipes.csv');
  await writeFile(file, `to,token\n/dev/a,${secret}\n/dev/b,${secret}\n`);
  const written = Promise.all(pipes.map(path => writeFile(path, `of ${path}`)));
  const cards = await requestedCards({ to: [], cards: file, userData, networkConfig, first: 1 }, never);
  await written;
  for (const { documents, token } of cards) {
    assert.equal(String(documents['user-data']?.bytes), `of ${userData}`);
    assert.equal(String(documents['network-config']?.bytes), `of ${networkConfig}`);
    assert.equal(token, `of ${secret}`);
  }
  assert.equal(cards.length, 2);
});

for (const { name, text, said, where } of [
  { name: 'c.csv', text: 'to,hostnam\n/dev/a,b\n', said: /unknown column "hostnam"/, where: /c\.csv:1$/ },
  { name: 'c.csv', text: 'to\n/dev/a,b\n', said: /has 2 fields, more than there are columns: 1/, where: /c\.csv:2$/ },
  { name: 'c.csv', text: 'to,hostname\n,b\n', said: /the card has no "to"/, where: /c\.csv:2$/ },
  {
    name: 'c.yaml',
    text: '- to: /dev/a\n  hostnam: b\n',
    said: /unknown key "the file\[0\]\.hostnam"|unknown key "\[0\]\.hostnam"/,
    where: /c\.yaml:2:3$/,
  },
  { name: 'c.yaml', text: '- to: 7\n', said: /must be text, not the number 7/, where: /c\.yaml:1:7$/ },
  { name: 'c.yaml', text: 'to: /dev/a\n', said: /must be a list/, where: /c\.yaml/ },
])
  test(`a file of cards: ${JSON.stringify(text)}`, async () => {
    const file = join(folder, name);
    await writeFile(file, text);
    await assert.rejects(requestedCards({ to: [], cards: file, first: 1 }, never), (error: unknown) => {
      assert.ok(error instanceof BuildError);
      assert.equal(error.code, 'USAGE');
      assert.match(error.message, said);
      assert.match(error.where ?? '', where);
      return true;
    });
  });

for (const token of ['K10abc::server:hunter2', `K10${'ab'.repeat(200)}::server:hunter2`, '-'])
  test(`the column token names a file, as --token does; ${token.slice(0, 10)} is none, and is not repeated`, async () => {
    const file = join(folder, 'literal.csv');
    await writeFile(file, `to,token\n/dev/a,${token}\n`);
    await assert.rejects(requestedCards({ to: [], cards: file, first: 1 }, never), (error: unknown) => {
      assert.ok(error instanceof BuildError);
      assert.deepEqual([error.code, error.where], ['USAGE', `${file}:2`]);
      assert.match(error.message, /^token is a file with the token, as --token takes it, not the token itself$/);
      assert.doesNotMatch(JSON.stringify(error), /hunter2/);
      return true;
    });
  });

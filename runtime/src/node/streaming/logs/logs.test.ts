import assert from 'node:assert/strict';
import { appendFile, mkdtemp, open, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type LogOptions, parseLogOptions } from './format.ts';
import { fixedTimestamp, parseLogLine } from './line.ts';
import { readLog } from './read.ts';
import { tailOffset } from './tail.ts';

const never = (signal: AbortSignal): Promise<void> =>
  new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }));

const at = (second: number): string => `2026-11-21T12:00:${String(second).padStart(2, '0')}.5Z`;
const entry = (second: number, text: string, tag = 'F', stream = 'stdout'): string =>
  `${at(second)} ${stream} ${tag} ${text}\n`;

describe('parseLogLine', () => {
  const cases: [string, string | undefined][] = [
    ['2026-11-21T12:00:00Z stdout F hello world', 'stdout full "hello world"'],
    ['2026-11-21T12:00:00Z stderr P hello ', 'stderr partial "hello "'],
    ['2026-11-21T12:00:00Z stdout F:x tagged', 'stdout full "tagged"'],
    ['2026-11-21T12:00:00Z stdout F ', 'stdout full ""'],
    ['2026-11-21T12:00:00Z stdout F', 'stdout full ""'],
    ['2026-11-21T12:00:00Z stdin F x', undefined],
    ['2026-11-21T12:00:00Z stdout ', undefined],
    ['torn', undefined],
    ['', undefined],
  ];
  for (const [text, expected] of cases) {
    it(`reads ${JSON.stringify(text)}`, () => {
      const line = parseLogLine(Buffer.from(text));
      const shown =
        line && `${line.stream} ${line.partial ? 'partial' : 'full'} ${JSON.stringify(line.text.toString())}`;
      assert.equal(shown, expected);
    });
  }
  it('prints nine digits of a second', () => {
    assert.equal(fixedTimestamp('2026-11-21T12:00:00.5Z'), '2026-11-21T12:00:00.500000000Z');
    assert.equal(fixedTimestamp('2026-11-21T12:00:00+01:00'), '2026-11-21T12:00:00.000000000+01:00');
  });
});

describe('readLog', () => {
  let directory: string;
  let path: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'atoll-logs-'));
  });
  beforeEach(async () => {
    path = join(directory, '0.log');
    await rm(path, { force: true });
  });
  after(() => rm(directory, { recursive: true }));

  const all: LogOptions = { follow: false, previous: false, timestamps: false, stream: 'All' };
  const read = async (options: Partial<LogOptions> = {}): Promise<string> => {
    const chunks: Buffer[] = [];
    for await (const chunk of readLog(path, { ...all, ...options }, never, new AbortController().signal)) {
      chunks.push(Buffer.from(chunk));
    }
    return Buffer.concat(chunks).toString();
  };

  const content = [
    entry(1, 'one'),
    entry(2, 'tw', 'P'),
    entry(2, 'o', 'F'),
    'torn by a full disk\n',
    entry(3, 'err', 'F', 'stderr'),
    entry(4, 'four'),
  ].join('');

  const cases: [string, Partial<LogOptions>, string][] = [
    ['everything', {}, 'one\ntwo\nerr\nfour\n'],
    ['the last line', { tailLines: 1 }, 'four\n'],
    ['a line in pieces as one', { tailLines: 3 }, 'two\nerr\nfour\n'],
    ['more lines than there are', { tailLines: 99 }, 'one\ntwo\nerr\nfour\n'],
    ['no line', { tailLines: 0 }, ''],
    ['from a moment on', { sinceMs: Date.parse(at(3)) }, 'err\nfour\n'],
    ['so many octets', { limitBytes: 6 }, 'one\ntw'],
    ['standard error', { stream: 'Stderr' }, 'err\n'],
    ['standard output', { stream: 'Stdout', sinceMs: Date.parse(at(2)) }, 'two\nfour\n'],
    [
      'timestamps, one a line',
      { timestamps: true, sinceMs: Date.parse(at(2)), limitBytes: 66 },
      '2026-11-21T12:00:02.500000000Z two\n2026-11-21T12:00:03.500000000Z ',
    ],
  ];
  for (const [what, options, expected] of cases) {
    it(`gives ${what}`, async () => {
      await writeFile(path, content);
      assert.equal(await read(options), expected);
    });
  }

  it('gives nothing of a file that is not there', async () => assert.equal(await read(), ''));

  it('finds the tail at every block boundary, reading little', async () => {
    for (const padding of [0, 1, 2, 65_480, 65_490, 65_500, 65_536]) {
      const lines = [entry(1, 'x'.repeat(padding)), entry(2, 'a'), entry(3, 'b'), entry(4, 'c')];
      await writeFile(path, lines.join(''));
      const file = await open(path);
      const size = lines.join('').length;
      for (let count = 0; count <= 4; count++) {
        const expected = lines.slice(0, 4 - count).join('').length;
        assert.equal(await tailOffset(file, size, count), expected, `${count} lines after ${padding}`);
      }
      await file.close();
    }
    await writeFile(path, content);
    await truncate(path, 400_000_000_000); // sparse: reading it all would take minutes
    await appendFile(path, `\n${entry(5, 'five')}${entry(6, 'six')}`);
    assert.equal(await read({ tailLines: 2 }), 'five\nsix\n');
  });

  /** A follower whose output is awaited piece by piece. */
  const follow = (options: Partial<LogOptions> = {}) => {
    const gone = new AbortController();
    let exit = (): void => undefined;
    const exited = new Promise<void>(resolve => {
      exit = resolve;
    });
    const log = readLog(path, { ...all, follow: true, ...options }, () => exited, gone.signal);
    let seen = '';
    const until = async (text: string): Promise<void> => {
      while (seen.length < text.length) {
        const { done, value } = await log.next();
        if (done) break;
        seen += value.toString();
      }
      assert.equal(seen, text);
    };
    return { until, exit: () => exit(), gone, next: () => log.next() };
  };

  it('follows what is written, line breaks or not', { timeout: 10_000 }, async () => {
    await writeFile(path, content);
    const { until, gone, next } = follow({ tailLines: 1 });
    await until('four\n');
    await appendFile(path, entry(5, 'five').slice(0, 30));
    await appendFile(path, entry(5, 'five').slice(30));
    await until('four\nfive\n');
    gone.abort();
    assert.equal((await next()).done, true);
  });

  it('follows across rotation, from the first line of the new file', { timeout: 10_000 }, async () => {
    await writeFile(path, entry(1, 'old'));
    const { until, exit, next } = follow();
    await until('old\n');
    const old = await open(path, 'a');
    await rename(path, `${path}.20261121-120000`);
    await old.write(entry(2, 'late')); // containerd goes on writing until it is told to reopen
    await until('old\nlate\n');
    await old.close();
    await writeFile(path, entry(3, 'new'));
    await until('old\nlate\nnew\n');
    await truncate(path);
    await appendFile(path, entry(4, 'x'));
    await until('old\nlate\nnew\nx\n');
    exit();
    assert.equal((await next()).done, true);
  });

  it('waits for a file that does not exist yet', { timeout: 10_000 }, async () => {
    const { until, gone, next } = follow();
    const first = until('hello\n');
    await writeFile(path, entry(1, 'hello'));
    await first;
    gone.abort();
    assert.equal((await next()).done, true);
  });

  it('ends when the container has exited, after its last words', { timeout: 10_000 }, async () => {
    await writeFile(path, entry(1, 'first'));
    const { until, exit, next } = follow();
    await until('first\n');
    await appendFile(path, entry(2, 'last'));
    exit();
    await until('first\nlast\n');
    assert.equal((await next()).done, true);
  });
});

describe('parseLogOptions', () => {
  const now = Date.parse('2026-11-21T12:00:00Z');
  const base: LogOptions = { follow: false, previous: false, timestamps: false, stream: 'All' };
  const cases: [string, LogOptions][] = [
    ['', base],
    ['follow=true&timestamps=1&previous', { ...base, follow: true, timestamps: true, previous: true }],
    ['follow=false&tailLines=10&limitBytes=5', { ...base, tailLines: 10, limitBytes: 5 }],
    ['sinceSeconds=60', { ...base, sinceMs: now - 60_000 }],
    ['sinceTime=2026-11-21T11:00:00Z&stream=Stderr', { ...base, stream: 'Stderr', sinceMs: now - 3_600_000 }],
  ];
  for (const [query, expected] of cases) {
    it(`reads "${query}"`, () => assert.deepEqual(parseLogOptions(new URLSearchParams(query), now), expected));
  }
});

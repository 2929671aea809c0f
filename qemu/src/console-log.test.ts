import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { it } from 'node:test';
import { Console } from './console.ts';
import { ConsoleLog } from './console-log.ts';

/** What a guest prints goes through a stream, in whose handler nothing may be thrown: the process would end without its cleanup. */
function guest(log: ConsoleLog): { readonly console: Console; readonly prints: (text: string) => Promise<void> } {
  const console = new Console(raw => log.write(raw));
  const stream = new PassThrough();
  console.attach(stream);
  return {
    console,
    prints: async text => {
      stream.write(text);
      await console.waitFor(new RegExp(text), { timeoutMs: 1000 });
    },
  };
}

it('a console is kept in a file that the first byte makes, behind what is there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'atoll-console-'));
  const file = join(folder, 'server.log');
  try {
    for (const text of ['one', 'two']) {
      using log = new ConsoleLog(file, assert.fail);
      assert.equal(existsSync(file), text === 'two');
      await guest(log).prints(text);
    }
    assert.equal(readFileSync(file, 'utf8'), 'onetwo');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('a machine goes on when the folder of its log is removed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'atoll-console-'));
  using log = new ConsoleLog(join(folder, 'server.log'), assert.fail);
  const { prints } = guest(log);
  await prints('one');
  rmSync(folder, { recursive: true });
  await prints('two');
});

for (const [file, why] of [
  ['/dev/full', /ENOSPC/],
  ['/nonexistent/server.log', /ENOENT/],
] as const)
  it(`a log that cannot be written (${file}) is told once, and the machine goes on`, async () => {
    const told: string[] = [];
    using log = new ConsoleLog(file, error => told.push(error.message));
    const { console, prints } = guest(log);
    await prints('one');
    await prints('two');
    assert.equal(console.text, 'onetwo');
    assert.equal(told.length, 1);
    assert.match(told[0] ?? '', why);
  });

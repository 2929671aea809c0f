import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Console } from './console.ts';

const soon = { timeoutMs: 1000 };

describe('the text of a console', () => {
  const cases: [name: string, chunks: string[], text: string][] = [
    ['is what was printed', ['one\n', 'two\n'], 'one\ntwo\n'],
    ['has no carriage returns', ['one\r\ntwo\r', '\n'], 'one\ntwo\n'],
    ['has no colours and cursor movements', ['\x1b[2J\x1b[01;01H\x1b[1;32m  OK  \x1b[0m done\n'], '  OK   done\n'],
    ['has no window titles', ['\x1b]0;root@atoll\x07$ ', '\x1b]0;x\x1b\\# '], '$ # '],
    ['has no escape that came in two parts', ['a\x1b', '[3', '1mb'], 'ab'],
    ['has whole characters that came in two parts', ['\xc3', '\xa4'], 'ä'],
  ];
  for (const [name, chunks, text] of cases) {
    it(name, () => {
      const console = new Console();
      for (const chunk of chunks) {
        console.feed(Buffer.from(chunk, 'latin1'));
      }
      assert.equal(console.text, text);
    });
  }
});

describe('waiting for a line', () => {
  it('finds what is there already, and then only what comes after it', async () => {
    const console = new Console();
    console.feed(Buffer.from('login: \nlogin: again\n'));
    assert.equal((await console.waitFor(/login: (.*)\n/, soon))[1], '');
    assert.equal((await console.waitFor(/login: (.*)\n/, soon))[1], 'again');
    await assert.rejects(console.waitFor(/login/, { timeoutMs: 5 }), { name: 'TimeoutError' });
  });

  it('tells once of a line that is watched for, and leaves it to who waits', async () => {
    const console = new Console();
    let told = '';
    const stop = console.watch(/stall/, () => {
      told += 'never ';
    });
    stop();
    console.watch(/stall/, () => {
      told += 'once ';
    });
    console.feed(Buffer.from('a st'));
    assert.equal(told, '');
    console.feed(Buffer.from('all\nstall\n'));
    assert.equal(told, 'once ');
    await console.waitFor(/stall/, soon);
    console.watch(/stall/, () => {
      told += 'there already';
    });
    assert.equal(told, 'once there already');
  });

  it('waits for what comes in parts', async () => {
    const console = new Console();
    const found = console.waitFor(/Ready after (\d+) s/, soon);
    for (const part of ['Rea', 'dy after 2', '3 ', 's\n']) {
      console.feed(Buffer.from(part));
    }
    assert.equal((await found)[1], '23');
  });

  it('does not find what was before markEnd', async () => {
    const console = new Console();
    console.feed(Buffer.from('login:\n'));
    console.markEnd();
    await assert.rejects(console.waitFor(/login/, { timeoutMs: 5 }), { name: 'TimeoutError' });
  });

  it('fails with the last 30 lines when the machine ends', async () => {
    const console = new Console();
    console.feed(Buffer.from(Array.from({ length: 40 }, (_, index) => `line ${index}\n`).join('')));
    const failed = assert.rejects(console.waitFor(/never/, soon), (error: Error) => {
      assert.match(error.message, /^QEMU was ended/);
      assert.doesNotMatch(error.message, /line 9\n/);
      assert.match(error.message, /line 10\n.*line 39$/s);
      return true;
    });
    console.end('QEMU was ended by SIGKILL');
    await failed;
  });
});

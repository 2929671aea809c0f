import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MAX_WAITING_BYTES, WatchStream } from './stream.ts';

const frame = (text: string): Buffer => Buffer.from(`${text}\n`);

/** What the stream hands on until it ends, as text. */
async function read(stream: WatchStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString().trim().replaceAll('\n', ' ');
}

describe('the answer to a watch', () => {
  it('has what was there before what happens, however slowly the former is read', async () => {
    async function* first(): AsyncGenerator<Buffer> {
      for (const text of ['a', 'b', 'c']) {
        await new Promise(resolve => setImmediate(resolve));
        stream.push(frame(`after-${text}`));
        yield frame(text);
      }
      stream.end();
    }
    const stream: WatchStream = new WatchStream(first(), () => undefined);
    stream.push(frame('early'));
    assert.equal(await read(stream), 'a b c early after-a after-b after-c');
  });

  it('hands on what comes while it waits', async () => {
    const stream = new WatchStream(undefined, () => undefined);
    setImmediate(() => {
      stream.push(frame('one'));
      stream.push(frame('two'));
      setImmediate(() => {
        stream.push(frame('three'));
        stream.end();
      });
    });
    assert.equal(await read(stream), 'one two three');
  });

  it('with nothing there before', async () => {
    const nothing = (async function* (): AsyncGenerator<Buffer> {})();
    const stream = new WatchStream(nothing, () => undefined);
    stream.push(frame('one'));
    stream.end();
    assert.equal(await read(stream), 'one');
  });

  it('that could not be read to its end says so last', async () => {
    async function* first(): AsyncGenerator<Buffer> {
      yield frame('a');
      yield frame('error');
      void stream.return();
    }
    const stream: WatchStream = new WatchStream(first(), () => undefined);
    stream.push(frame('after'));
    assert.equal(await read(stream), 'a error');
  });

  it('ends what is being read when it is left, and closes once', async () => {
    let closed = 0;
    let left = false;
    async function* first(): AsyncGenerator<Buffer> {
      try {
        for (;;) yield Buffer.alloc(70_000, 'x');
      } finally {
        left = true;
      }
    }
    const stream = new WatchStream(first(), () => closed++);
    await stream.next();
    await stream.return();
    await stream.return();
    await new Promise(resolve => setImmediate(resolve));
    assert.deepEqual([closed, left, (await stream.next()).done], [1, true, true]);
  });

  it('is cut when too much waits', async () => {
    let closed = 0;
    const stream = new WatchStream(undefined, () => closed++);
    assert.equal(stream.push(Buffer.alloc(MAX_WAITING_BYTES)), true);
    assert.equal(stream.push(frame('one too many')), false);
    assert.deepEqual([closed, await read(stream)], [1, '']);
  });
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { constants, inflateRawSync } from 'node:zlib';
import { SpdyConnection } from './spdy.ts';

/** A socket whose other end is the test: `sent` is what was written to it. */
class FakeSocket extends Duplex {
  sent: Buffer = Buffer.alloc(0);
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.sent = Buffer.concat([this.sent, chunk]);
    done();
  }
  /** The frames written so far, as hex, without those seen before. */
  frames(): string[] {
    const frames: string[] = [];
    while (this.sent.length >= 8) {
      const size = 8 + this.sent.readUIntBE(5, 3);
      frames.push(this.sent.subarray(0, size).toString('hex'));
      this.sent = this.sent.subarray(size);
    }
    return frames;
  }
}

const connect = (): { socket: FakeSocket; spdy: SpdyConnection; receive: (hex: string) => void } => {
  const socket = new FakeSocket();
  const spdy = new SpdyConnection(socket, Buffer.alloc(0));
  return { socket, spdy, receive: hex => void socket.push(Buffer.from(hex.replaceAll(' ', ''), 'hex')) };
};

describe('SpdyConnection', () => {
  it('opens streams with header blocks any zlib reads', () => {
    const { socket, spdy } = connect();
    spdy.open({ streamtype: 'error' });
    spdy.open({ streamtype: 'stdin' });
    const [first = '', second = ''] = socket.frames();
    assert.match(first, /^8003000100.{6}00000001000000000000(78bbe3c6a7c2)/);
    assert.equal(second.slice(0, 8), '80030001');
    assert.equal(second.slice(16, 24), '00000003');
    const deflated = Buffer.concat([
      Buffer.from(first, 'hex').subarray(8 + 10 + 6),
      Buffer.from(second, 'hex').subarray(18),
    ]);
    const blocks = inflateRawSync(deflated, { finishFlush: constants.Z_SYNC_FLUSH });
    const one = (value: string): string => `\0\0\0\x01\0\0\0\x0astreamtype\0\0\0\x05${value}`;
    assert.equal(blocks.toString('latin1'), one('error') + one('stdin'));
  });

  it('reads data however it is cut, and ends of streams', async () => {
    for (const cut of [1, 7, 8, 9, 1000]) {
      const { socket, spdy } = connect();
      const stdout = spdy.open({ streamtype: 'stdout' });
      const stderr = spdy.open({ streamtype: 'stderr' });
      const frames = Buffer.from(
        [
          '80030002 00000004 00000001', // SYN_REPLY
          '00000001 00000005 68656c6c6f',
          '80030004 00000004 00000000', // SETTINGS
          '00000003 01000004 6f6f7073', // with FIN
          '00000001 00000001 21',
          '80030003 00000008 00000001 00000005', // RST_STREAM
        ]
          .join('')
          .replaceAll(' ', ''),
        'hex',
      );
      for (let at = 0; at < frames.length; at += cut) socket.push(frames.subarray(at, at + cut));
      assert.deepEqual(await Promise.all([text(stdout), text(stderr)]), ['hello!', 'oops'], `cut at ${cut}`);
    }
  });

  it('writes data in pieces and ends with FIN', async () => {
    const { socket, spdy } = connect();
    const stdin = spdy.open({ streamtype: 'stdin' });
    socket.frames();
    stdin.end(Buffer.alloc(40_000, 'x'));
    await once(stdin, 'finish');
    const frames = socket.frames();
    assert.deepEqual(
      frames.map(frame => [frame.slice(0, 16), frame.length / 2 - 8]),
      [
        ['0000000100008000', 32_768],
        ['0000000100001c40', 7_232],
        ['0000000101000000', 0],
      ],
    );
  });

  it('answers pings of the server and refuses its streams', async () => {
    const { socket, receive } = connect();
    receive('80030006 00000004 00000002  80030006 00000004 00000001  80030001 0000000a 00000002 00000000 0000');
    await new Promise(resolve => setImmediate(resolve));
    assert.deepEqual(socket.frames(), ['800300060000000400000002', '80030003000000080000000200000003']);
  });

  it('ends every stream when the server goes away, and fails those that are lost', async () => {
    const away = connect();
    const ended = away.spdy.open({ streamtype: 'stdout' });
    away.receive('00000001 00000002 6869  80030007 00000008 00000001 00000000');
    assert.equal(await text(ended), 'hi');

    const lost = connect();
    const failing = text(lost.spdy.open({ streamtype: 'error' }));
    lost.socket.push(null);
    await assert.rejects(failing, /connection to the container runtime was lost/);
  });

  it('gives up a connection that sends what is not SPDY', async () => {
    const { socket, spdy, receive } = connect();
    const failing = text(spdy.open({ streamtype: 'error' }));
    receive(Buffer.from('HTTP/1.1 500 Oh no').toString('hex'));
    await assert.rejects(failing, /SPDY frame of \d+ octets/);
    assert.ok(socket.destroyed);
  });

  it('stops reading while a stream is full', async () => {
    const { socket, spdy, receive } = connect();
    const stdout = spdy.open({ streamtype: 'stdout' });
    receive(`00000001 00008000 ${'00'.repeat(32_768)}`);
    await once(stdout, 'readable');
    assert.ok(socket.isPaused());
    stdout.read();
    await new Promise(resolve => setImmediate(resolve));
    assert.ok(!socket.isPaused());
  });
});

it('output that ends while its reader is behind does not silence the other streams', { timeout: 5000 }, async () => {
  const socket = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  const connection = new SpdyConnection(socket, Buffer.alloc(0));
  const error = connection.open({ streamtype: 'error' });
  const stdout = connection.open({ streamtype: 'stdout' });
  const frame = (id: number, flags: number, data: Buffer): Buffer => {
    const header = Buffer.alloc(8);
    header.writeUInt32BE(id, 0);
    header.writeUInt8(flags, 4);
    header.writeUIntBE(data.length, 5, 3);
    return Buffer.concat([header, data]);
  };
  const much = Buffer.alloc(200_000);
  socket.push(Buffer.concat([frame(3, 0, much), frame(3, 1, Buffer.alloc(0))]));
  await new Promise(resolve => setImmediate(resolve));
  socket.push(frame(1, 1, Buffer.from('status')));
  // As exec reads it: the stream lives on after its output, until the command's status is known.
  const read = async (stream: Duplex): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) chunks.push(chunk);
    return Buffer.concat(chunks);
  };
  const [output, status] = await Promise.all([read(stdout), read(error)]);
  assert.equal(output.length, much.length);
  assert.equal(status.toString(), 'status');
  connection.destroy();
});

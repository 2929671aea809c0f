/**
 * exec and attach: a client's WebSocket on one side, containerd's SPDY streams on the other.
 *
 * The client's protocol (https://kubernetes.io/docs/reference/using-api/…, KEP-4006) puts a channel number in front of
 * every message; `v5` adds a message that ends a channel, which is how standard input gets an end. The runtime's is
 * `v4.channel.k8s.io`, whose error stream ends with a `Status` that holds the exit code.
 */
import type { WebSocket } from 'ws';
import type { SpdyConnection, SpdyStream } from './spdy.ts';

const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** Best first. `channel.k8s.io` to v3 differ in the error channel only, which is text there. */
const protocols = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v3.channel.k8s.io',
  'v2.channel.k8s.io',
  'channel.k8s.io',
] as const;

/** What the runtime is asked to speak. */
export const runtimeProtocol = 'v4.channel.k8s.io';

/** The best of what a client offers. */
export function chooseProtocol(offered: readonly string[]): string | undefined {
  return protocols.find(protocol => offered.includes(protocol));
}

export interface CommandStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/**
 * Carries one command's streams until it has ended, then closes both connections. Never rejects.
 *
 * @param socket the client's, of one of the protocols above.
 * @param runtime containerd's, upgraded, with nothing opened on it yet.
 */
export async function carryCommand(socket: WebSocket, runtime: SpdyConnection, wanted: CommandStreams): Promise<void> {
  const open = (streamtype: string): SpdyStream => runtime.open({ streamtype });
  // The runtime waits for exactly these.
  const error = open('error');
  const stdin = wanted.stdin ? open('stdin') : undefined;
  const stdout = wanted.stdout ? open('stdout') : undefined;
  const stderr = wanted.stderr ? open('stderr') : undefined;
  const resize = wanted.tty ? open('resize') : undefined;

  socket.once('close', () => runtime.destroy());
  socket.on('error', () => runtime.destroy());
  receive(socket, stdin, resize);

  // Tells the client that the streams are there, as upstream does: an empty message on the first one it reads.
  socket.send(Buffer.of(stdout ? channels.stdout : stderr ? channels.stderr : channels.error));
  const [status] = await Promise.all([
    readStatus(error),
    ...(stdout ? [send(socket, channels.stdout, stdout)] : []),
    ...(stderr ? [send(socket, channels.stderr, stderr)] : []),
  ]);
  const message = errorMessage(socket.protocol, status);
  if (message.length > 0 && socket.readyState === socket.OPEN) {
    socket.send(Buffer.concat([Buffer.of(channels.error), message]));
  }
  socket.close(1000);
  runtime.destroy();
}

/** Messages of the client to the streams they are for. While standard input is full, none are read. */
function receive(socket: WebSocket, stdin: SpdyStream | undefined, resize: SpdyStream | undefined): void {
  const isV5 = socket.protocol === 'v5.channel.k8s.io';
  stdin?.on('drain', () => socket.resume());
  stdin?.once('close', () => socket.resume());
  socket.on('message', data => {
    if (!Buffer.isBuffer(data) || data.length === 0) return;
    const payload = data.subarray(1);
    switch (data.readUInt8(0)) {
      case channels.stdin:
        if (stdin?.writable && payload.length > 0 && !stdin.write(payload)) socket.pause();
        return;
      case channels.resize:
        if (resize?.writable) resize.write(payload);
        return;
      case channels.close:
        if (isV5 && payload[0] === channels.stdin) stdin?.end();
        return;
    }
  });
}

async function send(socket: WebSocket, channel: number, stream: SpdyStream): Promise<void> {
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (socket.readyState !== socket.OPEN) return;
      await new Promise<void>(resolve => {
        socket.send(Buffer.concat([Buffer.of(channel), chunk]), () => resolve());
      });
    }
  } catch {
    // the runtime's connection broke: the error stream says so
  }
}

async function readStatus(stream: SpdyStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) chunks.push(chunk);
    if (chunks.length > 0) return Buffer.concat(chunks);
    throw new Error('the container runtime did not say how the command ended');
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const status = { metadata: {}, status: 'Failure', reason: 'InternalError', message, code: 500 };
    return Buffer.from(JSON.stringify(status));
  }
}

/** Protocols before v4 have words on the error channel, and none for success. */
function errorMessage(protocol: string, status: Buffer): Buffer {
  if (protocol === 'v5.channel.k8s.io' || protocol === 'v4.channel.k8s.io') return status;
  const parsed: unknown = JSON.parse(status.toString('utf8'));
  if (typeof parsed !== 'object' || parsed === null) return status;
  if ('status' in parsed && parsed.status === 'Success') return Buffer.alloc(0);
  return 'message' in parsed ? Buffer.from(String(parsed.message)) : status;
}

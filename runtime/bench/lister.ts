/**
 * A client that lists again and again, in a process of its own: what receiving 100 MB costs is not felt where latencies are measured.
 * What it gets it throws away.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import http2 from 'node:http2';
import https from 'node:https';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { SpawnedServer } from '../test/startServer.ts';

export interface ListAsked {
  readonly protocol: 'h2' | 'h1.1';
  readonly path: string;
  readonly accept: string;
}

interface Question extends ListAsked {
  readonly url: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Of one list. */
export interface Listed {
  readonly ms: number;
  readonly bytes: number;
}

export class Lister {
  readonly #child: ChildProcess;
  /** The lists that have ended, in order. */
  readonly ended: Listed[] = [];
  #failure: Error | undefined;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (listed: Listed | string) => {
      if (typeof listed === 'object') this.ended.push(listed);
    });
    child.once('exit', code => {
      if (code !== 0) this.#failure = new Error(`the process that lists ended with ${code}`);
    });
  }

  /** Resolves when the first list is being asked for. */
  static async start(server: SpawnedServer, asked: ListAsked): Promise<Lister> {
    const child = fork(fileURLToPath(import.meta.url), ['lister'], { execArgv: ['--import', 'tsx'] });
    const lister = new Lister(child);
    const { certificatePem: cert, privateKeyPem: key } = server.admin;
    child.send({ ...asked, url: server.url, ca: server.ca, cert, key } satisfies Question);
    await Promise.race([once(child, 'message'), once(child, 'exit')]);
    lister.check();
    return lister;
  }

  /** @throws Error if it has failed */
  check(): void {
    if (this.#failure) throw this.#failure;
  }

  /** No more lists, not even the one that is going on. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill();
    await once(this.#child, 'exit');
  }
}

async function list(question: Question): Promise<never> {
  const { protocol, path, accept, url, ...credentials } = question;
  const agent = new https.Agent({ keepAlive: true, ...credentials });
  // As Go's client: 4 MiB a stream.
  const settings = { initialWindowSize: 4 * 1024 * 1024 };
  const session = protocol === 'h2' ? http2.connect(url, { ...credentials, settings }) : undefined;
  session?.once('connect', () => session.setLocalWindowSize(64 * 1024 * 1024));
  const ask = async (): Promise<{ status: number; body: Readable }> => {
    if (session) {
      const stream = session.request({ ':path': path, accept });
      const [headers] = (await once(stream, 'response')) as [{ ':status'?: number }];
      return { status: headers[':status'] ?? 0, body: stream };
    }
    const request = https.get(`${url}${path}`, { agent, headers: { accept } });
    const [response] = (await once(request, 'response')) as [Readable & { statusCode?: number }];
    return { status: response.statusCode ?? 0, body: response };
  };
  for (;;) {
    const began = performance.now();
    const { status, body } = await ask();
    let bytes = 0;
    for await (const chunk of body) {
      if (status !== 200) throw new Error(`list: ${status} ${String(chunk).slice(0, 300)}`);
      bytes += (chunk as Buffer).length;
    }
    process.send?.({ ms: performance.now() - began, bytes } satisfies Listed);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.argv[2] === 'lister') {
  const [question] = (await once(process, 'message')) as [Question];
  process.once('disconnect', () => process.exit(0));
  process.send?.('listing');
  await list(question);
}

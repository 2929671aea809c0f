/**
 * QEMU's machine protocol: one JSON object a line over a stream (QEMU's docs/interop/qmp-spec).
 *
 * Invariants: a command is sent only after the capabilities handshake; every pending command is settled exactly once, by its
 * answer or by the end of the stream; events go to listeners and are not kept.
 */
import type { Duplex } from 'node:stream';
import { within } from './deadline.ts';

/** An asynchronous notice of QEMU: `SHUTDOWN`, `RESET`, `STOP`… */
export interface QmpEvent {
  readonly event: string;
  readonly data?: unknown;
}

interface Answer extends Partial<QmpEvent> {
  readonly QMP?: unknown;
  readonly id?: number;
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
}

interface Pending {
  readonly command: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** QEMU refused a command, or went away before it answered. */
export class QmpError extends Error {
  override readonly name = 'QmpError';
  readonly code = 'ATOLL_QMP';
}

export class Qmp {
  readonly #stream: Duplex;
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Set<(event: QmpEvent) => void>();
  readonly #greeted: Promise<void>;
  #greet: () => void = () => {};
  #refuse: (error: Error) => void = () => {};
  #nextId = 1;
  #buffered = '';
  #ended = false;

  constructor(stream: Duplex) {
    this.#stream = stream;
    this.#greeted = new Promise((resolve, reject) => {
      this.#greet = resolve;
      this.#refuse = reject;
    });
    this.#greeted.catch(() => {});
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => this.#read(chunk));
    stream.on('error', () => this.#end());
    stream.on('close', () => this.#end());
  }

  /** Waits for QEMU's greeting and leaves the negotiation mode: needed once, before the first command. */
  async handshake(timeoutMs = 10_000): Promise<void> {
    await within(this.#greeted, timeoutMs, "QEMU's QMP greeting");
    await this.execute('qmp_capabilities');
  }

  /**
   * @returns the command's `return` value; its shape is the command's own (docs/interop/qemu-qmp-ref)
   * @throws {QmpError} with QEMU's own words
   */
  async execute(command: string, args?: Record<string, unknown>, timeoutMs = 60_000): Promise<unknown> {
    if (this.#ended) {
      throw new QmpError(`${command}: QEMU is not running`);
    }
    const id = this.#nextId++;
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#pending.set(id, { command, resolve, reject });
      this.#stream.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
    });
    return within(answer, timeoutMs, `QEMU to answer ${command}`).finally(() => this.#pending.delete(id));
  }

  /**
   * A command of the human monitor (`savevm`, `info usernet`), for what QMP has no command for.
   * @returns what the monitor printed; errors are printed there too, so the caller has to look at it
   */
  async monitor(commandLine: string, timeoutMs = 120_000): Promise<string> {
    return String(await this.execute('human-monitor-command', { 'command-line': commandLine }, timeoutMs));
  }

  /** @returns a function that stops listening */
  onEvent(listener: (event: QmpEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The next event of that name after this call. */
  async event(name: string, timeoutMs: number): Promise<QmpEvent> {
    let stop = (): void => {};
    const seen = new Promise<QmpEvent>(resolve => {
      stop = this.onEvent(event => event.event === name && resolve(event));
    });
    return within(seen, timeoutMs, `QEMU's event ${name}`).finally(stop);
  }

  #read(chunk: string): void {
    const lines = (this.#buffered + chunk).split('\n');
    this.#buffered = lines.pop() ?? '';
    for (const line of lines) {
      if (line.trim() !== '') {
        this.#take(JSON.parse(line) as Answer);
      }
    }
  }

  #take(answer: Answer): void {
    if (answer.QMP !== undefined) {
      this.#greet();
    } else if (answer.event !== undefined) {
      const event: QmpEvent = { event: answer.event, data: answer.data };
      for (const listener of [...this.#listeners]) {
        listener(event);
      }
    } else if (answer.id !== undefined) {
      const pending = this.#pending.get(answer.id);
      if (answer.error === undefined) {
        pending?.resolve(answer.return);
      } else {
        pending?.reject(new QmpError(`${pending.command}: ${answer.error.desc} (${answer.error.class})`));
      }
    }
  }

  #end(): void {
    this.#ended = true;
    this.#refuse(new QmpError('QEMU ended before it greeted'));
    for (const { command, reject } of this.#pending.values()) {
      reject(new QmpError(`${command}: QEMU ended before it answered`));
    }
  }
}

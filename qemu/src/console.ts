/**
 * A serial console as a growing log that is searched from a mark.
 *
 * Invariants: `text` only grows and holds what the guest printed, without terminal escapes and carriage returns; the mark only
 * moves forward, to the end of what the last successful wait matched, so a wait never sees the same line twice.
 */

import type { Duplex } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { TimeoutError } from './deadline.ts';

// ECMA-48: CSI sequences, OSC strings ended by BEL or ST, and two-character escapes. OVMF, systemd and shells print all three.
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are control characters
const escapes = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-Z\\^-~])/g;
// An escape sequence whose end has not arrived yet, at the end of a chunk.
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are control characters
const unfinished = /\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?|[ -/]*)?$/;

interface Waiter {
  readonly check: () => boolean;
  readonly fail: (error: Error) => void;
}

export interface WaitOptions {
  /** How long the guest may take to print it. */
  readonly timeoutMs: number;
}

export class Console {
  readonly #decoder = new StringDecoder('utf8');
  readonly #waiters = new Set<Waiter>();
  readonly #onData: (raw: Buffer) => void;
  #stream: Duplex | undefined;
  #text = '';
  #pendingEscape = '';
  #mark = 0;

  /** @param onData called with the bytes as they come, escapes and all: for a log file or a terminal */
  constructor(onData: (raw: Buffer) => void = () => {}) {
    this.#onData = onData;
  }

  /** Reads (and sends to) this stream from now on: a machine that is switched on again has the same console. */
  attach(stream: Duplex): void {
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => this.feed(chunk));
    stream.on('error', () => {});
  }

  /** Everything printed so far. */
  get text(): string {
    return this.#text;
  }

  /** Appends what the guest printed. */
  feed(chunk: Buffer): void {
    this.#onData(chunk);
    const raw = this.#pendingEscape + this.#decoder.write(chunk);
    const cut = raw.search(unfinished);
    this.#pendingEscape = cut === -1 ? '' : raw.slice(cut);
    const complete = cut === -1 ? raw : raw.slice(0, cut);
    this.#text += complete.replace(escapes, '').replaceAll('\r', '');
    for (const waiter of [...this.#waiters]) {
      if (waiter.check()) {
        this.#waiters.delete(waiter);
      }
    }
  }

  /** The last `count` lines, for error messages. */
  lastLines(count = 30): string {
    return this.#text.trimEnd().split('\n').slice(-count).join('\n');
  }

  /** From now on only what is printed later is searched. */
  markEnd(): void {
    this.#mark = this.#text.length;
  }

  /**
   * Waits until the text after the mark matches, then moves the mark behind the match.
   * @throws {TimeoutError} showing the last 30 lines; an Error at once if the machine stops running
   */
  async waitFor(pattern: RegExp, { timeoutMs }: WaitOptions): Promise<RegExpExecArray> {
    const stateless = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
    return new Promise((resolve, reject) => {
      const check = (): boolean => {
        const match = stateless.exec(this.#text.slice(this.#mark));
        if (match === null) {
          return false;
        }
        this.#mark += match.index + match[0].length;
        clearTimeout(timer);
        resolve(match);
        return true;
      };
      const fail = (error: Error): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        reject(error);
      };
      const waiter: Waiter = { check, fail };
      const timer = setTimeout(
        () => fail(new TimeoutError(`the console to show ${pattern}`, timeoutMs, this.excerpt())),
        timeoutMs,
      );
      if (!check()) {
        this.#waiters.add(waiter);
      }
    });
  }

  /** Calls back once, when the text after the mark matches; the mark stays. @returns stops looking */
  watch(pattern: RegExp, callback: () => void): () => void {
    const stateless = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
    const check = (): boolean => {
      if (!stateless.test(this.#text.slice(this.#mark))) return false;
      callback();
      return true;
    };
    const waiter: Waiter = { check, fail: () => this.#waiters.delete(waiter) };
    if (!check()) this.#waiters.add(waiter);
    return () => void this.#waiters.delete(waiter);
  }

  /** Types on the console. */
  send(text: string): void {
    this.#stream?.write(text);
  }

  /** The machine does not run any more: nothing more will come, so every wait fails with `reason`. */
  end(reason: string): void {
    this.#stream = undefined;
    for (const waiter of [...this.#waiters]) {
      waiter.fail(new Error(`${reason}\n${this.excerpt()}`));
    }
  }

  /** The same, as the end of an error's message. */
  excerpt(): string {
    return `last lines of the console:\n${this.lastLines().replace(/^/gm, '  | ')}`;
  }
}

/**
 * The file a console is kept in.
 *
 * Invariants: it is made by the first byte and stays open, so that a machine goes on when somebody removes its folder; a file that cannot
 * be written (a full disk) is told once, and costs the log only.
 */
import { appendFileSync, closeSync, openSync } from 'node:fs';

export class ConsoleLog implements Disposable {
  readonly #file: string;
  readonly #onLost: (why: Error) => void;
  #descriptor: number | undefined;
  #isLost = false;
  #isClosed = false;

  /** @param onLost called once, when something of it could not be written; what follows is tried all the same */
  constructor(file: string, onLost: (why: Error) => void = () => {}) {
    this.#file = file;
    this.#onLost = onLost;
  }

  write(raw: Buffer): void {
    if (this.#isClosed) return;
    try {
      this.#descriptor ??= openSync(this.#file, 'a');
      appendFileSync(this.#descriptor, raw);
    } catch (error) {
      if (this.#isLost) return;
      this.#isLost = true;
      this.#onLost(error as Error);
    }
  }

  [Symbol.dispose](): void {
    if (this.#descriptor !== undefined && !this.#isClosed) closeSync(this.#descriptor);
    this.#isClosed = true;
  }
}

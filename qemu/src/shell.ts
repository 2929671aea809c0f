/**
 * A root shell in the guest for tests, over the virtio port `atoll.shell.0`.
 *
 * The guest's side is a plain `/bin/sh` whose standard input and output are that port (unit `atoll-debug-shell.service`, started
 * only with `atoll.debug-shell` on the kernel command line). There is no terminal, so no echo, prompt or line editing.
 *
 * Framing: each command gets a random word. The shell runs it with its output going to files, then prints
 * `<word> <status>`, both outputs in base64, each ended by the word alone. Base64 never contains the word (it has a
 * colon), so no output can be taken for a frame.
 *
 * Invariant: one command at a time; they run in the order of the calls.
 */
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { within } from './deadline.ts';

export interface ShellResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

export interface ShellOptions {
  /** How long the command may take, 30 s unless told. The guest kills it then. */
  readonly timeoutMs?: number;
}

/** A command exited with another status than 0. */
export class ShellError extends Error {
  override readonly name = 'ShellError';
  readonly code = 'ATOLL_GUEST_COMMAND';
}

export class Shell {
  readonly #scratch: string;
  readonly #details: () => string;
  #stream: Duplex | undefined;
  #received = '';
  #arrived: (() => void) | undefined;
  #ended: string | undefined;
  /** The guest's shell has answered on this stream. */
  #present = false;
  #last: Promise<unknown> = Promise.resolve();

  /**
   * @param details what a wait in vain says besides: what the machine is doing
   * @param scratch prefix of the guest's files that hold the outputs meanwhile
   */
  constructor(details: () => string = () => '', scratch = '/run/atoll-shell') {
    this.#details = details;
    this.#scratch = scratch;
  }

  /** Talks over this stream from now on. */
  attach(stream: Duplex): void {
    this.#stream = stream;
    this.#received = '';
    this.#ended = undefined;
    this.#present = false;
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      this.#received += chunk;
      this.#arrived?.();
    });
    stream.on('error', () => {});
  }

  /** Nothing will answer any more. */
  end(reason: string): void {
    this.#stream = undefined;
    this.#ended = reason;
    this.#arrived?.();
  }

  /**
   * Runs a command line of `sh` as root, with empty standard input.
   * @returns outputs as UTF-8 text and the exit status (137 if it was killed for taking too long)
   * @throws TimeoutError if the guest does not answer: no shell there (yet), or it hangs
   */
  run(command: string, { timeoutMs = 30_000 }: ShellOptions = {}): Promise<ShellResult> {
    const result = this.#last.then(() => this.#run(command, timeoutMs));
    this.#last = result.catch(() => {});
    return result;
  }

  /**
   * The same for a command that has to succeed.
   * @returns its stdout without the newline at the end
   * @throws {ShellError} with the command, its status and what it printed
   */
  async output(command: string, options: ShellOptions = {}): Promise<string> {
    const { stdout, stderr, exitCode } = await this.run(command, options);
    if (exitCode !== 0) {
      throw new ShellError(`in the guest: '${command}' exited with ${exitCode}\n${stdout}${stderr}`);
    }
    return stdout.trimEnd();
  }

  async #run(command: string, timeoutMs: number): Promise<ShellResult> {
    const deadline = performance.now() + timeoutMs + graceMs;
    const left = (): number => Math.max(1, deadline - performance.now());
    await this.#greet(left());
    const word = `:${randomBytes(8).toString('hex')}:`;
    this.#write(script(command, word, Math.ceil(timeoutMs / 1000), this.#scratch));
    const frame = new RegExp(`${word} (\\d+)\\n([^:]*)${word}\\n([^:]*)${word}\\n`);
    const what = `the guest's shell to run '${command}'`;
    const [, status, stdout = '', stderr = ''] = await within(this.#answer(frame, what), left(), what, this.#details);
    return { stdout: decode(stdout), stderr: decode(stderr), exitCode: Number(status) };
  }

  /** What is sent before the guest's shell has opened the port is lost, so it is greeted until it answers. */
  async #greet(timeoutMs: number): Promise<void> {
    if (this.#present) {
      return;
    }
    const word = `:${randomBytes(8).toString('hex')}:`;
    this.#write(`echo ${word}\n`);
    const timer = setInterval(() => this.#stream?.write(`echo ${word}\n`), 500);
    try {
      const what = 'a root shell in the guest (unit atoll-debug-shell, kernel argument atoll.debug-shell)';
      await within(this.#answer(new RegExp(`${word}\\n`), what), timeoutMs, what, this.#details);
      this.#present = true;
    } finally {
      clearInterval(timer);
    }
  }

  #write(text: string): void {
    if (this.#stream === undefined) {
      throw new Error(`no shell in the guest: ${this.#ended ?? 'the machine is off'}`);
    }
    this.#stream.write(text);
  }

  /** What the guest prints from now on, once it matches. */
  #answer(pattern: RegExp, what: string): Promise<RegExpExecArray> {
    this.#received = '';
    return new Promise((resolve, reject) => {
      this.#arrived = () => {
        const match = pattern.exec(this.#received);
        if (match !== null) {
          resolve(match);
        } else if (this.#ended !== undefined) {
          reject(new Error(`the machine ended while waiting for ${what}: ${this.#ended}`));
        }
      };
    });
  }
}

/** For the way there and back, beyond the command's own time. */
const graceMs = 10_000;

/** What the guest's shell is sent: ASCII, whatever the command holds. */
function script(command: string, word: string, timeoutSeconds: number, scratch: string): string {
  const encoded = Buffer.from(command, 'utf8').toString('base64');
  return [
    `timeout -s KILL ${timeoutSeconds} sh -c "$(echo ${encoded} | base64 -d)" </dev/null >${scratch}.out 2>${scratch}.err`,
    `printf '%s %d\\n' ${word} $?`,
    `base64 ${scratch}.out; echo ${word}; base64 ${scratch}.err; echo ${word}`,
    '',
  ].join('\n');
}

const decode = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8');

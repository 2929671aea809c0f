/**
 * One run of QEMU as a child process.
 *
 * Its channels (serial lines, QMP, virtio ports) are socket pairs inherited as descriptors 3, 4, …: nothing printed early is
 * lost, there is no path, no port and no race, and nobody else can connect. Named channels in the order given; argument lists
 * refer to them as `-chardev socket,id=…,fd=3` and so on.
 *
 * Invariant: the child does not outlive this process: the kernel kills it (PR_SET_PDEATHSIG, set by util-linux' setpriv).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import type { Emulator } from './emulator.ts';

export interface ProcessOptions {
  /** QEMU's arguments. */
  readonly arguments: readonly string[];
  readonly channels: readonly string[];
  /** File for what QEMU itself says on stdout and stderr (replaced). */
  readonly log: string;
}

const setpriv = '/usr/bin/setpriv';

export class EmulatorProcess {
  /** Resolves, never rejects, with how it ended: `QEMU exited with status 1: <its words>`. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #channels: readonly string[];
  #why: string | undefined;

  private constructor(child: ChildProcess, options: ProcessOptions) {
    this.#child = child;
    this.#channels = options.channels;
    this.ended = new Promise(resolve => {
      const words = (): string => readFileSync(options.log, 'utf8').trim();
      child.on('error', error => resolve(`QEMU could not be started: ${error.message}`));
      child.on('close', (status, signal) =>
        resolve(
          this.#why ??
            (signal === null ? `QEMU exited with status ${status}: ${words()}` : `QEMU was ended by ${signal}`),
        ),
      );
    });
  }

  static spawn(emulator: Emulator, options: ProcessOptions): EmulatorProcess {
    const wrapped = existsSync(setpriv) ? [setpriv, '--pdeathsig', 'KILL', '--'] : [];
    const [program = '', ...args] = [...wrapped, ...emulator.qemu, ...options.arguments];
    const log = openSync(options.log, 'w');
    try {
      const child = spawn(program, args, {
        stdio: ['ignore', log, log, ...options.channels.map(() => 'pipe' as const)],
        env: { ...process.env, ...emulator.environment },
        // Its own process group: Ctrl-C on the terminal is for us to handle, not for the guest to die of.
        detached: true,
      });
      return new EmulatorProcess(child, options);
    } finally {
      closeSync(log);
    }
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The host's end of a channel. */
  channel(name: string): Duplex {
    const stream = this.#child.stdio[3 + this.#channels.indexOf(name)];
    if (!this.#channels.includes(name) || stream === null || stream === undefined || typeof stream === 'number') {
      throw new Error(`this machine has no channel '${name}' (it has ${this.#channels.join(', ')})`);
    }
    return stream as Duplex;
  }

  /**
   * SIGKILL: like pulling the plug. Returns when the process is gone.
   * @param why what {@link ended} says then
   */
  async kill(why?: string): Promise<void> {
    if (this.running) {
      this.#why ??= why;
      this.#child.kill('SIGKILL');
    }
    await this.ended;
  }
}

/**
 * Running a program: arguments as a list (never a shell), its last words kept for the error, killed when the build is.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BuildError } from './errors.ts';

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
  /** Fed to standard input; without it, standard input is empty. */
  readonly input?: Readable | Buffer | string;
  /** Receives standard output instead of the result's `stdout`. */
  readonly output?: Writable;
  /** Called with every complete line of standard error and (when not captured elsewhere) standard output. */
  readonly onLine?: (line: string) => void;
  /** Exit codes that are no failure. Default `[0]`. */
  readonly allowedExitCodes?: readonly number[];
  /** Stops the program when the build is interrupted; after `stopMs` it is killed. Default: killed at once. */
  readonly stopSignal?: NodeJS.Signals;
  /** How the program is named in an error. Default: the first word of `argv`. */
  readonly title?: string;
}

export interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const tailLines = 20;
/** How long a program that is asked to stop may clean up. */
const stopMs = 10_000;

/** The last non-empty lines of what a tool wrote. */
export function tailOf(text: string, lines: number = tailLines): string {
  return text
    .split(/[\r\n]+/)
    .filter(line => line.trim() !== '')
    .slice(-lines)
    .join('\n');
}

async function feed(child: ChildProcess, input: RunOptions['input']): Promise<void> {
  const stdin = child.stdin;
  if (!stdin) return;
  // A tool that ends early closes its input: its own exit status tells the story better than EPIPE.
  stdin.on('error', () => undefined);
  if (input === undefined) stdin.end();
  else if (typeof input === 'string' || Buffer.isBuffer(input)) stdin.end(input);
  else {
    await pipeline(input, stdin).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
    });
  }
}

/**
 * Runs `argv` to its end.
 * @throws BuildError TOOL_FAILED with the last 20 lines of its output, TOOLS_MISSING if it does not exist, INTERRUPTED if aborted.
 */
export async function run(argv: readonly [string, ...string[]], options: RunOptions = {}): Promise<RunResult> {
  const [command, ...args] = argv;
  const title = options.title ?? command;
  if (options.signal?.aborted)
    throw new BuildError('INTERRUPTED', `${title} was not started: the build was interrupted`);
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  let patience: NodeJS.Timeout | undefined;
  const stop = (): void => {
    child.kill(options.stopSignal ?? 'SIGKILL');
    patience = setTimeout(kill, stopMs);
  };
  options.signal?.addEventListener('abort', stop, { once: true });
  let stdout = '';
  let stderr = '';
  let partial = '';
  const lines = (chunk: string): void => {
    const split = (partial + chunk).split(/[\r\n]+/);
    partial = split.pop() ?? '';
    for (const line of split) if (line !== '') options.onLine?.(line);
  };
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
    lines(chunk);
  });
  let piped: Promise<void> = Promise.resolve();
  if (options.output) piped = pipeline(child.stdout, options.output);
  else {
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk;
      lines(chunk);
    });
  }
  try {
    const closed = once(child, 'close');
    const [ended, fed, out] = await Promise.allSettled([closed, feed(child, options.input), piped]);
    if (options.signal?.aborted) throw new BuildError('INTERRUPTED', `${title} was stopped: the build was interrupted`);
    if (ended.status === 'rejected') throw ended.reason;
    if (fed.status === 'rejected') throw fed.reason;
    if (out.status === 'rejected') throw out.reason;
    const exitCode = child.exitCode;
    if (exitCode === null || !(options.allowedExitCodes ?? [0]).includes(exitCode)) {
      throw new BuildError(
        'TOOL_FAILED',
        `${title} ended with ${exitCode === null ? child.signalCode : `status ${exitCode}`}`,
        {
          tail: tailOf(stderr + (stderr ? '\n' : '') + stdout),
        },
      );
    }
    return { exitCode, stdout, stderr };
  } catch (error) {
    kill();
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT' && 'syscall' in error) {
      throw new BuildError('TOOLS_MISSING', `${command} is not installed on this machine`, {
        hint: 'Run `make setup`, or install it with the system’s package manager.',
        cause: error,
      });
    }
    throw error;
  } finally {
    clearTimeout(patience);
    options.signal?.removeEventListener('abort', stop);
  }
}

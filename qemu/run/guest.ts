/** `atoll-builder` as a user calls it, with a cache of its own for nothing but the snapshots' names. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { repositoryRoot } from '../../builder/src/paths.ts';

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number | null;
  readonly tookMs: number;
}

export interface Running {
  readonly child: ChildProcess;
  readonly outcome: Promise<Outcome>;
  /** What it has said so far. */
  readonly said: () => string;
}

/** @param timeoutMs it is killed then, and the status is null */
export function atollBuilder(words: readonly string[], timeoutMs: number): Running {
  const startedAt = performance.now();
  const child = spawn(process.execPath, ['--import', 'tsx', join(repositoryRoot, 'builder/src/cli.ts'), ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: repositoryRoot,
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
    });
  const outcome = new Promise<Outcome>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', status => resolve({ ...said, status, tookMs: performance.now() - startedAt }));
  });
  return { child, outcome, said: () => said.stdout + said.stderr };
}

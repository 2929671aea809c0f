/** A benchmark that is a program of its own and prints JSON. */
import { repositoryRoot } from '../../builder/src/paths.ts';
import { run } from '../../builder/src/process.ts';

/** @throws BuildError with its last words if it fails; SyntaxError if it prints something else */
export async function measuredBy<T>(script: string, signal: AbortSignal, options: readonly string[] = []): Promise<T> {
  const { stdout } = await run([process.execPath, '--import', 'tsx', script, '--json', ...options], {
    cwd: repositoryRoot,
    signal,
    title: script,
    stopSignal: 'SIGTERM',
  });
  return JSON.parse(stdout) as T;
}

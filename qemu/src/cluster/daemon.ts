/** The process behind `run --detach`: a run whose progress goes to the process that started it, until it is Ready. */
import { describeError } from '../../../builder/src/errors.ts';
import type { RunOptions } from './options.ts';
import { type ProgressMessage, sentProgress } from './relayed.ts';
import { run } from './run.ts';

export type DaemonMessage =
  | { readonly type: 'progress'; readonly message: ProgressMessage }
  | { readonly type: 'ready'; readonly text: string }
  | { readonly type: 'failed'; readonly text: string };

const send = (message: DaemonMessage): void => {
  // Nobody is there any more once it is Ready, or when the one who waited was killed.
  if (process.connected) process.send?.(message, () => {});
};

async function main(options: RunOptions): Promise<void> {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => stop.abort(new Error(`stopped by ${name}`)));
  let isReady = false;
  process.on('disconnect', () => {
    if (!isReady) stop.abort(new Error('who waited for it is gone'));
  });
  let text = '';
  try {
    await run(options, {
      progress: sentProgress(message => send({ type: 'progress', message })),
      signal: stop.signal,
      say: said => {
        text += `${said}\n`;
      },
      onReady: () => {
        isReady = true;
        send({ type: 'ready', text });
      },
    });
  } catch (error) {
    if (stop.signal.aborted) return;
    process.stderr.write(`${describeError(error)}\n`);
    send({ type: 'failed', text: describeError(error) });
    process.exitCode = 1;
  } finally {
    if (process.connected) process.disconnect();
  }
}

process.once('message', message => void main(message as RunOptions));

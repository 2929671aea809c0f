/** Progress of a process in the background, shown by the one in the foreground: as messages. */
import type { Progress, ProgressLine } from '../../../builder/src/progress.ts';

export type ProgressMessage =
  | { readonly kind: 'start'; readonly line: number; readonly step: string; readonly title: string }
  | { readonly kind: 'note'; readonly line: number; readonly text: string }
  | { readonly kind: 'done' | 'fail'; readonly line: number }
  | { readonly kind: 'cached'; readonly step: string; readonly title: string }
  | { readonly kind: 'say'; readonly text: string };

/** @param send to the process in the foreground */
export function sentProgress(send: (message: ProgressMessage) => void): Progress {
  let lines = 0;
  return {
    start: (step, title) => {
      const line = lines++;
      send({ kind: 'start', line, step, title });
      return {
        note: text => send({ kind: 'note', line, text }),
        done: () => send({ kind: 'done', line }),
        fail: () => send({ kind: 'fail', line }),
      };
    },
    cached: (step, title) => send({ kind: 'cached', step, title }),
    say: text => send({ kind: 'say', text }),
    close: () => {},
  };
}

/** @returns shows what {@link sentProgress} sends */
export function shownProgress(progress: Progress): (message: ProgressMessage) => void {
  const lines = new Map<number, ProgressLine>();
  return message => {
    if (message.kind === 'say') progress.say(message.text);
    else if (message.kind === 'cached') progress.cached(message.step, message.title);
    else if (message.kind === 'start') lines.set(message.line, progress.start(message.step, message.title));
    else if (message.kind === 'note') lines.get(message.line)?.note(message.text);
    else lines.get(message.line)?.[message.kind]();
  };
}

/** A question on the terminal that standard input is. */
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';

/** Whether a person sits there. */
export const isAskable = (): boolean => process.stdin.isTTY === true;

/** What is typed is shown nowhere. */
const nowhere = (): Writable => new Writable({ write: (_, __, done) => done() });

/**
 * @param isSecret what is typed is not shown
 * @returns the line that is typed; undefined for Ctrl-C, Ctrl-D and an aborted signal
 */
export async function ask(
  question: string,
  { signal, isSecret = false }: { readonly signal: AbortSignal; readonly isSecret?: boolean },
): Promise<string | undefined> {
  const prompt = createInterface({
    input: process.stdin,
    output: isSecret ? nowhere() : process.stderr,
    terminal: true,
  });
  const given = new AbortController();
  // The terminal is the prompt's now, and Ctrl-C with it; after Ctrl-D nothing would ever come.
  prompt.once('SIGINT', () => given.abort());
  prompt.once('close', () => given.abort());
  // Not before the terminal has stopped to show what is typed.
  if (isSecret) process.stderr.write(question);
  try {
    return await prompt.question(isSecret ? '' : question, { signal: AbortSignal.any([signal, given.signal]) });
  } catch (error) {
    if (!(error instanceof Error && error.name === 'AbortError')) throw error;
    if (!isSecret) process.stderr.write('\n');
    return undefined;
  } finally {
    if (isSecret) process.stderr.write('\n');
    prompt.close();
  }
}

/** The question before something is lost. */
import { basename } from 'node:path';
import { BuildError } from '../errors.ts';
import { usage } from '../options.ts';
import { ask, isAskable } from './ask.ts';
import type { Choice } from './choose.ts';
import { contentText } from './list.ts';

/** Stopped before anything was written. */
export const notBegun = (message: string): BuildError =>
  new BuildError('INTERRUPTED', message, { hint: 'Nothing was written.' });

/** Asks on the terminal what --yes would say. @throws BuildError USAGE without a terminal, INTERRUPTED for another answer. */
export async function confirm(choices: readonly Choice[], signal: AbortSignal): Promise<void> {
  const overwritten = choices.filter(({ target }) => target.exists);
  if (overwritten.length === 0) return;
  const lines = overwritten.map(
    ({ target, disk }) => `  ${target.path}  ${target.description}${disk ? `; on it: ${contentText(disk)}` : ''}\n`,
  );
  if (!isAskable())
    throw usage(
      `all that is on ${overwritten.map(({ target }) => target.path).join(', ')} would be lost, and there is no terminal to ask on`,
      'If that is meant: --yes.',
    );
  const only = overwritten.length === 1 ? overwritten[0] : undefined;
  const name = only ? basename(only.target.path) : undefined;
  process.stderr.write(`All that is on ${only ? 'this' : 'these'} will be lost:\n${lines.join('')}`);
  const words = name === undefined ? ['yes'] : ['yes', name, only?.target.path];
  const question = name === undefined ? 'Type yes to go on: ' : `Type ${name} or yes to go on: `;
  const answer = await ask(question, { signal });
  if (answer === undefined || !words.includes(answer.trim())) throw notBegun('not confirmed');
}

/** `atoll config validate`: every problem of every file that is named. */
import { readConfig } from '../../machine/config/read.ts';
import type { Problem } from '../../machine/config/types.ts';
import { type CommandContext, UsageError } from '../command.ts';
import { type Named, namedDocuments, shownName } from './documents.ts';
import { coloursOf, problemText } from './problems.ts';

/** After so many the first ones are what is to be done. */
const SHOWN = 30;

export function validate({ values, rest, stdout }: CommandContext): number {
  if (rest.length === 0)
    throw new UsageError('say what to validate: atoll config validate FILE|DIR… (- is standard input)');
  const output = outputOf(values.optional('output') ?? values.optional('o'), ['json']);
  const paint = coloursOf(process.stdout.isTTY === true, process.env);
  const results: { file: string; valid: boolean; problems: readonly Problem[] }[] = [];
  let unread = 0;
  for (const file of rest) {
    const named = read(file, rest.length > 1);
    if (typeof named === 'string') {
      unread++;
      results.push({ file, valid: false, problems: [{ severity: 'error', path: '', message: named }] });
      if (output !== 'json') stdout(`${paint.strong(named)}\n`);
      continue;
    }
    const { sources, texts } = named;
    const { config, problems } = readConfig(sources);
    results.push({ file, valid: config !== undefined, problems });
    if (output === 'json') continue;
    for (const problem of problems.slice(0, SHOWN)) stdout(`${problemText(problem, texts, paint)}\n`);
    if (problems.length > SHOWN) stdout(`… and ${problems.length - SHOWN} more\n\n`);
    stdout(`${paint.strong(shownName(file))}: ${verdict(problems)}\n`);
  }
  if (output === 'json') stdout(`${JSON.stringify(results, undefined, 2)}\n`);
  if (unread > 0) return 2;
  return results.every(({ valid }) => valid) ? 0 : 1;
}

/** One of several that cannot be read does not hide the others. @returns why it cannot */
function read(file: string, oneOfSeveral: boolean): Named | string {
  try {
    return namedDocuments(file);
  } catch (error) {
    if (oneOfSeveral && error instanceof UsageError) return error.message;
    throw error;
  }
}

function verdict(problems: readonly Problem[]): string {
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const warnings = problems.length - errors;
  const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
  const told = warnings > 0 ? `, ${count(warnings, 'warning')}` : '';
  return errors > 0 ? `refused: ${count(errors, 'error')}${told}` : `good${told}`;
}

/** @throws UsageError for an output that is not known. */
export function outputOf(given: string | undefined, known: readonly string[]): string | undefined {
  if (given !== undefined && !known.includes(given))
    throw new UsageError(`--output is ${known.join(' or ')}, not "${given}"`);
  return given;
}

/** `atoll config validate`: every problem of every file that is named. */
import { readConfig } from '../../machine/config/read.ts';
import type { Problem } from '../../machine/config/types.ts';
import { type CommandContext, UsageError } from '../command.ts';
import { namedDocuments } from './documents.ts';
import { coloursOf, problemText } from './problems.ts';

/** After so many the first ones are what is to be done. */
const SHOWN = 30;

export function validate({ values, rest, stdout }: CommandContext): number {
  if (rest.length === 0)
    throw new UsageError('say what to validate: atoll config validate FILE|DIR… (- is standard input)');
  const output = outputOf(values.optional('output') ?? values.optional('o'), ['json']);
  const paint = coloursOf(process.stdout.isTTY === true, process.env);
  const results: { file: string; valid: boolean; problems: readonly Problem[] }[] = [];
  for (const file of rest) {
    const { sources, texts } = namedDocuments(file);
    const { config, problems } = readConfig(sources);
    results.push({ file, valid: config !== undefined, problems });
    if (output === 'json') continue;
    for (const problem of problems.slice(0, SHOWN)) stdout(`${problemText(problem, texts, paint)}\n`);
    if (problems.length > SHOWN) stdout(`… and ${problems.length - SHOWN} more\n\n`);
    stdout(`${paint.strong(file)}: ${verdict(problems)}\n`);
  }
  if (output === 'json') stdout(`${JSON.stringify(results, undefined, 2)}\n`);
  return results.every(({ valid }) => valid) ? 0 : 1;
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

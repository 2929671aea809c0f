/** The options of a command, with mistakes said in our words: what is wrong, and what was meant. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { nearest } from './definition/nearest.ts';
import { BuildError } from './errors.ts';

/** Something that was typed is wrong. @param hint what to type instead. */
export const usage = (message: string, hint: string): BuildError => new BuildError('USAGE', message, { hint });

type Options = NonNullable<ParseArgsConfig['options']>;
type Parsed<T extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: T; allowPositionals: true; strict: true }>
>;

/** @throws BuildError USAGE for an option that is not known, or one without the value it needs. */
export function parseOptions<const T extends Options>(args: readonly string[], options: T): Parsed<T> {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    const [, dashes = '--', word = ''] = /'(?:-\w, )?(--?)([^' ]+)/.exec(text) ?? [];
    if (word in options) {
      // The option is known: node:util says what is wrong with its value.
      const needs = /argument/.test(text) && !/does not take/.test(text) ? 'needs a value' : 'takes no value';
      throw new BuildError('USAGE', `option --${word} ${needs}`, { hint: 'See --help.', cause });
    }
    const guess = nearest(word, Object.keys(options));
    throw new BuildError('USAGE', `unknown option ${dashes}${word}`, {
      hint: guess ? `Did you mean --${guess}?` : 'See --help.',
      cause,
    });
  }
}

/** A size as a person types it: `512M`, `8G` (powers of 1024), or bytes. @throws BuildError USAGE */
export function sizeOption(name: string, word: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,12})([KMGT]?)(?:iB)?$/.exec(word) ?? [];
  if (digits === '')
    throw new BuildError('USAGE', `--${name} is ${word}`, { hint: 'It takes a size such as 8G or 512M.' });
  return Number(digits) * 1024 ** ' KMGT'.indexOf(unit || ' ');
}

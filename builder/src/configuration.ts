/** Documents of a person, judged by the node's own validator before anything is done with them. */
import { withTexts } from '../../runtime/src/cli/config/documents.ts';
import { noColours, problemText } from '../../runtime/src/cli/config/problems.ts';
import { readConfig } from '../../runtime/src/machine/config/read.ts';
import type { Configuration } from '../../runtime/src/machine/config/schema.ts';
import type { Problem, SourceDocuments } from '../../runtime/src/machine/config/types.ts';
import { BuildError } from './errors.ts';

export interface Judged {
  /** Absent where the node would refuse it. */
  readonly config?: Configuration;
  /** With their texts for people, secrets covered. */
  readonly problems: readonly { readonly problem: Problem; readonly text: string }[];
}

/** What the node would say of all that it would hear, as far as it is known. */
export function judged(sources: readonly SourceDocuments[]): Judged {
  const { texts } = withTexts(sources);
  const { config, problems } = readConfig(sources);
  return {
    ...(config === undefined ? {} : { config }),
    problems: problems.map(problem => ({ problem, text: problemText(problem, texts, noColours).trimEnd() })),
  };
}

/**
 * @param what it is the configuration for.
 * @param told every mistake in it.
 * @param nothing what has not been done to it: `Nothing was written.`
 */
export const refusedByNode = (what: string, told: readonly string[], nothing: string): BuildError =>
  new BuildError('CONFIGURATION_INVALID', `the configuration for ${what} would be refused by the node`, {
    tail: told.join('\n'),
    hint: `${nothing} docs/configuration.md has every key.`,
  });

/**
 * @param what and `nothing` as of {@link refusedByNode}.
 * @returns warnings, as a person reads them.
 * @throws BuildError CONFIGURATION_INVALID with every mistake in it.
 */
export function validated(sources: readonly SourceDocuments[], what: string, nothing: string): string[] {
  const { config, problems } = judged(sources);
  const told = problems.map(({ text }) => text);
  if (!config) throw refusedByNode(what, told, nothing);
  return told;
}

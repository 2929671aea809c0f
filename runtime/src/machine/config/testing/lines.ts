/** A configuration's problems as lines of text, for tables of wrong ones. */
import { readConfig } from '../read.ts';
import type { DocumentName, Problem } from '../types.ts';

/** A document (user-data without its first line) and what is said of it. */
export type WrongCase = readonly [text: string, problems: string | readonly string[]];

export const FIRST_LINE = '#cloud-config\n';

export function wrongLines(text: string, document: DocumentName = 'user-data'): readonly string[] {
  const bytes = Buffer.from(document === 'user-data' ? FIRST_LINE + text : text);
  return readConfig([{ source: 'esp', location: 'test', documents: { [document]: bytes } }]).problems.map(problemOf);
}

/** The section `atoll` (lines under it) and network-config, which are right alone; problems start with the document. */
export type TogetherCase = readonly [atoll: string, network: string, problems: string | readonly string[]];

export function togetherLines(atoll: string, network: string): readonly string[] {
  const documents = {
    'user-data': Buffer.from(`${FIRST_LINE}atoll: {${atoll}}\n`),
    'network-config': Buffer.from(`version: 2\n${network}\n`),
  };
  const { problems } = readConfig([{ source: 'esp', location: 'the card', documents }]);
  return problems.map(problem => `${problem.place?.document} ${problemOf(problem)}`);
}

export function problemOf({ severity, place, path, message, hint }: Problem): string {
  const where = place ? `${place.line}:${place.column} ` : '';
  const warning = severity === 'warning' ? 'warning: ' : '';
  return `${where}${warning}${path === '' ? '' : `${path} `}${message}${hint === undefined ? '' : ` → ${hint}`}`;
}

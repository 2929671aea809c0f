/** What `atoll COMMAND --help` prints: options under headings, their words in a column of their own, wrapped. */
import type { Command, Option } from './command.ts';

const MIN_WIDTH = 72;
const MAX_WIDTH = 120;
/** An option that is wider than this has its words on the next line. */
const MAX_LEFT = 34;
const GAP = 2;

/** @param columns of the terminal; it is not filled where it is wider than people read with ease. */
export function helpOf(command: Command, columns = 100): string {
  const width = Math.min(Math.max(columns, MIN_WIDTH), MAX_WIDTH);
  const rows = command.options.map(option => ({ section: option.section ?? '', left: leftOf(option), option }));
  const left = Math.max(0, ...rows.map(row => row.left.length).filter(length => length <= MAX_LEFT));
  const sections = [...new Set(rows.map(row => row.section))].sort((a, b) => Number(a !== '') - Number(b !== ''));
  const parts = [`atoll ${command.name}: ${command.summary}`];
  if (command.usage !== undefined) parts.push(command.usage);
  for (const section of sections) {
    const lines = rows.filter(row => row.section === section).map(row => rowOf(row.left, row.option, left, width));
    parts.push([...(section === '' ? [] : [section]), ...lines].join('\n'));
  }
  if (command.notes !== undefined) parts.push(command.notes);
  return `${parts.join('\n\n')}\n`;
}

function leftOf({ name, boolean, value }: Option): string {
  const dashes = name.length === 1 ? ' -' : '--';
  return `  ${dashes}${name}${boolean ? '=BOOL' : value === undefined ? '' : ` ${value}`}`;
}

function rowOf(left: string, option: Option, column: number, width: number): string {
  const indent = ' '.repeat(column + GAP);
  const lines = wrapped(wordsOf(option), width - column - GAP).join(`\n${indent}`);
  return left.length > column ? `${left}\n${indent}${lines}` : `${left.padEnd(column + GAP)}${lines}`;
}

function wordsOf({ summary, default: usual, env, repeated }: Option): string {
  const notes = [
    usual === undefined ? '' : `default ${usual}`,
    env === undefined ? '' : `or $${env}`,
    repeated ? 'may be repeated' : '',
  ].filter(note => note !== '');
  return notes.length > 0 ? `${summary} (${notes.join('; ')})` : summary;
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** The tables of `docs/options.md`, out of the declarations: `node --import tsx runtime/src/cli/optionsPage.ts` writes them anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { controllerArgumentNames } from '../controllers/arguments.ts';
import { atollShape } from '../machine/config/sections/atoll.ts';
import type { MappingShape } from '../machine/config/shape.ts';
import { kubeletArgumentNames } from '../node/kubeletArguments.ts';
import { agentOptions } from './agentOptions.ts';
import type { Option } from './command.ts';
import { serverOptions } from './serverOptions.ts';

export const page = fileURLToPath(new URL('../../../docs/options.md', import.meta.url));

const dataDir: Option = { name: 'data-dir', value: 'DIR', summary: 'where state is kept', default: '/var/lib/atoll' };
const runDir: Option = {
  name: 'run-dir',
  value: 'DIR',
  summary: 'where state of this boot is kept',
  default: '/run/atoll',
};

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function optionTable(options: readonly Option[]): string {
  const rows = options.map(({ name, value, boolean, summary, default: usual, env, repeated }) => {
    const dashed = `${name.length === 1 ? '-' : '--'}${name}`;
    const notes = [
      ...(usual === undefined ? [] : [`default \`${usual}\``]),
      ...(env === undefined ? [] : [`\`$${env}\``]),
      ...(repeated ? ['may be repeated'] : []),
    ].join('; ');
    const left = `\`${dashed}${boolean ? '=BOOL' : value === undefined ? '' : ` ${value}`}\``;
    return `| ${cell(left)} | ${cell(summary)}${notes === '' ? '' : ` (${notes})`} |`;
  });
  return ['| Option | |', '| --- | --- |', ...rows].join('\n');
}

function refusedTable(): string {
  const { fields } = atollShape as unknown as MappingShape;
  const byReason = new Map<string, string[]>();
  for (const [name, { unsupported }] of Object.entries(fields))
    if (unsupported !== undefined) byReason.set(unsupported, [...(byReason.get(unsupported) ?? []), `\`${name}\``]);
  const rows = [...byReason].map(([reason, names]) => `| ${names.join(', ')} | ${cell(reason)} |`);
  return ["| K3s' option | Why it is an error here |", '| --- | --- |', ...rows].join('\n');
}

const list = (names: readonly string[]): string => names.map(name => `\`${name}\``).join(', ');

export const tables: Readonly<Record<string, () => string>> = {
  server: () => optionTable(serverOptions(dataDir, runDir)),
  agent: () => optionTable(agentOptions(dataDir, runDir)),
  refused: refusedTable,
  kubelet: () => list(kubeletArgumentNames),
  controllers: () => list(controllerArgumentNames),
};

/** The page with its tables as they are to be. @throws Error where the page has no place for one */
export function withTables(text: string): string {
  let result = text;
  for (const [name, table] of Object.entries(tables)) {
    const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    const [from, to] = [result.indexOf(begin), result.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`docs/options.md has no place ${begin} … ${end}`);
    result = `${result.slice(0, from + begin.length)}\n${table()}\n${result.slice(to)}`;
  }
  return result;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(page, withTables(readFileSync(page, 'utf8')));

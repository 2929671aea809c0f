/** The reference page of the configuration, `docs/configuration.md`, out of the shapes. */
import { wordsOf } from '../../machine/config/checkWords.ts';
import { documentShapes } from '../../machine/config/schema.ts';
import type { Field, MappingShape, Shape } from '../../machine/config/shape.ts';
import { type DocumentName, documentNames } from '../../machine/config/types.ts';

const introduction = `# What a configuration may say

One file configures a node: \`user-data\`, cloud-init's \`#cloud-config\`. \`meta-data\` and \`network-config\` go with it where they are needed.
Examples to copy are in [configs/](../configs/), how it all works is in [ADR 009](adr/009-configuration.md).

\`\`\`
atoll config validate FILE…     says everything that is wrong, with line and column; on a workstation, too
atoll config show --sources     what counts on this node, and where each key stands
\`\`\`

A key that is not on this page is an error, as are keys under "Known, not available", each with its reason. What YAML 1.1, which cloud-init
reads, and YAML 1.2 understand differently (\`yes\`, \`0644\`, \`1:30\`) is a warning: put it in quotes.

This page is made from the declarations the validator reads: \`atoll config reference\`.
`;

const about: Readonly<Record<DocumentName, string>> = {
  'user-data':
    'The first line is `#cloud-config`. Of several sources, mappings are merged key by key, lists are taken whole, and the stronger source wins.',
  'meta-data': 'Who this instance is. YAML without a special first line; may be empty.',
  'network-config':
    "Netplan's format, version 2, with or without `network:` around it. Taken whole from the strongest source that has one.",
};

export function reference(): string {
  return `${[introduction, ...documentNames.map(documentPage)].join('\n').trimEnd()}\n`;
}

interface Row {
  readonly path: string;
  readonly known: Field;
}

function documentPage(name: DocumentName): string {
  const shape = documentShapes[name];
  if (shape.kind !== 'mapping') return '';
  const { tables, refused } = sections(shape, name);
  return `## \`${name}\`\n\n${about[name]}\n\n${tables.join('\n')}\n${refusedPage(refused)}`;
}

interface Table {
  readonly title: string;
  readonly prefix: string;
  readonly shape: MappingShape;
}

/** One table a mapping of some size; small ones stand in the table of what they are in. */
function sections(root: MappingShape, name: string): { tables: string[]; refused: Row[] } {
  const tables: string[] = [];
  const refused: Row[] = [];
  const done = new Map<Shape, string>();
  const queue: Table[] = [{ title: '', prefix: '', shape: root }];
  for (let table = queue.shift(); table; table = queue.shift()) {
    const { title, prefix, shape } = table;
    const rows: string[] = [];
    const take = (path: string, fields: MappingShape['fields']): void => {
      for (const [key, known] of Object.entries(fields)) {
        const here = path === '' ? key : `${path}.${key}`;
        if (known.unsupported !== undefined) {
          refused.push({ path: prefix === '' ? here : `${prefix}.${here}`, known });
          continue;
        }
        const inside = mappingIn(known.shape);
        const full = prefix === '' ? here : `${prefix}.${here}`;
        rows.push(row(here, known, inside && done.get(inside.shape)));
        if (!inside || done.has(inside.shape)) continue;
        if (Object.keys(inside.shape.fields).length > 3) {
          const heading = `${full}${inside.suffix}`;
          done.set(inside.shape, heading);
          queue.push({ title: heading, prefix: `${full}${inside.suffix}`, shape: inside.shape });
        } else take(`${here}${inside.suffix}`, inside.shape.fields);
      }
    };
    take('', shape.fields);
    const heading = title === '' ? '' : `### \`${title}\`${name === 'user-data' ? '' : ` of ${name}`}\n\n`;
    tables.push(`${heading}| Key | Value | What it is |\n| --- | --- | --- |\n${rows.join('\n')}\n`);
  }
  return { tables, refused };
}

/** The mapping a value is, or is made of: a list of them, a dictionary of them. */
function mappingIn(shape: Shape): { readonly shape: MappingShape; readonly suffix: string } | undefined {
  switch (shape.kind) {
    case 'mapping':
      return Object.keys(shape.fields).length > 0 ? { shape, suffix: '' } : undefined;
    case 'list': {
      const inside = mappingIn(shape.of);
      return inside && { ...inside, suffix: `[]${inside.suffix}` };
    }
    case 'dictionary': {
      const inside = mappingIn(shape.value);
      return inside && { ...inside, suffix: `.*${inside.suffix}` };
    }
    case 'either':
      for (const of of shape.of) {
        const inside = mappingIn(of);
        if (inside) return inside;
      }
      return undefined;
    default:
      return undefined;
  }
}

function row(path: string, { shape, summary, required, reboot, examples, aliases }: Field, as?: string): string {
  const notes = [
    required ? 'Required.' : '',
    reboot ? 'A change needs a reboot.' : '',
    aliases ? `Also spelled ${aliases.map(code).join(', ')}.` : '',
    examples?.[0] === undefined ? '' : `Example: ${code(JSON.stringify(examples[0]))}`,
    as === undefined ? '' : `As \`${as}\`.`,
  ].filter(note => note !== '');
  return `| ${code(path)} | ${cell(valueWords(shape))} | ${cell([sentence(summary), ...notes].join(' '))} |`;
}

function valueWords(shape: Shape): string {
  if (shape.kind === 'text' && shape.oneOf) return shape.oneOf.map(code).join(', ');
  if (shape.kind === 'text' && shape.secret) return `${wordsOf(shape)} (secret)`;
  if (shape.kind === 'list') return `a list: ${valueWords(shape.of)}`;
  if (shape.kind === 'dictionary') return `a mapping: ${shape.key.meaning ?? 'name'} → ${valueWords(shape.value)}`;
  if (shape.kind === 'either') return [...new Set(shape.of.map(valueWords))].join(', or ');
  return wordsOf(shape);
}

function refusedPage(refused: readonly Row[]): string {
  const byReason = new Map<string, string[]>();
  for (const { path, known } of refused) {
    const reason = known.unsupported ?? '';
    byReason.set(reason, [...(byReason.get(reason) ?? []), path]);
  }
  if (byReason.size === 0) return '';
  const rows = [...byReason].map(([reason, paths]) => `| ${paths.map(code).join(' ')} | ${cell(sentence(reason))} |`);
  return `### Known, not available\n\n| Key | Why, and what to do |\n| --- | --- |\n${rows.join('\n')}\n`;
}

const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``;
const cell = (text: string): string => text.replaceAll('\n', ' ').replace(/(?<!\\)\|/g, '\\|');
const sentence = (text: string): string => {
  const [, word, rest = ''] = /^([\w-]+)(: .*)$/.exec(text) ?? [];
  if (word !== undefined) return `\`${word}\`${/[.?!…]$/.test(rest) ? rest : `${rest}.`}`;
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.?!…]$/.test(capital) ? capital : `${capital}.`;
};

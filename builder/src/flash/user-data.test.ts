import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withTexts } from '../../../runtime/src/cli/config/documents.ts';
import { readConfig } from '../../../runtime/src/machine/config/read.ts';
import type { Tree } from '../../../runtime/src/machine/config/tree.ts';
import { type Settings, withSettings } from './user-data.ts';

const settings: Settings = [
  [['hostname'], 'press-7'],
  [['atoll', 'token'], 'K10new'],
];

/** Values as the node reads them: texts as they are written, and whether they are in quotes. */
function values(tree: Tree | undefined): unknown {
  if (tree?.kind === 'mapping')
    return Object.fromEntries([...tree.entries].map(([key, { value }]) => [key, values(value)]));
  if (tree?.kind === 'list') return tree.items.map(values);
  return tree && [tree.text, tree.plain];
}

function asRead(text: string): Readonly<Record<string, unknown>> {
  const { sources } = withTexts([{ source: 'esp', location: 'x', documents: { 'user-data': Buffer.from(text) } }]);
  return values(readConfig(sources).trees['user-data']) as Record<string, unknown>;
}

const lines = (...text: string[]): string => `#cloud-config\n${text.join('\n')}\n`;

for (const text of [
  lines('timezone: UTC'),
  lines('atoll:', '  node-name: 0042', '  data-dir: 1e5', '  x: 12345678901234567890123', '  y: 0x1F', '  z: 0o17'),
  lines('write_files:', '  - {path: /etc/x, permissions: 0644, content: 007}', '  - {path: , content: 1.10}'),
  lines('a:', 'b: ~', 'c: null', 'd: ""', "e: 'yes'", 'f: yes', 'g: .inf', 'h: 1_000', 'i: 12:30:45', 'j: 2001-01-01'),
  lines(
    'a: |',
    '  one',
    '',
    '',
    '  two  ',
    'b: >-',
    '  folded',
    '  text',
    '',
    '  on',
    'c: |+',
    '  kept',
    '',
    'd: |2',
    '   x',
  ),
  lines('a: &n 0644', 'b: *n', 'c: !!str 5', 'd: !!int 0x10', 'e: {<<: {k: 07}, l: 08}', '? long', ': 09'),
  lines('a: "tab\\tquote\\"\\u00e9"', "b: 'it''s'", 'c: over', '  two lines', `d: ${'word '.repeat(60)}`),
  lines('---', 'a: 010', '...'),
  lines('a: 010', 'b: |', '  x').replaceAll('\n', '\r\n'),
  `\ufeff${lines('a: 010')}`,
])
  test(`all but what is set is to the node what it was: ${JSON.stringify(text.slice(14, 60))}`, () => {
    const before = asRead(text);
    const atoll = { ...(before.atoll as object | undefined), token: ['K10new', true] };
    const after = withSettings(text, settings);
    assert.deepEqual(asRead(after ?? 'nothing'), { ...before, hostname: ['press-7', true], atoll });
  });

test('a key that is there takes the value at its place, whatever it was written as; a name for it stays one', () => {
  for (const [old, now] of [
    ['hostname: old # here', 'hostname: press-7 # here'],
    ['hostname: "0123"', 'hostname: press-7'],
    ['hostname: !!str old', 'hostname: press-7'],
    ['hostname: |\n  old', 'hostname: press-7'],
    ['hostname:', 'hostname: press-7'],
    ['hostname: &name old\nfqdn: *name', 'hostname: &name press-7\nfqdn: *name'],
  ] as const)
    assert.equal(withSettings(lines(old, 'b: 1'), [[['hostname'], 'press-7']]), lines(now, 'b: 1'));
});

test('what would be another thing than text to cloud-init is put in quotes', () => {
  for (const value of ['0123', 'yes', '1e5', 'null', '12:30'])
    assert.equal(withSettings(lines('a: 1'), [[['hostname'], value]]), lines('a: 1', `hostname: "${value}"`));
});

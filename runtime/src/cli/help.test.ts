import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from './command.ts';
import { helpOf } from './help.ts';

const command: Command = {
  name: 'agent',
  summary: 'run the node',
  options: [
    { name: 'server', value: 'URL', summary: 'the control plane', default: 'https://127.0.0.1:6443', env: 'ATOLL_URL' },
    { name: 'node-label', value: 'KEY=VALUE', summary: 'a label', repeated: true, section: 'The node:' },
    { name: 'debug', summary: 'more output' },
    { name: 'o', value: 'json', summary: 'output' },
    { name: 'encrypt', boolean: true, summary: 'a switch with a value', default: 'true', section: 'The node:' },
    { name: 'an-option-with-a-long-name', value: 'AND=VALUE', summary: 'words', section: 'The node:' },
  ],
  notes: 'Examples:\n  atoll agent',
  run: async () => 0,
};

test('options stand under their headings, each with its default, variable and repetition', () => {
  assert.equal(
    helpOf(command, 100),
    [
      'atoll agent: run the node',
      '',
      '  --server URL            the control plane (default https://127.0.0.1:6443; or $ATOLL_URL)',
      '  --debug                 more output',
      '   -o json                output',
      '',
      'The node:',
      '  --node-label KEY=VALUE  a label (may be repeated)',
      '  --encrypt=BOOL          a switch with a value (default true)',
      '  --an-option-with-a-long-name AND=VALUE',
      '                          words',
      '',
      'Examples:',
      '  atoll agent',
      '',
    ].join('\n'),
  );
});

test('words keep to their column, whatever the terminal', () => {
  const long = 'many words that say what it is '.repeat(8).trim();
  const text = helpOf({ ...command, options: [{ name: 'port', value: 'PORT', summary: long }] }, 80);
  const lines = text.split('\n').slice(2, -4);
  assert.ok(lines.length > 3);
  for (const line of lines) assert.ok(line.length <= 80, line);
  for (const line of lines.slice(1)) assert.match(line, /^ {15}\S/);
  assert.equal(lines.map(line => line.slice(15).trim()).join(' '), long);
  for (const columns of [0, 20, 500])
    assert.ok(
      helpOf(command, columns)
        .split('\n')
        .every(line => line.length <= 120),
    );
});

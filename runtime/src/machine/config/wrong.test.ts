/** Every wrong configuration is told with its place and in these words; a node never sees half of one. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readConfig } from './read.ts';
import { bytes } from './testing/badBytes.ts';
import { problemOf, togetherLines, type WrongCase, wrongLines } from './testing/lines.ts';
import { accounts } from './testing/wrongAccounts.ts';
import { cloudInit } from './testing/wrongCloudInit.ts';
import { disks } from './testing/wrongDisks.ts';
import { metaData, network, together } from './testing/wrongDocuments.ts';
import { atoll, machine } from './testing/wrongSections.ts';
import { files, ofTheMachine, sections } from './testing/wrongTogether.ts';
import { yaml } from './testing/wrongYaml.ts';
import type { DocumentName } from './types.ts';

const tables: readonly (readonly [name: string, document: DocumentName, cases: readonly WrongCase[]])[] = [
  ['YAML', 'user-data', yaml],
  ["cloud-init's keys", 'user-data', cloudInit],
  ['machine', 'user-data', machine],
  ['atoll', 'user-data', atoll],
  ['accounts', 'user-data', accounts],
  ['disks', 'user-data', disks],
  ['files that are needed', 'user-data', files],
  ['sections together', 'user-data', sections],
  ['what is the machine’s', 'user-data', ofTheMachine],
  ['meta-data', 'meta-data', metaData],
  ['network-config', 'network-config', network],
];

for (const [name, document, cases] of tables) {
  describe(`wrong: ${name}`, () => {
    for (const [text, problems] of cases) {
      const shown = JSON.stringify(text);
      it(shown.length > 80 ? `${shown.slice(0, 79)}…` : shown, () =>
        assert.deepEqual(wrongLines(text, document), typeof problems === 'string' ? [problems] : problems),
      );
    }
  });
}

describe('wrong: a cluster and its network', () => {
  for (const [atoll, network, problems] of together)
    it(`${atoll} with ${network}`, () =>
      assert.deepEqual(togetherLines(atoll, network), typeof problems === 'string' ? [problems] : problems));
});

describe('wrong: bytes', () => {
  for (const [name, document, problems] of bytes) {
    it(name, () => {
      const { config, problems: told } = readConfig([
        { source: 'esp', location: 'test', documents: { 'user-data': document } },
      ]);
      assert.deepEqual([config, told.map(problemOf).join('\n')], [undefined, problems]);
    });
  }
});

/** The examples people copy are right, all of them, and become something. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { machineOf } from './needs.ts';
import { wpaSupplicant } from './needsOfNetwork.ts';
import { readConfig } from './read.ts';
import { render } from './render/index.ts';
import { type DocumentName, documentNames } from './types.ts';

/** An image for Raspberry Pi, which has what Wi-Fi needs. */
const raspberryPi = machineOf({ passwd: '', group: '', shadow: '', gshadow: '' }, path => path === wpaSupplicant);
const folder = join(import.meta.dirname, '../../../../configs');
const examples = readdirSync(folder, { withFileTypes: true }).filter(entry => entry.isDirectory());

describe('the examples in configs/', () => {
  it('are those the page names', () => {
    const page = readFileSync(join(folder, 'README.md'), 'utf8');
    for (const { name } of examples) assert.match(page, new RegExp(`\\[${name}\\]`));
    assert.ok(examples.length >= 9);
  });
  for (const { name } of examples) {
    it(name, () => {
      const documents: Partial<Record<DocumentName, Buffer>> = {};
      for (const document of documentNames) {
        const path = join(folder, name, document);
        if (existsSync(path)) documents[document] = readFileSync(path);
      }
      const { config, problems } = readConfig([{ source: 'esp', location: name, documents }], raspberryPi);
      assert.deepEqual(
        problems.map(({ path, message, place }) => `${place?.line}: ${path}: ${message}`),
        [],
      );
      assert.ok(config);
      const { rendered } = render(config);
      assert.ok(rendered.files.length > 0);
    });
  }
});

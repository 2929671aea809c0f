/** What editors and people read of the configuration is what the validator knows. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { type JsonSchema, jsonSchema } from '../../machine/config/jsonSchema.ts';
import { readConfig } from '../../machine/config/read.ts';
import { documentNames } from '../../machine/config/types.ts';
import { published } from './published.ts';
import { schemaErrors } from './testing/schemaErrors.ts';

const top = join(import.meta.dirname, '../../../..');
const examples = readdirSync(join(top, 'configs'), { withFileTypes: true })
  .filter(entry => entry.isDirectory())
  .flatMap(({ name }) =>
    documentNames.map(document => ({ name, document, path: join(top, 'configs', name, document) })),
  )
  .filter(({ path }) => existsSync(path));

describe('what is published', () => {
  for (const [path, content] of Object.entries(published)) {
    it(`${path} is of this version: node --import tsx runtime/src/cli/config/publish.ts`, () => {
      assert.equal(readFileSync(join(top, path), 'utf8'), content());
    });
  }
});

describe('the JSON schema', () => {
  for (const { name, document, path } of examples) {
    it(`takes ${name}/${document}`, () => {
      assert.deepEqual(schemaErrors(jsonSchema(document), parse(readFileSync(path, 'utf8'))), []);
    });
  }
  const wrong: readonly (readonly [text: string, error: string])[] = [
    ['hostnme: a', 'hostnme: unknown'],
    ['package_upgrade: true', 'package_upgrade: not'],
    ['atoll: {https-listen-port: 70000}', 'atoll.https-listen-port: maximum'],
    ['atoll: {role: master}', 'atoll.role: enum'],
    ['users: [{gecos: Bob}]', 'users.0: anyOf'],
    ['machine: {sysctls: {"a b": 1}}', 'machine.sysctls: propertyNames'],
    ['write_files: [{content: a}]', 'write_files.0: required path'],
    ['timezone: [UTC]', 'timezone: enum'],
  ];
  for (const [text, error] of wrong) {
    it(`refuses ${text}`, () => assert.deepEqual(schemaErrors(jsonSchema('user-data'), parse(text)), [error]));
  }
  it('leads somewhere with every reference', () => {
    for (const document of documentNames) {
      const schema = jsonSchema(document);
      const definitions = (schema.definitions ?? {}) as JsonSchema;
      for (const [, name = ''] of JSON.stringify(schema).matchAll(/"#\/definitions\/([^"]+)"/g))
        assert.ok(Object.keys((definitions[name] ?? {}) as object).length > 0, name);
    }
  });
});

describe('the examples with everything uncommented', () => {
  const wpaWarning = 'wpa_supplicant, which only the images for Raspberry Pi have';
  const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA you@laptop';
  for (const { name, document, path } of examples) {
    it(`${name}/${document} would be good`, () => {
      const text = uncommented(readFileSync(path, 'utf8')).replace('ssh-ed25519 AAAA… you@laptop', KEY);
      const { problems } = readConfig([
        { source: 'esp', location: path, documents: { [document]: Buffer.from(text) } },
      ]);
      // A certificate cannot be made up, and Wi-Fi is for images that have it.
      const told = problems.filter(({ path: key, message }) => !/^ca_certs/.test(key) && !message.includes(wpaWarning));
      assert.deepEqual(
        told.map(({ place, path: key, message }) => `${place?.line}: ${key} ${message}`),
        [],
      );
    });
  }
});

/** `#key: value` and what hangs on it; `# words` stay. */
function uncommented(text: string): string {
  let inside: string | undefined;
  const lines = text.split('\n').map((line, i) => {
    const [, indent = '', rest = ''] = /^(\s*)#(.*)$/.exec(line) ?? [];
    const starts = i > 0 && /^[\w-]/.test(rest);
    const goesOn = inside === indent && /^ {2,}\S/.test(rest);
    inside = starts || goesOn ? indent : undefined;
    return starts || goesOn ? indent + rest : line;
  });
  return lines.join('\n');
}

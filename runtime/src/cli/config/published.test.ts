/** What editors and people read of the configuration is what the validator knows. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { check } from '../../machine/config/check.ts';
import { readDocument } from '../../machine/config/document.ts';
import { type JsonSchema, jsonSchema } from '../../machine/config/jsonSchema.ts';
import { networkText } from '../../machine/config/network/testing/document.ts';
import { wrongNetworks } from '../../machine/config/network/testing/wrong.ts';
import { readConfig } from '../../machine/config/read.ts';
import { documentShapes } from '../../machine/config/schema.ts';
import { goodDocuments } from '../../machine/config/testing/goodDocuments.ts';
import { FIRST_LINE } from '../../machine/config/testing/lines.ts';
import { cloudInit } from '../../machine/config/testing/wrongCloudInit.ts';
import { metaData, network } from '../../machine/config/testing/wrongDocuments.ts';
import { atoll, machine } from '../../machine/config/testing/wrongSections.ts';
import { documentNames } from '../../machine/config/types.ts';
import { published } from './published.ts';
import { schemaErrors } from './testing/schemaErrors.ts';

/** What of a single value takes more than a pattern: a table, arithmetic, a look into what is encoded, or how YAML is written. */
const unsayable: readonly (readonly [why: string, said: RegExp])[] = [
  ['a key that is damaged', /^ssh_authorized_keys\[0\] has a (?:damaged key|key after .* that is cut)/],
  ['a certificate that is damaged', /^ca_certs\.trusted\[0\] is no certificate/],
  ['a number with or without a leading zero', / is (?:the decimal number \d+ without quotes|\d+ to YAML 1\.1)/],
  ['labels a node may not give itself', /^atoll\.node-label.* may not give itself/],
  ['IPv4 in IPv6', /^atoll\.node-external-ip "::ffff:127\.0\.0\.1" is the machine itself/],
  ['ranges of addresses', /^atoll\.bind-address ".*" is an address of (?:one cable only|many machines)/],
  ['bits beyond a length', / has bits beyond its length/],
  ['which of two numbers is larger', /^atoll\.service-node-port-range must be FIRST-LAST/],
  [
    'what an address is in its network',
    /addresses\[0\] ".*" (?:is the network itself|is the broadcast address|is the address of a group|stands for)/,
  ],
];

/** The tables of wrong configurations, as far as there is something to look at. */
const readable = [
  ...[cloudInit, atoll, machine].flat().map(([text]) => ['user-data', text] as const),
  ...metaData.map(([text]) => ['meta-data', text] as const),
  ...network.map(([text]) => ['network-config', text] as const),
  ...wrongNetworks.map(([, text]) => ['network-config', networkText(text)] as const),
].flatMap(([document, text]) => {
  const bytes = Buffer.from(document === 'user-data' ? FIRST_LINE + text : text);
  const { tree } = readDocument(bytes, { source: 'esp', location: 'test', document });
  const { problems } = readConfig([{ source: 'esp', location: 'test', documents: { [document]: bytes } }]);
  if (!tree || text.includes('<<')) return [];
  return [{ document, text, tree, problems, value: parse(text, { uniqueKeys: false }) as unknown }];
});

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
  for (const { what, document, text } of goodDocuments) {
    it(`takes ${what.slice(0, 80)}`, () => {
      assert.deepEqual(schemaErrors(jsonSchema(document), parse(text)), []);
    });
  }

  it('takes what validate takes without a word', () => {
    for (const { document, text, value, problems } of readable)
      if (problems.length === 0) assert.deepEqual(schemaErrors(jsonSchema(document), value), [], text);
  });
  it('refuses what single values are refused for, but for what no schema can say', () => {
    const schemas = Object.fromEntries(documentNames.map(document => [document, jsonSchema(document)]));
    const taken = readable.flatMap(({ document, value, tree }) => {
      const mistakes = check(documentShapes[document], tree).problems.filter(({ severity }) => severity === 'error');
      if (mistakes.length === 0 || schemaErrors(schemas[document] ?? {}, value).length > 0) return [];
      return mistakes.map(({ path, message }) => `${path} ${message}`);
    });
    assert.deepEqual(
      taken.filter(line => !unsayable.some(([, pattern]) => pattern.test(line))),
      [],
    );
    // Nothing is on the list that is not needed.
    for (const [why, pattern] of unsayable)
      assert.ok(
        taken.some(line => pattern.test(line)),
        why,
      );
  });
  it('has patterns that every editor reads', () => {
    for (const document of documentNames)
      for (const [, pattern = ''] of JSON.stringify(jsonSchema(document)).matchAll(/"pattern":("(?:[^"\\]|\\.)*")/g))
        assert.doesNotThrow(() => new RegExp(JSON.parse(pattern) as string, 'u'), pattern);
  });
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

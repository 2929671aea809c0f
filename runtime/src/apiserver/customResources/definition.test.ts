/** What is kept of a definition is read past its schemas. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readDefinition, withoutSchemas } from './definition.ts';

const texts: readonly (readonly [name: string, value: unknown, left: unknown])[] = [
  ['nothing to skip', { a: 1 }, { a: 1 }],
  [
    'a schema',
    { schema: { openAPIV3Schema: { type: 'object', a: { b: [{}, {}] } } }, z: 1 },
    { schema: { openAPIV3Schema: {} }, z: 1 },
  ],
  [
    'two',
    [{ openAPIV3Schema: { a: 1 } }, { openAPIV3Schema: { b: 2 } }],
    [{ openAPIV3Schema: {} }, { openAPIV3Schema: {} }],
  ],
  [
    'braces and quotes in texts',
    { openAPIV3Schema: { description: 'a } b { "c" \\ \\" }' }, x: 1 },
    { openAPIV3Schema: {}, x: 1 },
  ],
  [
    'a text that ends with a backslash',
    { openAPIV3Schema: { description: 'a\\' }, x: '}' },
    { openAPIV3Schema: {}, x: '}' },
  ],
  [
    'a schema of schemas',
    { openAPIV3Schema: { properties: { openAPIV3Schema: { type: 'object' } } }, x: 1 },
    { openAPIV3Schema: {}, x: 1 },
  ],
  [
    'a definition in an annotation',
    { annotation: '{"openAPIV3Schema":{"a":1}}', x: 1 },
    { annotation: '{"openAPIV3Schema":{"a":1}}', x: 1 },
  ],
  ['other letters', { openAPIV3Schema: { description: 'Größe "ß" 🐳' }, x: 'ä' }, { openAPIV3Schema: {}, x: 'ä' }],
];

describe('a definition without its schemas', () => {
  for (const [name, value, left] of texts)
    it(name, () => assert.deepEqual(JSON.parse(withoutSchemas(Buffer.from(JSON.stringify(value)))), left));
});

const versions = (...names: readonly (readonly [name: string, more?: object])[]) =>
  names.map(([name, more], i) => ({ name, served: true, storage: i === 0, ...more }));

const definition = (spec: object, status: object = {}) =>
  Buffer.from(
    JSON.stringify({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'tabs.example.com', uid: 'u', generation: 2 },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'tabs', kind: 'Tab' },
        versions: versions(['v1']),
        ...spec,
      },
      status,
    }),
  );

describe('a definition', () => {
  it('is established by its condition', () => {
    assert.equal(readDefinition(definition({}), 7).established, false);
    const conditions = [{ type: 'Established', status: 'True' }];
    const read = readDefinition(
      definition(
        {},
        {
          conditions,
          acceptedNames: { plural: 'tabs', singular: 'tab', kind: 'Tab', listKind: 'Tabs', shortNames: ['t'] },
        },
      ),
      7,
    );
    assert.equal(read.established, true);
    assert.equal(read.listKind, 'Tabs');
    assert.deepEqual(read.shortNames, ['t']);
    assert.equal(read.revision, 7);
    assert.equal(read.storage, 'v1');
  });

  const warnings: readonly (readonly [string, readonly (readonly [name: string, more?: object])[], ...string[]])[] = [
    ['none', [['v1']], ''],
    ['alone', [['v1', { deprecated: true }]], 'example.com/v1 Tab is deprecated'],
    ['in its own words', [['v1', { deprecated: true, deprecationWarning: 'old' }]], 'old'],
    [
      'by a newer one',
      [['v1beta1', { deprecated: true }], ['v1'], ['v2']],
      'example.com/v1beta1 Tab is deprecated; use example.com/v2 Tab',
      '',
      '',
    ],
    ['but not by an older one', [['v2', { deprecated: true }], ['v1']], 'example.com/v2 Tab is deprecated', ''],
    [
      'nor by one that is not served',
      [
        ['v1', { deprecated: true }],
        ['v2', { served: false }],
      ],
      'example.com/v1 Tab is deprecated',
      '',
    ],
  ];
  for (const [name, of, ...said] of warnings) {
    it(`warns of what is deprecated: ${name}`, () => {
      const read = readDefinition(definition({ versions: versions(...of) }), 1);
      assert.deepEqual(
        read.versions.map(({ warning }) => warning),
        said,
      );
    });
  }
});

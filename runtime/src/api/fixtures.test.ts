/** Kubernetes' own test data, one fully populated object of every kind: JSON, YAML and protobuf must all be the same object. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { apiTestData } from '../../test/debianSource.ts';
import { decodeProtobuf, encodeProtobuf } from './protobuf.ts';
import { checkFields } from './prune.ts';
import { definitionOf, packageNames, packageSchema } from './schema/table.ts';

interface Fixture {
  readonly name: string;
  readonly definition: string;
}

/** `core.v1.Pod` → `('', 'v1', 'Pod')`. */
function namesOf(file: string): readonly [group: string, version: string, kind: string] {
  const parts = file.split('.');
  const kind = parts.pop() ?? '';
  const version = parts.pop() ?? '';
  const group = parts.join('.');
  return [group === 'core' ? '' : group, version, kind];
}

describe('Kubernetes test data', () => {
  let folder = '';
  let fixtures: Fixture[] = [];

  before(async () => {
    folder = await apiTestData();
    const served = new Set(
      packageNames()
        .map(n => packageSchema(n))
        .map(p => `${p?.group}/${p?.version}`),
    );
    fixtures = readdirSync(folder)
      .filter(f => f.endsWith('.pb'))
      .map(f => f.replace(/\.pb$/, ''))
      .flatMap(name => {
        const [group, version, kind] = namesOf(name);
        if (!served.has(`${group}/${version}`)) return [];
        const definition = definitionOf(group, version, kind);
        assert.ok(definition, `the table has no ${name}`);
        return [{ name, definition }];
      });
  });

  const read = (name: string, extension: string): Buffer => readFileSync(join(folder, `${name}.${extension}`));
  const json = (name: string): Record<string, unknown> =>
    JSON.parse(read(name, 'json').toString('utf8')) as Record<string, unknown>;

  it('has an object of every served kind', () => {
    assert.ok(fixtures.length >= 85, `only ${fixtures.length} fixtures are of served versions`);
  });

  it('decodes protobuf to the JSON', () => {
    for (const { name, definition } of fixtures)
      assert.deepEqual(decodeProtobuf(read(name, 'pb'), unnamed(name, definition)), json(name), name);
  });

  it('encodes the JSON to the same bytes', () => {
    for (const { name, definition } of fixtures)
      assert.ok(encodeProtobuf(json(name), unnamed(name, definition)).equals(read(name, 'pb')), name);
  });

  it('reads the YAML as the same object', () => {
    for (const { name } of fixtures) assert.deepEqual(parse(read(name, 'yaml').toString('utf8')), json(name), name);
  });

  it('knows every field of every kind, and each in its normal form', () => {
    for (const { name, definition } of fixtures) {
      const object = json(name);
      const problems = checkFields(definition, object, read(name, 'json').toString('utf8'));
      assert.deepEqual(problems, { unknown: [], duplicate: [] }, name);
      assert.deepEqual(object, withoutNulls(json(name)), name);
    }
  });

  it('survives any truncation and any flipped byte of the protobuf', () => {
    const pod = read('core.v1.Pod', 'pb');
    const decode = (bytes: Buffer): void => {
      try {
        decodeProtobuf(bytes);
      } catch (error) {
        assert.ok(error instanceof Error && !(error instanceof TypeError), String(error));
      }
    };
    for (let end = 0; end < pod.length; end += 7) decode(pod.subarray(0, end));
    for (let at = 4; at < pod.length; at += 11) {
      const bytes = Buffer.from(pod);
      bytes[at] = (bytes[at] ?? 0) ^ 0xff;
      decode(bytes);
    }
  });
});

/** What clients of earlier releases send: fields that have gone since are dropped, nothing is misread. */
describe('Kubernetes test data of earlier releases', () => {
  it('reads JSON, YAML and protobuf as the same object, and writes it so that it reads the same', async () => {
    const root = join(await apiTestData(), '..');
    const releases = readdirSync(root).filter(name => /^v1\.\d+/.test(name));
    assert.ok(releases.length > 0, 'the package holds no data of earlier releases');
    let checked = 0;
    for (const release of releases) {
      const folder = join(root, release);
      const files = new Set(readdirSync(folder));
      for (const file of files) {
        const name = /^(.*)(?<!after_roundtrip)\.pb$/.exec(file)?.[1];
        if (name === undefined || name === 'core.v1.WatchEvent') continue;
        const [group, version, kind] = namesOf(name);
        const definition = definitionOf(group, version, kind);
        if (definition === undefined) continue;
        const text = (extension: string): string => readFileSync(join(folder, `${name}.${extension}`), 'utf8');
        const settled = (value: unknown): unknown => {
          checkFields(definition, value as object);
          return value;
        };
        const where = `${release} ${name}`;
        const ofProtobuf = settled(decodeProtobuf(readFileSync(join(folder, file))));
        assert.deepEqual(ofProtobuf, settled(JSON.parse(text('json'))), where);
        assert.deepEqual(ofProtobuf, settled(parse(text('yaml'))), where);
        assert.deepEqual(settled(decodeProtobuf(encodeProtobuf(ofProtobuf as object))), ofProtobuf, where);
        checked++;
      }
    }
    assert.ok(checked > 200, `only ${checked} objects of earlier releases are of kinds served now`);
  });
});

/** A watch event does not say in protobuf what it is. */
function unnamed(name: string, definition: string): string | undefined {
  return name === 'core.v1.WatchEvent' ? definition : undefined;
}

/** Null stands for a zero time in the test data: a field that is not there. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key, inner]) => inner !== null || key === 'disruptedPodsKey');
  return Object.fromEntries(entries.map(([key, inner]) => [key, withoutNulls(inner)]));
}

/** Views of the built-in kinds, with upstream's own example of each. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { apiTestData } from '../../../test/debianSource.ts';
import type { KubeObject } from '../object.ts';
import { definitionOf } from '../schema/table.ts';
import { compareTyped, isSame } from './compare.ts';
import { equalValues } from './equal.ts';
import { difference, equalSets, isEmptySet } from './fieldSet.ts';
import { parseFieldsV1 } from './fieldsV1.ts';
import { mergeTyped } from './merge.ts';
import { allFields, ownedFields } from './ownedFields.ts';
import { reconcileSet } from './reconcile.ts';
import { removeFields } from './remove.ts';
import type { TypeView } from './types.ts';
import { type Converter, Updater } from './updater.ts';
import { validateTyped } from './validate.ts';
import { viewOfDefinition } from './view.ts';

interface Example {
  readonly file: string;
  readonly object: KubeObject;
  readonly view: TypeView;
}
const examples: Example[] = [];

describe('every built-in kind', () => {
  before(async () => {
    const folder = await apiTestData();
    for (const file of await readdir(folder)) {
      if (!file.endsWith('.json') || file.includes('after_roundtrip')) continue;
      const object = JSON.parse(await readFile(join(folder, file), 'utf8')) as KubeObject;
      // Options and lists are no objects of their own.
      if (object.apiVersion === undefined || object.metadata?.name === undefined) continue;
      const slash = object.apiVersion.indexOf('/');
      const group = slash < 0 ? '' : object.apiVersion.slice(0, slash);
      const definition = definitionOf(group, object.apiVersion.slice(slash + 1), object.kind);
      if (definition !== undefined) examples.push({ file, object, view: viewOfDefinition(definition) });
    }
  });

  test('there are many', () => assert.ok(examples.length > 50, `${examples.length}`));

  test('is of its type', () => {
    for (const { file, object, view } of examples) assert.doesNotThrow(() => validateTyped(view, object, false), file);
  });

  test('is the same as itself, and merges with itself to itself', () => {
    for (const { file, object, view } of examples) {
      const copy = structuredClone(object);
      assert.ok(isSame(compareTyped(view, object, copy)), file);
      assert.ok(equalValues(mergeTyped(view, object, copy), object), file);
    }
  });

  test('owns what it sets: sets can be written, read, and are of its type', () => {
    for (const { file, object, view } of examples) {
      for (const set of [ownedFields(view, object), compareTyped(view, {}, object).changed]) {
        assert.ok(equalSets(parseFieldsV1(JSON.parse(JSON.stringify(set))), set), file);
        assert.equal(reconcileSet(set, view), set, file);
      }
      const added = compareTyped(view, {}, object).changed;
      assert.ok(isEmptySet(difference(ownedFields(view, object), allFields(view, object))), file);
      assert.ok(isEmptySet(difference(added, allFields(view, object))), file);
      assert.equal(removeFields(view, object, allFields(view, object)), null, file);
    }
  });

  test('applied by one and again by another is owned by both; let go, it is gone', () => {
    for (const { file, object, view } of examples) {
      const { apiVersion, kind } = object;
      const converter: Converter = { viewOf: v => (v === apiVersion ? view : undefined), convert: value => value };
      const updater = new Updater(converter);
      const config = { apiVersion, value: object };
      const first = updater.apply({ apiVersion, value: {} }, config, new Map(), 'one', false);
      assert.ok(equalValues(first.object, object), file);
      const live = { apiVersion, value: first.object };
      const second = updater.apply(live, config, first.managers, 'two', false);
      assert.equal(second.object, undefined, file);
      assert.deepEqual([...second.managers.keys()], ['one', 'two'], file);
      const less = { apiVersion, value: { apiVersion, kind, metadata: { name: object.metadata?.name ?? 'x' } } };
      const third = updater.apply(live, less, second.managers, 'one', true);
      assert.equal(third.object, undefined, `${file}: still two's`);
      const fourth = updater.apply(live, less, third.managers, 'two', true);
      const left = Object.keys((fourth.object ?? {}) as object).filter(
        name => (fourth.object as KubeObject)[name] !== null,
      );
      assert.deepEqual(
        left.sort(),
        Object.keys(object).includes('metadata') ? ['apiVersion', 'kind', 'metadata'] : ['apiVersion', 'kind'],
        file,
      );
    }
  });
});

describe('the schema table', () => {
  const kinds: readonly (readonly [path: string, atomic: boolean, keys: readonly string[] | undefined])[] = [
    ['io.k8s.api.core.v1.PodSpec containers', false, ['name']],
    ['io.k8s.api.core.v1.PodSpec tolerations', true, []],
    ['io.k8s.api.core.v1.PodSpec volumes', false, ['name']],
    ['io.k8s.api.core.v1.PodSpec nodeSelector', true, undefined],
    ['io.k8s.api.core.v1.PodSpec imagePullSecrets', false, ['name']],
    ['io.k8s.api.core.v1.Container ports', false, ['containerPort', 'protocol']],
    ['io.k8s.api.core.v1.Container env', false, ['name']],
    ['io.k8s.api.core.v1.Container args', true, []],
    ['io.k8s.api.core.v1.ServiceSpec ports', false, ['port', 'protocol']],
    ['io.k8s.api.core.v1.ServiceSpec selector', true, undefined],
    ['io.k8s.api.apps.v1.DeploymentSpec selector', true, undefined],
    ['io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta finalizers', false, []],
    ['io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta ownerReferences', false, ['uid']],
    ['io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta labels', false, undefined],
    ['io.k8s.api.core.v1.ConfigMap data', false, undefined],
    ['io.k8s.api.core.v1.PodStatus conditions', false, ['type']],
  ];
  for (const [path, atomic, keys] of kinds) {
    test(`${path} is ${atomic ? 'owned as a whole' : 'owned in parts'}`, () => {
      const [definition = '', name = ''] = path.split(' ');
      const type = viewOfDefinition(definition).map?.fields.get(name)?.type;
      assert.equal((type?.list ?? type?.map)?.atomic, atomic);
      assert.deepEqual(type?.list?.keys, keys);
    });
  }

  test('knows defaults of keys', () => {
    const port = viewOfDefinition('io.k8s.api.core.v1.ContainerPort').map?.fields.get('protocol');
    assert.equal(port?.default, 'TCP');
  });
});

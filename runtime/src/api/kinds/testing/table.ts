/**
 * Tests of a kind as a table: one good object, and rows that change it. A change names fields by their path (`spec.ports.0.name`); `undefined`
 * takes the field away. Errors are compared whole, in order: `field: message`.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { User } from '../../../lib/exchange.ts';
import type { KubeObject } from '../../object.ts';
import { checkFields } from '../../prune.ts';
import { findResource, type ResourceInfo } from '../../resources.ts';
import { kindModule } from '../index.ts';
import {
  applyDefaults,
  prepareForCreate,
  prepareForPartUpdate,
  prepareForStatusUpdate,
  prepareForUpdate,
  validateCreate,
  validateStatusUpdate,
  validateUpdate,
  warningsOf,
} from '../strategy.ts';

export type Changes = Readonly<Record<string, unknown>>;
export type Row = readonly [changes: Changes, ...errors: readonly string[]];

export interface KindTable {
  readonly group: string;
  readonly version?: string;
  readonly resource: string;
  readonly name?: string;
  /** Everything but `apiVersion`, `kind` and `metadata`. */
  readonly good: object;
  readonly user?: User;
  /** Changes of {@link good} that stay good. */
  readonly alsoGood?: readonly Changes[];
  readonly bad?: readonly Row[];
  /** What a created object has that nobody said, by path. */
  readonly defaults?: Changes;
  /** Updates of {@link good}; no errors: allowed. */
  readonly updates?: readonly Row[];
  /** Writes to `/status`. */
  readonly statusUpdates?: readonly Row[];
  readonly warnings?: readonly Row[];
  /** Cells after changes, as `kubectl get -o wide` shows them. */
  readonly cells?: readonly (readonly [changes: Changes, ...cells: readonly unknown[]])[];
}

const NOW = Date.parse('2026-01-01T00:10:00Z');

export function at(object: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], object);
}

/** A copy with the changes made. Keys with dots are written with `~` for the dot. */
export function changed<T>(object: T, changes: Changes): T {
  const copy = structuredClone(object);
  for (const [path, value] of Object.entries(changes)) {
    const keys = path.split('.').map(key => key.replaceAll('~', '.'));
    const last = keys.pop() ?? '';
    let place = copy as unknown as Record<string, unknown>;
    for (const [i, key] of keys.entries()) {
      const next = keys[i + 1] ?? last;
      place[key] ??= /^\d+$/.test(next) ? [] : {};
      place = place[key] as Record<string, unknown>;
    }
    if (value === undefined) delete place[last];
    else place[last] = structuredClone(value);
  }
  return copy;
}

const texts = (errors: readonly { readonly field: string; readonly message: string }[]): string[] =>
  errors.map(({ field, message }) => `${field}: ${message}`);

const titleOf = (changes: Changes): string => {
  const text = JSON.stringify(changes, (_, value: unknown) => (value === undefined ? '<none>' : value));
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
};

export function testKind(table: KindTable): void {
  const { group, version = 'v1', resource, user } = table;
  const found = findResource(group, version, resource);
  assert.ok(found, `${resource} of ${group}/${version}`);
  const info: ResourceInfo = found;

  const whole = {
    apiVersion: group === '' ? version : `${group}/${version}`,
    kind: info.kind,
    metadata: {
      name: table.name ?? 'x',
      ...(info.namespaced ? { namespace: 'default' } : {}),
      uid: 'u-1',
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    ...table.good,
  } as KubeObject;

  /** As a client's object arrives at the store's door. */
  const arriving = (changes: Changes): KubeObject => {
    const object = changed(whole, changes);
    assert.deepEqual(checkFields(info.definition, object).unknown, []);
    applyDefaults(info, object);
    prepareForCreate(info, object, user);
    applyDefaults(info, object);
    return object;
  };

  describe(`${resource}.${group}`, () => {
    it('is good', () => assert.deepEqual(texts(validateCreate(info, arriving({}))), []));
    for (const changes of table.alsoGood ?? [])
      it(`is good with ${titleOf(changes)}`, () =>
        assert.deepEqual(texts(validateCreate(info, arriving(changes))), []));
    for (const [changes, ...errors] of table.bad ?? [])
      it(`is refused with ${titleOf(changes)}`, () =>
        assert.deepEqual(texts(validateCreate(info, arriving(changes))), errors));
    for (const [path, value] of Object.entries(table.defaults ?? {}))
      it(`has ${path} ${JSON.stringify(value)}`, () => assert.deepEqual(at(arriving({}), path), value));
    for (const [changes, ...errors] of table.updates ?? [])
      it(`${errors.length === 0 ? 'may' : 'must not'} be updated with ${titleOf(changes)}`, () => {
        const old = arriving({});
        const object = changed(old, changes);
        applyDefaults(info, object);
        prepareForUpdate(info, object, old);
        assert.deepEqual(texts(validateUpdate(info, object, old)), errors);
      });
    for (const [changes, ...errors] of table.statusUpdates ?? [])
      it(`${errors.length === 0 ? 'may' : 'must not'} have the status ${titleOf(changes)}`, () => {
        const old = arriving({});
        const object = changed(old, changes);
        prepareForStatusUpdate(info, object, old);
        assert.deepEqual(texts(validateStatusUpdate(info, object, old)), errors);
      });
    for (const [changes, ...expected] of table.warnings ?? [])
      it(`warns of ${titleOf(changes)}`, () => assert.deepEqual(warningsOf(info, arriving(changes)), expected));
    for (const [changes, ...cells] of table.cells ?? [])
      it(`shows ${JSON.stringify(cells)}`, () => {
        const object = changed(arriving({}), changes);
        const columns = kindModule(group, info.kind, version)?.columns ?? [];
        assert.deepEqual(
          columns.map(column => column.cell(object, NOW)),
          cells,
        );
      });
  });
}

/** A write through a subresource of its own: its errors, and the object it makes. */
export function throughPart(
  group: string,
  resource: string,
  subresource: string,
  old: KubeObject,
  changes: Changes,
): { readonly errors: string[]; readonly object: KubeObject } {
  const info = findResource(group, 'v1', resource);
  assert.ok(info);
  const object = changed(old, changes);
  assert.ok(prepareForPartUpdate(info, object, old, subresource));
  return { errors: texts(validateUpdate(info, object, old, subresource)), object };
}

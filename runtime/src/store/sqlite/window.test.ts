import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { StoreEvent } from '../store.ts';
import { ValueCache } from './cache.ts';
import {
  heldValue,
  Outcome,
  packResults,
  packWrites,
  unpackResults,
  unpackWrites,
  type WriteResult,
} from './protocol.ts';
import { EventWindow } from './window.ts';

const event = (revision: number, key = '/a', bytes = 10): StoreEvent => ({
  type: 'put',
  key,
  revision,
  value: Buffer.alloc(bytes),
  createRevision: revision,
});

describe('the window', () => {
  it('keeps the newest by count', () => {
    const window = new EventWindow(5, { revisions: 3, bytes: 1e9 });
    assert.equal(window.floor, 5);
    for (let revision = 6; revision <= 5_000; revision++) {
      window.push(event(revision));
      assert.equal(window.newest, revision);
      assert.equal(window.floor, Math.max(5, revision - 3));
      assert.equal(window.at(revision)?.revision, revision);
      assert.equal(window.at(window.floor), undefined);
    }
    assert.deepEqual(
      window.after(4_998, '/a').map(({ revision }) => revision),
      [4_999, 5_000],
    );
    assert.deepEqual(window.after(5_000, '/a'), []);
  });

  it('keeps the newest by bytes, and forgets the bytes of what it drops', () => {
    const window = new EventWindow(0, { revisions: 1e9, bytes: 10_000 });
    for (let revision = 1; revision <= 100; revision++) window.push(event(revision, '/a', 1_000));
    assert.equal(window.newest - window.floor, 8);
    assert.ok(window.bytes <= 10_000 && window.bytes > 8_000);
    window.push(event(101, '/a', 50_000));
    assert.equal(window.floor, 101);
    assert.equal(window.bytes, 0);
    window.push(event(102));
    assert.equal(window.floor, 101);
  });

  it('selects by prefix', () => {
    const window = new EventWindow(0, { revisions: 10, bytes: 1e9 });
    for (const [index, key] of ['/a/1', '/b/1', '/a/2', '/ab'].entries()) window.push(event(index + 1, key));
    assert.deepEqual(
      window.after(1, '/a/').map(({ key }) => key),
      ['/a/2'],
    );
  });
});

describe('the cache', () => {
  const entry = (modRevision: number, bytes: number) => ({
    key: '/a',
    value: Buffer.alloc(bytes),
    modRevision,
    createRevision: 1,
  });

  it('stays within its budget and keeps what is used', () => {
    const cache = new ValueCache(20_000);
    cache.add(entry(1, 100));
    for (let revision = 2; revision < 1_000; revision++) {
      cache.add(entry(revision, 800));
      assert.ok(cache.get(1), `after ${revision}`);
    }
    const kept = Array.from({ length: 1_000 }, (_, revision) => cache.get(revision)).filter(Boolean).length;
    assert.ok(kept > 5 && kept <= 21, String(kept));
  });

  it('takes nothing that would fill it alone, and removes', () => {
    const cache = new ValueCache(10_000);
    cache.add(entry(1, 9_000));
    cache.add(entry(2, 1_000));
    assert.equal(cache.get(1), undefined);
    cache.remove(2);
    assert.equal(cache.get(2), undefined);
  });
});

describe('messages between the threads', () => {
  it('carry writes', () => {
    const held = { key: '/b', value: Buffer.from('old'), modRevision: 6, createRevision: 5 };
    const writes = [
      { key: '/a', value: Buffer.from('one'), expect: 7 },
      { key: '/b', value: null },
      { key: '/b', value: null, expect: 6, held },
      { key: '/ü', value: Buffer.alloc(0), expect: 0 },
    ];
    assert.deepEqual(
      [...unpackWrites(packWrites(writes))],
      writes.map(({ held: has, ...write }) => ({ expect: -1, ...write, heldSince: has ? 5 : 0 })),
    );
  });

  it('carry results', () => {
    const before = { key: '/b', value: Buffer.from('old'), modRevision: 3, createRevision: 2 };
    const results: WriteResult[] = [
      { outcome: Outcome.Committed, revision: 9, before: undefined },
      { outcome: Outcome.Conflict, revision: 0, before },
      { outcome: Outcome.Committed, revision: 10, before: { ...before, key: '/c', value: Buffer.alloc(0) } },
      { outcome: Outcome.NoSpace, revision: 0, before: undefined },
    ];
    const writes = ['/a', '/b', '/c', '/d', '/e'].map(key => ({ key, value: null }));
    assert.deepEqual(unpackResults(packResults(results), writes.slice(0, 4)), results);
    const held = { ...before, key: '/e', value: Buffer.from('what the sender has') };
    const changed: WriteResult = { outcome: Outcome.Committed, revision: 11, before: { ...held, value: heldValue } };
    const told = unpackResults(
      packResults([...results, changed]),
      writes.map(write => (write.key === '/e' ? { ...write, held } : write)),
    );
    assert.deepEqual(told, [...results, { outcome: Outcome.Committed, revision: 11, before: held, held: true }]);
  });
});

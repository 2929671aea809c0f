/**
 * Thousands of random operations against the store and against a model of it that anybody can read: an array of all events.
 * A failure names the seed; put it into SEEDS to see it again.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  type CommitResult,
  CompactedError,
  type KeyValue,
  type RangeOptions,
  type RangeResult,
  type Write,
} from '../store.ts';
import { openSqliteStore } from './open.ts';
import { put, Recorder, show, showEvent, withDirectory } from './testing.ts';

const SEEDS = [1, 2, 3];
const STEPS = 1_000;

interface ModelEvent {
  readonly key: string;
  readonly value: string | null;
  readonly created: number;
  readonly previous: ModelEvent | undefined;
  readonly revision: number;
}

class Model {
  readonly events: ModelEvent[] = [];
  compacted = 1;

  get revision(): number {
    return this.events.length + 1;
  }

  /** The key's last event up to a revision, if that left a value. */
  at(key: string, revision: number): ModelEvent | undefined {
    const last = this.events.findLast(event => event.key === key && event.revision <= revision);
    return last && last.value !== null ? last : undefined;
  }

  commit({ key, value, expect }: Write): string {
    const now = this.at(key, this.revision);
    if ((expect !== undefined && expect !== (now?.revision ?? 0)) || (value === null && !now)) {
      return `conflict ${now ? showModel(now) : '-'}`;
    }
    const revision = this.revision + 1;
    this.events.push({
      key,
      value: value && String(value),
      created: now?.created ?? revision,
      previous: now,
      revision,
    });
    return `revision ${revision} ${now ? showModel(now) : '-'}`;
  }

  range({ prefix, after, limit = 0, revision = this.revision }: RangeOptions): string[] {
    const keys = [...new Set(this.events.map(({ key }) => key))].filter(key => key.startsWith(prefix)).sort();
    const live = keys.filter(key => after === undefined || key > after).flatMap(key => this.at(key, revision) ?? []);
    const items = limit > 0 ? live.slice(0, limit) : live;
    return [...items.map(showModel), `${revision} ${live.length - items.length}`];
  }

  watch(prefix: string, after: number): string[] {
    return this.events
      .filter(event => event.revision > after && event.key.startsWith(prefix))
      .map(({ revision, key, value, previous }) =>
        [revision, value === null ? 'delete' : 'put', key, previous?.value ?? '-', value ?? '-'].join(' '),
      );
  }
}

const showModel = ({ key, value, revision, created }: ModelEvent): string => `${key}=${value}@${revision} ${created}`;
const showStored = (entry: KeyValue): string => `${show(entry)} ${entry.createRevision}`;
const showResult = (result: CommitResult): string => {
  const before = result.ok ? result.previous : result.current;
  return `${result.ok ? `revision ${result.revision}` : 'conflict'} ${before ? showStored(before) : '-'}`;
};
const showRange = ({ items, revision, more, remaining }: RangeResult): string[] => {
  assert.equal(more, remaining > 0);
  return [...items.map(showStored), `${revision} ${remaining}`];
};

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

async function run(seed: number, path: string): Promise<void> {
  const random = randomOf(seed);
  const upTo = (bound: number): number => Math.floor(random() * bound);
  const pick = <T>(values: readonly [T, ...T[]]): T => values[upTo(values.length)] ?? values[0];
  const options = { path, windowRevisions: 8, cacheBytes: 4_000, compaction: false } as const;
  const model = new Model();
  let store = await openSqliteStore(options);
  let watches: { prefix: string; after: number; recorder: Recorder }[] = [];

  const randomKey = (): string => `/${pick(['a', 'b', 'b/c'])}/${upTo(6)}`;
  const randomPrefix = (): string => pick(['', '/a/', '/b/', '/b', '/b/c/', '/none']);
  const randomWrite = (): Write => {
    const key = randomKey();
    const now = model.at(key, model.revision)?.revision ?? 0;
    const expect = pick([undefined, now, now, now, 0, upTo(model.revision + 2)]);
    const write = put(key, `${seed}-${model.revision}-${upTo(1e6)}`.padEnd(upTo(60)));
    return { key, value: random() < 0.25 ? null : write.value, ...(expect === undefined ? {} : { expect }) };
  };
  const randomRevision = (): number => model.compacted + upTo(model.revision - model.compacted + 1);

  const settleWatches = async (): Promise<void> => {
    for (const { prefix, after, recorder } of watches) {
      const expected = model.watch(prefix, after);
      await recorder.until(({ events, ended }) => events.length >= expected.length || ended !== undefined);
      const seen = recorder.events.map(showEvent);
      if (recorder.ended instanceof CompactedError) assert.deepEqual(seen, expected.slice(0, seen.length));
      else assert.deepEqual(seen, expected);
    }
    watches = [];
  };

  const operations: Record<string, [weight: number, run: () => Promise<void>]> = {
    commit: [
      60,
      async () => {
        // A group: results must be as if one after the other.
        const writes = Array.from({ length: 1 + upTo(6) }, randomWrite);
        const answers = writes.map(write => store.commit(write));
        const expected = writes.map(write => model.commit(write));
        assert.deepEqual((await Promise.all(answers)).map(showResult), expected);
        assert.equal(store.revision(), model.revision);
      },
    ],
    get: [
      20,
      async () => {
        const key = randomKey();
        const revision = pick([undefined, randomRevision()]);
        const found = await store.get(key, revision);
        const expected = model.at(key, revision ?? model.revision);
        assert.equal(found && showStored(found), expected && showModel(expected));
      },
    ],
    range: [
      20,
      async () => {
        const after = pick([undefined, undefined, randomKey()]);
        const asked: RangeOptions = {
          prefix: randomPrefix(),
          limit: pick([0, 0, 1, 3, 100]),
          ...(random() < 0.5 ? {} : { revision: randomRevision() }),
          ...(after === undefined ? {} : { after }),
        };
        assert.deepEqual(showRange(await store.range(asked)), model.range(asked), JSON.stringify(asked));
        const counted = model.range({ prefix: asked.prefix }).length - 1;
        assert.equal(await store.count(asked.prefix), counted);
      },
    ],
    watch: [
      8,
      async () => {
        const recorder = new Recorder();
        const [prefix, after] = [randomPrefix(), randomRevision()];
        store.watch({ prefix, afterRevision: after }, recorder);
        watches.push({ prefix, after, recorder });
      },
    ],
    settle: [2, settleWatches],
    compact: [
      2,
      async () => {
        const revision = randomRevision();
        await store.compact(revision);
        model.compacted = Math.max(model.compacted, revision);
        assert.equal(store.compactedRevision(), model.compacted);
        if (revision > 1) await assert.rejects(store.get('/a/1', model.compacted - 1), CompactedError);
      },
    ],
    reopen: [
      0.5,
      async () => {
        await settleWatches();
        await store.close();
        store = await openSqliteStore(options);
        assert.equal(store.revision(), model.revision);
        assert.equal(store.compactedRevision(), model.compacted);
      },
    ],
  };

  const total = Object.values(operations).reduce((sum, [weight]) => sum + weight, 0);
  try {
    for (let step = 0; step < STEPS; step++) {
      let ticket = random() * total;
      for (const [name, [weight, operation]] of Object.entries(operations)) {
        ticket -= weight;
        if (ticket > 0) continue;
        await operation().catch(error => {
          throw new Error(`seed ${seed}, step ${step}, ${name}: ${error instanceof Error ? error.message : error}`, {
            cause: error,
          });
        });
        break;
      }
    }
    await settleWatches();
    assert.ok(model.revision > STEPS / 2);
  } finally {
    await store.close();
  }
}

describe('the store is what the model is', () => {
  for (const seed of SEEDS) {
    it(`${STEPS} random steps from seed ${seed}`, () =>
      withDirectory(directory => run(seed, join(directory, 'state.db'))));
  }
});

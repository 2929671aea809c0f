import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BootEntry, compareEntries, countersOf, parseEntry } from './bootEntry.ts';

const names: readonly (readonly [name: string, id: string, left?: number, done?: number])[] = [
  ['atoll-a.conf', 'atoll-a.conf'],
  ['atoll-b+3.conf', 'atoll-b.conf', 3, 0],
  ['atoll-b+2-1.conf', 'atoll-b.conf', 2, 1],
  ['atoll-b+0-3.conf', 'atoll-b.conf', 0, 3],
  ['atoll_0.1.0+3.efi', 'atoll_0.1.0.efi', 3, 0],
  ['a+1+2-3.conf', 'a+1.conf', 2, 3],
  ['a+3b.conf', 'a+3b.conf'],
  ['a+.conf', 'a+.conf'],
  ['a+3-.conf', 'a+3-.conf'],
  ['a+3-1.txt', 'a+3-1.txt'],
  ['a-1.conf', 'a-1.conf'],
];
for (const [name, id, triesLeft, triesDone] of names) {
  test(`the counters of ${name}`, () => {
    const { id: found, ...counters } = countersOf(name);
    assert.equal(found, id);
    assert.deepEqual(counters, triesLeft === undefined ? {} : { triesLeft, triesDone });
  });
}

test('an entry is lines of a key and a value', () => {
  assert.deepEqual(
    parseEntry(
      'x+1.conf',
      '# title no\r\n  title\tAtoll 1 \n\nsort-key atoll\nversion 7\nefi  /EFI/a.efi\nmachine-id\noptions quiet\n',
    ),
    { name: 'x+1.conf', id: 'x.conf', triesLeft: 1, triesDone: 0, sortKey: 'atoll', version: '7', efi: '/EFI/a.efi' },
  );
  for (const text of ['', '\0\0\0', '\n\n', 'efi', 'efi ', '#efi /x'])
    assert.deepEqual(parseEntry('x.conf', text), { name: 'x.conf', id: 'x.conf' });
});

const entry = (name: string, text: string): BootEntry => parseEntry(name, text);
const ours = (slot: string, generation: number, counters = ''): BootEntry =>
  entry(`atoll-${slot}${counters}.conf`, `sort-key 0-atoll\nversion ${generation}\nefi /EFI/atoll/${slot}.efi`);

/** In the order they are booted. */
const orders: readonly (readonly [string, readonly BootEntry[]])[] = [
  ['a trial goes before what runs', [ours('b', 2, '+3'), ours('a', 1)]],
  ['whatever the slot', [ours('a', 2, '+3'), ours('b', 1)]],
  ['also on its last try', [ours('b', 2, '+1-2'), ours('a', 1)]],
  ['without tries it comes last', [ours('a', 1), ours('b', 2, '+0-3')]],
  ['so does a refused one', [ours('b', 1), ours('a', 2, '+0')]],
  ['a blessed one goes before an older blessed one', [ours('b', 10), ours('a', 9)]],
  ['of two without tries, the newer', [ours('b', 2, '+0-3'), ours('a', 1, '+0')]],
  [
    'ours before those of others',
    [ours('a', 1), entry('debian.conf', 'sort-key debian\nversion 99'), entry('z.conf', '')],
  ],
  ['even before a trial of others without tries', [entry('other.conf', 'sort-key zzz'), ours('a', 1, '+0')]],
  [
    'machine ids group',
    [entry('x.conf', 'sort-key s\nmachine-id a\nversion 1'), entry('y.conf', 'sort-key s\nmachine-id b\nversion 2')],
  ],
  [
    'without a sort key by name, the newest first',
    [entry('k-10.conf', ''), entry('k-9+1.conf', ''), entry('k-9.conf', '')],
  ],
  [
    'the same under two names',
    [entry('atoll-a.conf', 'sort-key s\nversion 1'), entry('atoll-a-2.conf', 'sort-key s\nversion 1')],
  ],
];
for (const [what, expected] of orders) {
  test(what, () => {
    for (const rotation of expected.keys()) {
      const mixed = [...expected.slice(rotation), ...expected.slice(0, rotation)].reverse();
      assert.deepEqual(
        mixed.sort(compareEntries).map(e => e.name),
        expected.map(e => e.name),
      );
    }
  });
}

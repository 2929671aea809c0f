import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deviceTreeBlob } from './device-tree.fixture.ts';
import { cellsOf, isAvailable, nodesOf, parseDeviceTree, stringsOf } from './device-tree.ts';

const blob = deviceTreeBlob({
  compatible: ['vendor,board', 'vendor,chip'],
  '/soc': {
    status: ['disabled'],
    '/uart@1000': { reg: [0x1000, 0x40], status: ['okay'] },
  },
  '/leds': { status: ['ok'] },
});

test('nodes with their paths, from the top', () => {
  const nodes = nodesOf(parseDeviceTree(blob));
  assert.deepEqual(
    nodes.map(({ path }) => path),
    ['/', '/soc', '/soc/uart@1000', '/leds'],
  );
  const [root, , uart] = nodes;
  assert.ok(root && uart);
  assert.deepEqual(stringsOf(root, 'compatible'), ['vendor,board', 'vendor,chip']);
  assert.deepEqual(cellsOf(uart, 'reg'), [0x1000, 0x40]);
  assert.deepEqual([stringsOf(uart, 'compatible'), cellsOf(uart, 'clocks')], [[], []]);
});

test('what is in something disabled is not there either', () => {
  assert.deepEqual(nodesOf(parseDeviceTree(blob)).map(isAvailable), [true, false, false, true]);
});

for (const [what, broken] of [
  ['nothing', Buffer.alloc(0)],
  ['something else', Buffer.alloc(64, 'x')],
  ['one that ends within', blob.subarray(0, blob.length / 2)],
] as const) {
  test(`${what} is no device tree`, () => assert.throws(() => parseDeviceTree(broken)));
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filler, fragmentBytes } from './erofs-layout.ts';

const [kibibyte, mebibyte] = [1024, 1024 ** 2];
const piece = 512 * kibibyte;

for (const [sizeBytes, expected] of [
  [0, 0],
  [1, 1],
  [mebibyte, mebibyte],
  [mebibyte + 1, piece + 1],
  [mebibyte + piece, mebibyte],
  [4_027_939, 4_027_939 - 6 * piece],
] as const) {
  test(`of ${sizeBytes} bytes ${expected} are packed`, () => assert.equal(fragmentBytes(sizeBytes), expected));
}

for (const sizes of [[], [1], [piece], [piece - 1], [882, 2_121_416, 397_996, 1_535_752, 4_027_910, 58_458, 134]]) {
  test(`what fills ${sizes.join(', ') || 'nothing'} ends at a whole piece`, () => {
    const text = filler(sizes);
    const packed = sizes.reduce((sum, sizeBytes) => sum + fragmentBytes(sizeBytes), 0) + text.length;
    assert.equal(packed % piece, 0);
    assert.match(text, /what fills\.\n$/);
    assert.ok(text.length < 2 * piece);
  });
}

test('one byte more of a file is one byte less of what fills', () => {
  assert.equal(filler([1000]).length - filler([1001]).length, 1);
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LastBytes } from './lastBytes.ts';

describe('the last bytes of a stream', () => {
  /** All that is kept from a place on. */
  const read = (last: LastBytes, from: number, bytes: number): string => {
    let text = '';
    for (let piece = last.at(from, bytes); piece && text.length < bytes; piece = last.at(from + text.length, bytes))
      text += piece.subarray(0, bytes - text.length).toString();
    return text;
  };
  const rows: readonly { what: string; pieces: readonly string[]; from: number; kept: string }[] = [
    { what: 'nothing of nothing', pieces: [], from: 0, kept: '' },
    { what: 'all of what is shorter', pieces: ['abc', 'de'], from: 0, kept: 'abcde' },
    { what: 'all of what just fits', pieces: ['abcd', 'efgh'], from: 0, kept: 'abcdefgh' },
    { what: 'the end of pieces that go round', pieces: ['abcde', 'fghij', 'kl'], from: 4, kept: 'efghijkl' },
    { what: 'the end of one piece that is too long', pieces: ['abc', 'defghijklmnop'], from: 8, kept: 'ijklmnop' },
    { what: 'the end after many rounds', pieces: Array(100).fill('abc'), from: 292, kept: 'bcabcabc' },
    { what: 'from the middle', pieces: ['abcde', 'fghij'], from: 6, kept: 'ghij' },
  ];
  for (const { what, pieces, from, kept } of rows)
    it(`keeps ${what}`, () => {
      const last = new LastBytes(8);
      for (const piece of pieces) {
        const bytes = Buffer.from(piece);
        last.take(bytes);
        bytes.fill('!');
      }
      assert.equal(read(last, from, 8), kept);
      const all = pieces.join('').length;
      assert.equal(last.at(all, 1), undefined);
      if (all > 8) assert.equal(last.at(all - 9, 1), undefined);
    });
});

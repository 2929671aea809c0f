import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { BundleServer, rangeOf } from './bundle-server.ts';

for (const [header, wanted] of [
  [undefined, undefined],
  ['bytes=0-9', { first: 0, last: 9 }],
  ['bytes=90-', { first: 90, last: 99 }],
  ['bytes=-8', { first: 92, last: 99 }],
  ['bytes=-800', { first: 0, last: 99 }],
  ['bytes=5-800', { first: 5, last: 99 }],
  ['bytes=100-', undefined],
  ['bytes=-', undefined],
  ['lines=1-2', undefined],
] as const) {
  it(`reads the range ${header}`, () => assert.deepEqual(rangeOf(header, 100), wanted));
}

it('sends what is asked for and counts it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-bundles-'));
  try {
    const file = join(folder, 'a.raucb');
    await writeFile(file, '0123456789');
    await using server = await BundleServer.start([file]);
    const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
      fetch(`http://127.0.0.1:${server.port}/${path}`, { headers });
    assert.equal(await (await get('a.raucb')).text(), '0123456789');
    const part = await get('a.raucb', { range: 'bytes=-3' });
    assert.deepEqual([part.status, await part.text()], [206, '789']);
    assert.equal((await get('b')).status, 404);
    assert.equal(server.sentBytes, 13);
  } finally {
    await rm(folder, { recursive: true });
  }
});

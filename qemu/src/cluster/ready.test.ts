import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Api } from '../api.ts';
import { allReady } from './ready.ts';

type Conditions = Readonly<Record<string, readonly [status: string, message: string]>>;

/** An API whose watch says this of its nodes, one after the other, and then nothing more. */
const saying = (...events: readonly (readonly [name: string, conditions: Conditions])[]): Pick<Api, 'watch'> => ({
  async *watch() {
    for (const [name, said] of events) {
      const conditions = Object.entries(said).map(([type, [status, message]]) => ({ type, status, message }));
      yield { type: 'MODIFIED', object: { metadata: { name }, status: { conditions } } };
    }
    await new Promise(() => {});
  },
});
const ready = (api: Pick<Api, 'watch'>, count = 1): Promise<string[]> =>
  allReady(api, { count, timeoutMs: 1000, signal: new AbortController().signal });
const isReady = { Ready: ['True', ''] } as const;

it('nodes are Ready when all of them are', async () => {
  const api = saying(['b', isReady], ['a', { Ready: ['False', 'starting'] }], ['a', isReady]);
  assert.deepEqual(await ready(api, 2), ['a', 'b']);
});

for (const [type, message] of [
  ['ConfigurationRefused', 'the new configuration is refused; the defaults are in force. user-data, line 2: …'],
  ['ConfigurationIncomplete', '/var/a/b cannot be written'],
] as const)
  it(`a node that is Ready with ${type} is not what was asked for`, async () => {
    const api = saying(['a', { ...isReady, ConfigurationRefused: ['False', ''], [type]: ['True', message] }]);
    await assert.rejects(ready(api), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'CONFIGURATION_INVALID');
      assert.equal(error.message, `node a is Ready, but not as it was told to be: ${message}`);
      return true;
    });
  });

it('a configuration that was refused, and is not any more, is none', async () => {
  const [refused, applied] = [
    { ConfigurationRefused: ['True', 'no'] },
    { ConfigurationRefused: ['False', 'yes'] },
  ] as const;
  assert.deepEqual(await ready(saying(['a', refused], ['a', { ...isReady, ...applied }])), ['a']);
});

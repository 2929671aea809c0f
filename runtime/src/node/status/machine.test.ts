import assert from 'node:assert/strict';
import { test } from 'node:test';
import { machineFacts } from './machine.ts';

test('this machine says who it is, and in which start of it', async () => {
  const { info } = await machineFacts();
  assert.match(info.bootID, /^[0-9a-f-]{36}$/);
  assert.equal(info.operatingSystem, 'linux');
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ownServerUrl } from './ownServer.ts';

describe('the server of this machine is reached where it listens', () => {
  const rows: readonly (readonly [bindAddress: string, url: string])[] = [
    ['::', 'https://127.0.0.1:6443'],
    ['0.0.0.0', 'https://127.0.0.1:6443'],
    ['::ffff:0.0.0.0', 'https://127.0.0.1:6443'],
    ['127.0.0.1', 'https://127.0.0.1:6443'],
    ['::1', 'https://[::1]:6443'],
    ['192.0.2.10', 'https://192.0.2.10:6443'],
    ['2001:DB8:0::10', 'https://[2001:db8::10]:6443'],
  ];
  for (const [bindAddress, url] of rows) it(bindAddress, () => assert.equal(ownServerUrl(bindAddress, 6443), url));
});

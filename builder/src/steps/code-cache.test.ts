import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { repositoryRoot } from '../paths.ts';
import { daemonFlags } from './code-cache.ts';

describe('the code cache', () => {
  for (const path of [
    'usr/lib/systemd/system/atoll-server.service',
    'usr/lib/systemd/system/atoll-agent.service',
    'usr/bin/atoll',
    'usr/lib/systemd/system/atoll-config-refresh.service',
    'usr/lib/atoll/config',
    'usr/lib/atoll/config-fetch',
    'usr/lib/atoll/config-final',
  ]) {
    it(`is for the V8 flags of ${path}: V8 refuses it with others`, () => {
      const text = readFileSync(join(repositoryRoot, 'rootfs/overlay', path), 'utf8');
      const [, flags = ''] = /\/usr\/bin\/node (.*?)\/usr\/lib\/atoll\/(?:atoll|config)\.js/.exec(text) ?? [];
      // Node's own options do not count.
      const ofV8 = flags.split(' ').filter(flag => flag !== '' && !flag.startsWith('--disable-warning'));
      assert.deepEqual(ofV8, [...daemonFlags]);
    });
  }
});

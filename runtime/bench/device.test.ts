import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverSettings, settingsOf } from './device.ts';

test('flags and assignments of a unit, and no comments', () => {
  const unit = [
    '[Service]',
    '# Environment=NOT=this',
    'Environment=A=--x=1 --y',
    'EnvironmentFile=-/etc/a.env',
    'Environment=B=',
    'ExecStart=/usr/bin/node --max-semi-space-size=2 --one /usr/lib/atoll/atoll.js server --flag',
  ].join('\n');
  assert.deepEqual(settingsOf(unit), {
    flags: ['--max-semi-space-size=2', '--one'],
    environment: { A: '--x=1 --y', B: '' },
  });
  assert.deepEqual(settingsOf('ExecStart=/usr/bin/node atoll.js').flags, []);
});

test('a unit that starts something else is refused', () => {
  assert.throws(() => settingsOf('[Service]\nExecStart=/bin/sh -c node'), /does not start Node.js/);
});

test("the control plane's unit is understood", () => {
  const { flags, environment } = serverSettings();
  assert.equal(environment.NODE_ENV, 'production');
  assert.ok(flags.every(flag => flag.startsWith('--')));
});

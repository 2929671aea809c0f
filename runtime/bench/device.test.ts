import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environmentOf, serverEnvironment } from './device.ts';

test('the assignments of a unit, whatever they hold, and no comments', () => {
  const unit =
    '[Service]\n# Environment=NOT=this\nEnvironment=A=--x=1 --y\nEnvironmentFile=-/etc/a.env\nEnvironment=B=\n';
  assert.deepEqual(environmentOf(unit), { A: '--x=1 --y', B: '' });
});

test("the control plane's unit gives V8 its settings", () => {
  assert.match(serverEnvironment().NODE_OPTIONS ?? '', /--max-semi-space-size=\d+/);
});

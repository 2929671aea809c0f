import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { AGAIN, preload } from './early.ts';

it("the sample for V8's code cache is a configuration that is taken", () => preload());

it('systemd starts the asking again by the status it ends with', () => {
  const unit = new URL(
    '../../../../rootfs/overlay/usr/lib/systemd/system/atoll-config-refresh.service',
    import.meta.url,
  );
  assert.match(readFileSync(unit, 'utf8'), new RegExp(`^RestartForceExitStatus=${AGAIN}$`, 'm'));
});

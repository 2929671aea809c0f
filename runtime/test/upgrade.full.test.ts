/** Installations on full disks: what is full is named, nothing else boots than before, and with room again the same command does it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { FullOutcome } from './upgradeFullChild.ts';

const child = fileURLToPath(new URL('./upgradeFullChild.ts', import.meta.url));
const cases: readonly { readonly what: string; readonly message: RegExp; readonly hint: RegExp }[] = [
  {
    what: 'the boot partition is full',
    message: /^the boot partition \/esp has 4096 bytes free, and the new kernel needs \d+$/,
    hint: /ls -lR \/esp$/,
  },
  {
    what: 'the boot partition fills up while it is written',
    message: /^there is no space left for \/esp\/EFI\/atoll\/next.efi$/,
    hint: /remove what is not needed/,
  },
  {
    what: 'the boot partition fills up before the loader is told',
    message: /^there is no space left for \/esp$/,
    hint: /remove what is not needed/,
  },
  {
    what: 'the data partition fills up before the trial is noted',
    message: /^there is no space left for \/state$/,
    hint: /remove what is not needed/,
  },
];

describe('an installation where', () => {
  let outcomes: readonly FullOutcome[] = [];
  before(async () => {
    // In a mount namespace: what it mounts goes with it.
    const command = ['--mount', process.execPath, '--import', 'tsx', child];
    const { stdout } = await promisify(execFile)('unshare', command, { timeout: 120_000 });
    outcomes = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as FullOutcome);
    assert.equal(outcomes.length, cases.length);
  });
  for (const { what, message, hint } of cases) {
    it(what, () => {
      const found = outcomes.find(outcome => outcome.what === what);
      assert.ok(found);
      assert.match(found.message, message);
      assert.match(found.hint, hint);
      assert.equal(found.code, 'NO_SPACE');
      assert.deepEqual(found.entries[1], found.entries[0]);
      assert.equal(found.trial, false, 'no trial is on record');
      assert.equal(found.afterwards, 'armed');
    });
  }
});

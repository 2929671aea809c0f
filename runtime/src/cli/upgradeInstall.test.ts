import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { armTrial, readState } from '../machine/upgrade/state.ts';
import { Workshop } from '../machine/upgrade/testing/workshop.ts';
import { withdrawUnarmed } from './upgradeInstall.ts';

let shop: Workshop;
before(async () => {
  shop = await Workshop.open();
});
after(() => shop[Symbol.asyncDispose]());

it('a trial that the loader will boot is not forgotten, whatever fails after it was armed', async () => {
  const machine = await shop.machine();
  const { stateDir } = machine.places;
  await shop.upgrade(machine, await shop.file(await shop.bundle()), {
    beforeArm: async trial => {
      const before = { role: 'agent', takenAt: '', nodeReady: true, serverReachable: true, pods: [], failedUnits: [] };
      const about = { id: 'x', from: machine.running, armedAt: '', deadlineSeconds: 600 };
      await armTrial(
        stateDir,
        { ...trial, ...about, before: { ...before, role: 'agent' } },
        { ...trial, at: '', event: 'installed', message: '' },
      );
    },
  });
  await withdrawUnarmed(machine, shop.two.roothash);
  assert.equal((await readState(stateDir)).state.trial?.version, '0.2.0');
  // Another installation has given its slot up, and then failed to be armed.
  await machine.loader.refuse(shop.two.roothash);
  await withdrawUnarmed(machine, shop.two.roothash);
  assert.equal((await readState(stateDir)).state.trial, undefined);
});

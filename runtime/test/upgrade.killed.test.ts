/**
 * An installation that is killed at any moment: what can be booted is whole every time, and the next attempt goes on.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { entryText } from '../src/machine/upgrade/loader/systemdBoot.ts';
import { noise, versionOf } from '../src/machine/upgrade/testing/bundles.ts';
import { fill } from '../src/machine/upgrade/testing/machine.ts';
import { Workshop } from '../src/machine/upgrade/testing/workshop.ts';
import { MisbehavingServer, silentAfter } from './upgradeServer.ts';

const child = fileURLToPath(new URL('./upgradeChild.ts', import.meta.url));
const kills = 8;
/** What a whole installation asks for: so many pieces to know what there is, and four that are written. */
const known = 7;
const written = 4;

it('leaves something whole to boot, whenever it is killed', { timeout: 300_000 }, async () => {
  await using shop = await Workshop.open();
  await using server = await new MisbehavingServer(await shop.bundle()).start();
  const machine = await shop.machine();
  const { places, loader, folder } = machine;
  // The other slot boots too: the version before.
  const zero = versionOf('0.0.5', noise(4 << 20, 'zero'));
  await fill(places, 'b', zero);
  await writeFile(join(places.esp, 'EFI/atoll/b.efi'), zero.uki);
  await writeFile(join(places.esp, 'loader/entries/atoll-b.conf'), entryText('b', '0.0.5', 0));
  assert.equal((await loader.entries()).length, 2);

  /** Whatever the loader might boot is there from the first byte to the last. */
  const check = async (): Promise<string[]> => {
    const bootable: string[] = [];
    for (const { slot, roothash, triesLeft, uki } of await loader.entries()) {
      if (triesLeft === 0) continue;
      const version = [zero, shop.one, shop.two].find(one => one.roothash === roothash);
      assert.ok(version, roothash);
      assert.ok(
        (await readFile(places.root[slot])).subarray(0, version.root.length).equals(version.root),
        `root of ${version.version}`,
      );
      assert.ok(
        (await readFile(places.verity[slot])).subarray(0, version.verity.length).equals(version.verity),
        `tree of ${version.version}`,
      );
      assert.ok((await readFile(uki)).equals(version.uki), `kernel of ${version.version}`);
      bootable.push(version.version);
    }
    assert.ok(bootable.includes('0.1.0'), bootable.join());
    return bootable;
  };

  const start = (): ReturnType<typeof spawn> =>
    spawn(process.execPath, ['--import', 'tsx', child, folder, server.url, shop.one.version, shop.one.roothash], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  const seen: string[] = [];
  for (let round = 0; round < kills; round++) {
    // By turns in the middle of a piece that is being written, the next one each time, and at any moment.
    const inPiece = round % 2 === 0;
    const halfOf = server.requests + known + ((round / 2) % written);
    const halfway = new Promise<void>(resolve => {
      server.behaviour = ({ number, good }) => {
        if (!inPiece || number !== halfOf) return good();
        good({ send: (response, body) => silentAfter(body.length >> 1)(response, body) });
        resolve();
      };
    });
    const process = start();
    const ended = once(process, 'exit');
    if (!process.stdout) throw new Error('no output');
    await once(process.stdout, 'data');
    await Promise.race([inPiece ? halfway.then(() => sleep(20)) : sleep(Math.random() * 600), ended]);
    process.kill('SIGKILL');
    await ended;
    seen.push((await check()).join('+'));
    // What a restart does first.
    await loader.tidy(shop.one.roothash);
    await check();
    if ((await loader.entries())[0]?.roothash === shop.two.roothash) {
      // Came to its end: from the beginning, with another slot to write.
      await loader.refuse(shop.two.roothash);
      await fill(places, 'b', zero);
    }
  }
  assert.equal(seen[0], '0.1.0', `${seen.join(' ')}: the first was killed in the middle`);
  server.behaviour = ({ good }) => good();
  const last = start();
  const said: Buffer[] = [];
  last.stdout?.on('data', (piece: Buffer) => said.push(piece));
  const [code] = await once(last, 'exit');
  assert.equal(code, 0);
  assert.match(Buffer.concat(said).toString(), /^begun\narmed \d+\n$/);
  assert.ok((await check()).includes('0.2.0'));
});

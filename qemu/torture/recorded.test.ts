/**
 * Power cuts in a first boot, in a trial that is blessed and in one that falls back, each recorded once, write by write: what a cut at any moment
 * leaves is judged on the disk, without a boot, as firmware, e2fsck and the store would see it; a few of each are booted. The installation itself:
 * qemu/test/upgrade.test.ts.
 *
 * `make torture`; ATOLL_MOMENTS=<n> of each kind, ATOLL_BOOTS=<n> of them booted, ATOLL_SEED=<n>.
 */
import assert from 'node:assert/strict';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { cacheDirectory } from '../../builder/src/paths.ts';
import { openSqliteStore } from '../../runtime/src/store/sqlite/open.ts';
import type { KnownVersion } from '../src/bootable.ts';
import { BundleServer } from '../src/bundle-server.ts';
import { extract } from '../src/ext4.ts';
import type { MachineOptions } from '../src/machine.ts';
import { AtollNode } from '../src/node.ts';
import { imageMachine } from '../test/image.ts';
import { type Judged, UpgradeCuts } from '../test/upgradeCuts.ts';
import { builtVersion, flashed, inBundle, type Version } from '../test/versions.ts';
import { settled } from './settled.ts';

const minutes = 60_000;
const moments = Number(process.env.ATOLL_MOMENTS ?? 60);
const boots = Number(process.env.ATOLL_BOOTS ?? 2);
const seed = Number(process.env.ATOLL_SEED ?? 1);
const configMap = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept}\ndata: {value: from-1}\n';
const atoll = '/lib/atoll';

describe('power cuts in what was recorded', { timeout: 240 * minutes }, () => {
  const folder = join(cacheDirectory(), 'machines', `${process.pid}-recorded`);
  const [logFile, base] = [join(folder, 'writes.log'), join(folder, 'base.raw')];
  let node: AtollNode;
  let server: BundleServer;
  let first: KnownVersion;
  const versions: Record<string, Version> = {};
  const known: Record<string, KnownVersion> = {};

  before(async () => {
    await mkdir(folder, { recursive: true });
    versions.good = await builtVersion('0.2.0');
    versions.bad = await builtVersion('0.3.0', 'server-crashes.yaml');
    first = await flashed();
    for (const [name, version] of Object.entries(versions))
      known[name] = await inBundle(version, join(folder, `bundle-${name}`));
    server = await BundleServer.start(Object.values(versions).map(({ bundle }) => bundle));
    const options = machine('recorded');
    const disks = (options.disks ?? []).map(disk => ({ ...disk, writeLog: logFile }));
    node = await AtollNode.start({ ...options, disks });
    await node.ready();
  });
  after(async () => {
    await node?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const machine = (name: string): MachineOptions => ({
    ...imageMachine(name),
    guestForwards: { 8080: server.port },
    extraArguments: ['-device', 'i6300esb'],
  });
  const guest = (command: string, timeoutMs = minutes): Promise<string> =>
    node.machine.shell.output(command, { timeoutMs });
  const eventually = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
    for (const deadline = performance.now() + 30 * minutes; ; await setTimeout(1000)) {
      if (await holds().catch(() => false)) return;
      assert.ok(performance.now() < deadline, `${what}\n${node.machine.console.lastLines()}`);
    }
  };
  const history = (): Promise<string> => guest('atoll upgrade history', 3 * minutes);
  const entries = (): Promise<string> => guest('ls /efi/loader/entries');

  /**
   * Installs it, and switches off: the next power-on is its trial, whose log begins with the disk that is kept here.
   * @param deadline of the trial, from the start of its kernel: a busy machine takes minutes to be Ready
   */
  const arm = async ({ version }: Version, deadline: string): Promise<void> => {
    const url = `http://10.0.2.100:8080/vm-x86_64-${version}.raucb`;
    await guest(`atoll upgrade --yes --no-reboot --deadline ${deadline} ${url} 2>&1 && sync`, 10 * minutes);
    await node.machine.powerCut();
    await node.machine.exportDisk(0, base);
    await node.machine.powerOn();
  };

  /** Opens a store as a server would, and looks for what was written before. @returns undefined where there is none @throws what is wrong with it */
  const storeHas = async (image: string, place: 'server' | 'upgrade/store-copy'): Promise<boolean | undefined> => {
    const file = join(folder, 'state.db');
    for (const suffix of ['', '-wal', '-shm', '-of']) await rm(file + suffix, { force: true });
    const inside = `${atoll}/${place}/db/state.db`;
    const of = `${file}-of`;
    await extract(image, { [inside]: file, [`${inside}-wal`]: `${file}-wal`, [`${atoll}/${place}/of`]: of });
    // A copy without its mark is none.
    if (!(await isFile(place === 'server' ? file : of))) return undefined;
    const store = await openSqliteStore({ path: file, compaction: false });
    const { items } = await store.range({ prefix: '/registry/core/configmaps/default/kept' });
    await store.close();
    const checked = new Database(file, { readonly: true });
    assert.equal(checked.pragma('integrity_check', { simple: true }), 'ok');
    checked.close();
    return items.length === 1;
  };

  /** Boots some of them, evenly chosen. */
  const boot = async (
    cuts: UpgradeCuts,
    judged: readonly Judged[],
    check: (node: AtollNode) => Promise<void>,
  ): Promise<void> => {
    const chosen = Array.from({ length: boots }, (_, n) => judged[Math.floor(((n + 0.5) * judged.length) / boots)]?.at);
    await cuts.wholeDisks(
      chosen.filter(at => at !== undefined),
      async (disk, at) => {
        await using cut = await AtollNode.start({ ...machine('recorded-cut'), disks: [{ file: disk }] });
        try {
          await check(cut);
          await cut.ready();
          assert.equal(await cut.machine.shell.output('systemctl --failed --no-legend --plain'), '');
        } catch (error) {
          throw new Error(`booted after a cut at byte ${at}, seed ${seed}: ${String(error)}`, { cause: error });
        }
      },
    );
  };
  const tell = (t: TestContext, judged: readonly Judged[]): void =>
    t.diagnostic(`${judged.length} cuts judged, ${Math.min(boots, judged.length)} of them booted`);

  it('in a first boot', async t => {
    await node.kubectlOutput(['apply', '-f', '-'], { stdin: configMap });
    await eventually('the flashed version is blessed', async () => (await entries()) === 'atoll-a.conf');
    await guest('sync');
    await node.machine.powerCut();
    const found: boolean[] = [];
    const look = async (image: string): Promise<void> => void found.push((await storeHas(image, 'server')) === true);
    const options = { node, logFile, folder, known: [first], slots: { a: first }, seed, look };
    await using cuts = await UpgradeCuts.open(options);
    const judged = await cuts.judge({ from: 0, to: cuts.endsAt, moments, everyBootWrite: true });
    for (const one of judged) assert.equal(one.boots.version, '0.1.0', `byte ${one.at}, seed ${seed}`);
    assert.equal(found.at(-1), true, 'what was synced is there');
    await boot(cuts, judged, async cut => assert.equal(await settled(cut), '0.1.0'));
    tell(t, judged);
  });

  it('in a trial that is blessed', async t => {
    const { good } = known;
    assert.ok(good && versions.good);
    await node.machine.powerOn();
    await node.ready();
    await arm(versions.good, '10m');
    await node.ready();
    await eventually('the trial is blessed', async () => (await entries()).split('\n').includes('atoll-b.conf'));
    await eventually('its end is on record', async () => /blessed/.test(await history()));
    await guest('sync');
    await node.machine.powerCut();
    const look = async (image: string): Promise<void> => {
      assert.equal(await storeHas(image, 'server'), true, 'what was there before the trial');
      assert.notEqual(await storeHas(image, 'upgrade/store-copy'), false, 'and in its copy');
    };
    const slots = { a: first, b: good };
    await using cuts = await UpgradeCuts.open({ node, logFile, folder, base, known: [first, good], slots, seed, look });
    const judged = await cuts.judge({ from: 0, to: cuts.endsAt, moments, everyBootWrite: true });
    for (const { at, boots, state } of judged) {
      const where = `byte ${at}, seed ${seed}`;
      // The loader's own renaming may lose the trial's entry; never one that was blessed.
      if (boots.version !== '0.2.0') assert.equal(state?.trial?.version, '0.2.0', `${where}: the trial is lost`);
      if (state?.trial === undefined) assert.equal(boots.triesLeft, undefined, `${where}: on record as blessed`);
    }
    assert.equal(judged.at(-1)?.boots.triesLeft, undefined);
    await boot(cuts, judged, async cut => assert.equal(await settled(cut), '0.2.0'));
    tell(t, judged);
  });

  it('in a trial that falls back', async t => {
    const { good, bad } = known;
    assert.ok(good && bad && versions.bad);
    await node.machine.powerOn();
    await node.ready();
    await arm(versions.bad, '150s');
    await eventually('it falls back', async () => /fell-back +0\.3\.0/.test(await history()));
    await eventually('its server answers', async () => (await guest('systemctl is-active atoll-server')) === 'active');
    await guest('sync');
    await node.machine.powerCut();
    // While it is put back the copy is what counts.
    const look = async (image: string): Promise<void> => {
      const has = (await storeHas(image, 'upgrade/store-copy')) ?? (await storeHas(image, 'server'));
      assert.equal(has, true, 'what was there before the trial');
    };
    const slots = { a: bad, b: good };
    await using cuts = await UpgradeCuts.open({ node, logFile, folder, base, known: [good, bad], slots, seed, look });
    const judged = await cuts.judge({ from: 0, to: cuts.endsAt, moments, everyBootWrite: true });
    for (const { at, boots, state } of judged) {
      const where = `byte ${at}, seed ${seed}`;
      if (boots.version === '0.3.0') assert.ok((boots.triesLeft ?? 0) > 0, `${where}: it is a trial`);
      if (boots.version === '0.3.0') assert.equal(state?.trial?.version, '0.3.0', `${where}: and is known as one`);
      if (state?.trial === undefined)
        assert.equal(state?.refused[0]?.version, '0.3.0', `${where}: its end is on record`);
    }
    assert.equal(judged.at(-1)?.boots.version, '0.2.0');
    await boot(cuts, judged, async cut => {
      assert.equal(await settled(cut), '0.2.0');
      assert.match(await cut.machine.shell.output('atoll upgrade history'), /0\.3\.0/);
    });
    tell(t, judged);
  });
});

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    found => found.size > 0,
    () => false,
  );

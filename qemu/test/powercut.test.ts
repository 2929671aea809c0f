/**
 * Power cuts under write load: nothing acknowledged is lost, everything comes back.
 *
 * Two kinds. The plug of the running machine is pulled in the middle of the load, then it boots again and is asked through
 * its API. And from the log of all its disk writes the disk is made as a cut at other moments would have left it, with any
 * part of the unflushed writes lost or torn (src/cuts.ts); its journal is replayed, and the store is opened on it as the
 * server would.
 *
 * `ATOLL_CUTS=long` (make test-cuts) makes more of both.
 */
import assert from 'node:assert/strict';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { cacheDirectory } from '../../builder/src/paths.ts';
import { openSqliteStore } from '../../runtime/src/store/sqlite/open.ts';
import { CutMaker, seededRandom } from '../src/cuts.ts';
import { demoDeployment } from '../src/demo.ts';
import { extract, recover } from '../src/ext4.ts';
import { findPartition, type Partition } from '../src/gpt.ts';
import { AtollNode } from '../src/node.ts';
import { readWriteLog } from '../src/write-log.ts';
import { imageMachine } from './image.ts';
import { listedStates, namespace, states, WriteLoad } from './load.ts';
import { rolledOut } from './rolledOut.ts';

const minutes = 60_000;
const long = process.env.ATOLL_CUTS === 'long';
const cuts = long ? 500 : 60;
const pulls = long ? 20 : 1;
const loadMs = long ? 60_000 : 20_000;
const seed = Number(process.env.ATOLL_SEED ?? 1);

describe('power cuts under write load', { timeout: (long ? 120 : 20) * minutes }, () => {
  const folder = join(cacheDirectory(), 'machines', `${process.pid}-cuts`);
  const logFile = join(folder, 'writes.log');
  let node: AtollNode;
  const load = new WriteLoad(logFile);

  before(async () => {
    await mkdir(folder, { recursive: true });
    const options = imageMachine('powercut');
    const disks = (options.disks ?? []).map(disk => ({ ...disk, writeLog: logFile }));
    node = await AtollNode.start({ ...options, disks });
    await node.ready();
    await load.prepare(node.api);
    await node.kubectlOutput(['apply', '-f', '-'], { stdin: demoDeployment });
  });
  after(async () => {
    await node?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** Writes for a while, then pulls the plug in the middle of it. */
  const cutUnderLoad = async (prefix: string): Promise<void> => {
    const errors = load.run(node.api, 8, prefix);
    const first = await Promise.race([errors, setTimeout(loadMs, undefined)]);
    assert.equal(first, undefined, `every writer failed before the cut: ${first?.join('; ')}`);
    await node.machine.powerCut();
    load.end();
    for (const error of await errors) {
      assert.doesNotMatch(String(error), /ApiError/, 'the only errors are those of the cut');
    }
  };

  it(`loses nothing acknowledged at ${cuts} moments of a load, whatever the drive had not flushed`, async t => {
    await cutUnderLoad('log-');
    const disk = join(folder, 'disk.raw');
    await node.machine.exportDisk(0, disk);
    const part = await findPartition(disk, 'var');
    await rm(disk);
    const entries = await readWriteLog(logFile);
    const { size } = await stat(logFile);
    const { moments } = load.acknowledged;
    const first = Math.min(...moments);
    const random = seededRandom(seed);
    await using maker = await CutMaker.open({ logFile, entries, part: bytes(part) }, join(folder, 'durable.raw'));
    const total = { compared: 0, unflushed: 0 };
    for (let index = 0; index < cuts; index++) {
      const at = Math.round(first + ((size - first) * index) / (cuts - 1));
      const image = join(folder, 'cut.raw');
      const { kept, lost, torn } = await maker.cut(at, image, random);
      const found = await storedStates(image, join(folder, 'state.db'));
      const { wrong, compared } = load.acknowledged.verify(found, at);
      const where = `seed ${seed}, cut ${index} at byte ${at} of the log, ${kept} kept, ${lost} lost, ${torn} torn`;
      assert.deepEqual(wrong, [], where);
      total.compared += compared;
      total.unflushed += kept + lost + torn;
    }
    t.diagnostic(
      `${moments.length} writes acknowledged; ${cuts} cuts, ${total.compared} keys compared, ${total.unflushed} unflushed writes`,
    );
  });

  for (let pull = 1; pull <= pulls; pull++) {
    it(`comes back with everything after its plug was pulled (${pull} of ${pulls})`, async () => {
      if (pull > 1) {
        await cutUnderLoad(`pull-${pull}-`);
      }
      await node.machine.powerOn();
      await node.ready();
      assert.deepEqual(load.acknowledged.verify(await listedStates(node.api)).wrong, []);
      await rolledOut(node);
      assert.equal(await node.machine.shell.output('systemctl --failed --no-legend --plain'), '');
    });
  }
});

const bytes = ({ offset, sizeBytes }: Partition): { offset: number; sizeBytes: number } => ({ offset, sizeBytes });

/** What the server would find on this partition at its next start. */
async function storedStates(image: string, database: string): Promise<Map<string, string>> {
  for (const suffix of ['', '-wal', '-shm']) {
    await rm(database + suffix, { force: true });
  }
  await recover(image);
  const inside = '/lib/atoll/server/db/state.db';
  await extract(image, { [inside]: database, [`${inside}-wal`]: `${database}-wal` });
  const store = await openSqliteStore({ path: database, compaction: false });
  try {
    const { items } = await store.range({ prefix: `/registry/core/configmaps/${namespace}/` });
    return states(items.map(({ value }) => JSON.parse(value.toString('utf8'))));
  } finally {
    await store.close();
    const checked = new Database(database, { readonly: true });
    assert.equal(checked.pragma('integrity_check', { simple: true }), 'ok');
    checked.close();
  }
}

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ensurePki } from '../../lib/pki.ts';
import { diskOf, Flash } from '../flash.ts';
import type { HistoryEntry } from '../upgrade/types.ts';
import { machineMetrics } from './metrics.ts';
import { machineLabels } from './node.ts';

let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'atoll-metrics-'));
});
after(() => rm(dir, { recursive: true }));

const write = async (path: string, text: string): Promise<void> => {
  await mkdir(join(dir, path, '..'), { recursive: true });
  await writeFile(join(dir, path), text);
};
const entry = (event: HistoryEntry['event'], version: string, at = '2026-11-22T00:00:00Z'): HistoryEntry => ({
  at,
  event,
  version,
  roothash: version,
  slot: 'b',
  message: '',
});

describe('bytes written', () => {
  const places = (): { sys: string; proc: string } => ({ sys: join(dir, 'sys'), proc: join(dir, 'proc') });
  const boot = (id: string, sectors: number) =>
    Promise.all([
      write('proc/sys/kernel/random/boot_id', `${id}\n`),
      write('sys/block/mmcblk0/stat', `  10 0 80 4  20 5 ${sectors} 7 0 0 0 0 0\n`),
    ]);
  const open = (): Flash => new Flash(join(dir, 'agent'), places(), 'mmcblk0');

  it('are counted over restarts of the agent, boots and power cuts', async () => {
    await mkdir(join(dir, 'agent'), { recursive: true });
    await boot('one', 100);
    const first = open();
    assert.deepEqual(first.written(), { disk: 'mmcblk0', sinceBootBytes: 51_200, inAllBytes: 51_200 });
    await first.keep();
    await boot('one', 200);
    assert.equal(open().written()?.inAllBytes, 102_400, 'the agent has restarted');
    await open().keep();
    await boot('two', 50);
    assert.deepEqual(open().written(), { disk: 'mmcblk0', sinceBootBytes: 25_600, inAllBytes: 128_000 });
    await write('agent/flash-written.json', '{"boot');
    assert.equal(open().written()?.inAllBytes, 25_600, 'what cannot be read counts for nothing');
  });
  it('are not told where there is no disk', () => {
    assert.equal(new Flash(dir, places(), undefined).written(), undefined);
    assert.equal(new Flash(dir, places(), 'sdz').written(), undefined);
    assert.equal(diskOf('/proc'), undefined);
  });
});

describe('what a node says of its machine', () => {
  const release = { version: '1.2.0+b', image: 'vm-x86_64', kubernetes: 'v1.36.4' };
  it('labels', () => {
    assert.deepEqual(machineLabels(release, 'a'), {
      'atoll.dev/image': 'vm-x86_64',
      'atoll.dev/version': '1.2.0-b',
      'atoll.dev/slot': 'a',
    });
    assert.deepEqual(machineLabels({ ...release, image: 'none' }, undefined), {});
  });

  const refused = [{ ...entry('fell-back', '2'), id: 'x', check: 'pods', reason: 'web-0 does not run' }];
  it('metrics', async () => {
    await ensurePki(join(dir, 'data', 'server', 'tls'), { now: new Date(), sans: [] });
    await write('run/slot', 'a\n');
    await write(
      'run/health.json',
      JSON.stringify({ at: '2026-11-22T00:00:00Z', checks: [{ check: 'pods', state: 'waiting', message: '' }] }),
    );
    const history = [entry('fell-back', '2'), entry('installed', '2'), entry('blessed', '1')];
    await write('state/state.json', JSON.stringify({ format: 1, refused, history }));
    let asked = 0;
    let askedClock = 0;
    const read = machineMetrics({
      places: { stateDir: join(dir, 'state'), runDir: join(dir, 'run'), proc: join(dir, 'proc') },
      dataDir: join(dir, 'data'),
      release: () => release,
      time: () => ({ now: '', synchronized: true, lastSync: '2026-11-22T00:00:00Z' }),
      clockOffset: async () => {
        askedClock++;
        return -0.25;
      },
      flash: new Flash(join(dir, 'agent'), { sys: join(dir, 'sys'), proc: join(dir, 'proc') }, 'mmcblk0'),
      entries: async () => {
        asked++;
        const uki = { id: 'x', uki: '', roothash: '' };
        return [
          { ...uki, slot: 'a', version: '1.2.0' },
          { ...uki, slot: 'b', version: '2', triesLeft: 0 },
        ];
      },
    });
    await read();
    const lines = (await read()).split('\n');
    assert.deepEqual([asked, askedClock], [1, 1], 'neither the boot partition nor timesyncd is asked each time');
    for (const line of [
      'atoll_build_info{version="1.2.0+b",image="vm-x86_64",kubernetes="v1.36.4",slot="a"} 1',
      'atoll_slot_info{slot="a",version="1.2.0",state="blessed"} 1',
      'atoll_slot_info{slot="b",version="2",state="refused"} 1',
      'atoll_upgrade_in_progress 0',
      'atoll_upgrade_refused_versions 1',
      'atoll_upgrade_events{event="fell-back"} 1',
      'atoll_upgrade_events{event="rolled-back"} 0',
      'atoll_upgrade_last_event_timestamp_seconds{event="blessed"} 1795305600',
      'atoll_health_check{check="pods",state="waiting"} 1',
      'atoll_health_check_timestamp_seconds 1795305600',
      'atoll_disk_written_bytes_total{disk="mmcblk0"} 25600',
      'atoll_clock_synchronized 1',
      'atoll_clock_offset_seconds -0.25',
      'atoll_clock_last_sync_timestamp_seconds 1795305600',
    ])
      assert.ok(lines.includes(line), `${line}\nis not in\n${lines.join('\n')}`);
    for (const name of ['serving', 'admin', 'server-ca', 'client-ca']) {
      const line = lines.find(text => text.startsWith(`atoll_certificate_expiry_timestamp_seconds{name="${name}"}`));
      assert.ok(Number(line?.split(' ')[1]) > Date.now() / 1000, name);
    }
  });
});

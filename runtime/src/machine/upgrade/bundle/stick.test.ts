import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { UpgradeError } from '../upgradeError.ts';
import { removableDevices, whileMounted } from './stick.ts';

describe('sticks', () => {
  let dir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'atoll-stick-'));
  });
  after(() => rm(dir, { recursive: true, force: true }));

  interface Disk {
    readonly removable?: boolean;
    readonly bus?: string;
    readonly size?: number;
    /** Name → PARTNAME. */
    readonly partitions?: Readonly<Record<string, string>>;
  }
  const rows: readonly { what: string; disks: Readonly<Record<string, Disk>>; found: string[] }[] = [
    { what: 'none without a disk', disks: {}, found: [] },
    { what: 'not a disk that stays', disks: { vda: { partitions: { vda1: 'x' } } }, found: [] },
    {
      what: 'partitions of a removable disk',
      disks: { sda: { removable: true, partitions: { sda1: '', sda2: 'data' } } },
      found: ['/dev/sda1', '/dev/sda2'],
    },
    { what: 'a whole disk without partitions', disks: { sda: { removable: true } }, found: ['/dev/sda'] },
    {
      what: 'a disk behind USB that does not say it is removable',
      disks: { sdb: { bus: 'usb1/1-1/1-1:1.0/host3', partitions: { sdb1: '' } } },
      found: ['/dev/sdb1'],
    },
    { what: 'no reader without a card', disks: { sdc: { removable: true, size: 0 } }, found: [] },
    {
      what: 'not the stick this machine runs from, but another',
      disks: {
        sda: { removable: true, partitions: { sda1: 'esp', sda2: 'root-a' } },
        sdb: { removable: true, partitions: { sdb1: '' } },
      },
      found: ['/dev/sdb1'],
    },
  ];
  for (const [index, { what, disks, found }] of rows.entries()) {
    it(`finds ${what}`, async () => {
      const sys = join(dir, String(index));
      const put = async (path: string, text: string): Promise<void> => {
        await mkdir(dirname(join(sys, path)), { recursive: true });
        await writeFile(join(sys, path), text);
      };
      for (const [name, { removable = false, bus = 'pci0', size = 4096, partitions = {} }] of Object.entries(disks)) {
        await put(`block/${name}/removable`, removable ? '1\n' : '0\n');
        await put(`block/${name}/size`, `${size}\n`);
        await put(`block/${name}/queue/rotational`, '0\n');
        await mkdir(join(sys, 'devices', bus, name), { recursive: true });
        await symlink(join(sys, 'devices', bus, name), join(sys, 'block', name, 'device'));
        for (const [partition, label] of Object.entries(partitions))
          await put(`block/${name}/${partition}/uevent`, `DEVTYPE=partition\n${label && `PARTNAME=${label}\n`}`);
      }
      assert.deepEqual(await removableDevices(sys), found);
    });
  }

  it('says what cannot be mounted, and leaves nothing behind', async () => {
    await writeFile(join(dir, 'noise'), Buffer.alloc(65_536, 7));
    for (const device of [join(dir, 'gone'), join(dir, 'noise')]) {
      await assert.rejects(
        whileMounted(device, dir, () => assert.fail('it is mounted')),
        (error: unknown) => {
          assert.ok(error instanceof UpgradeError);
          assert.equal(error.code, 'NO_BUNDLE');
          assert.ok(error.message.startsWith(`${device} cannot be mounted: `), error.message);
          return true;
        },
      );
      assert.equal(existsSync(join(dir, 'media', device.slice(dir.length + 1))), false);
    }
  });
});

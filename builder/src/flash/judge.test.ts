import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BlockDevice } from './disks.ts';
import { exchanged, refusal, systemUse } from './judge.ts';

let minor = 0;
/** A device; children and the like as they are given. */
function device(name: string, more: Partial<BlockDevice> = {}): BlockDevice {
  minor++;
  return {
    name,
    path: `/dev/${name}`,
    type: /\d$/.test(name) && !/^(loop|mmcblk|md|nvme\d+n)\d+$/.test(name) ? 'part' : 'disk',
    sizeBytes: 32 * 1024 ** 3,
    sectorBytes: 512,
    readOnly: false,
    removable: true,
    bus: 'usb',
    model: 'SanDisk Ultra',
    serial: '4C53',
    fileSystem: '',
    label: '',
    mountPoints: [],
    number: `8:${minor}`,
    sequence: `${minor}`,
    children: [],
    ...more,
  };
}

const wanted = { imageBytes: 1024 ** 3, force: false, unmount: false };
const everything = { ...wanted, force: true, unmount: true };
const built = { removable: false, bus: 'nvme' };

const cases: readonly {
  readonly what: string;
  readonly disk: BlockDevice;
  readonly others?: readonly BlockDevice[];
  /** With which options it is refused, by its reason; absent: never. */
  readonly plain?: RegExp;
  readonly forced?: RegExp;
}[] = [
  { what: 'a stick', disk: device('sdb') },
  { what: 'a loop device', disk: device('loop7', { type: 'loop', removable: false, bus: '' }) },
  { what: 'a disk that is built in', disk: device('sdc', built), plain: /^is built in: neither removable nor on USB/ },
  {
    what: 'a stick with a mounted partition',
    disk: device('sdb', { children: [device('sdb1', { mountPoints: ['/media/me/boot', '/mnt'] })] }),
    plain: /^is mounted: \/dev\/sdb1 on \/media\/me\/boot, \/dev\/sdb1 on \/mnt$/,
  },
  {
    what: 'the disk with the root',
    disk: device('sda', { children: [device('sda1'), device('sda2', { mountPoints: ['/'] })] }),
    plain: /^is the disk this system runs from: \/ is on \/dev\/sda2$/,
    forced: /^is the disk this system runs from/,
  },
  {
    what: 'a system on a stick',
    disk: device('sda', { mountPoints: ['/'] }),
    plain: /^is the disk this system runs from: \/ is on \/dev\/sda$/,
    forced: /^is the disk this system runs from/,
  },
  {
    what: 'a boot partition alone',
    disk: device('mmcblk0', { children: [device('mmcblk0p1', { mountPoints: ['/boot/firmware'] })] }),
    plain: /\/boot\/firmware is on \/dev\/mmcblk0p1$/,
    forced: /runs from/,
  },
  {
    what: 'swap',
    disk: device('sdb', { children: [device('sdb1', { mountPoints: ['[SWAP]'] })] }),
    plain: /\/dev\/sdb1 is swap$/,
    forced: /runs from/,
  },
  {
    what: 'a root on LVM on encryption on a partition',
    disk: device('nvme0n1', {
      ...built,
      children: [
        device('nvme0n1p3', {
          children: [
            device('crypt', {
              type: 'crypt',
              children: [device('vg-root', { type: 'lvm', path: '/dev/mapper/vg-root', mountPoints: ['/'] })],
            }),
          ],
        }),
      ],
    }),
    plain: /\/ is on \/dev\/mapper\/vg-root$/,
    forced: /runs from/,
  },
  {
    what: 'a member of an array that holds nothing of the system',
    disk: device('sdd', { children: [device('sdd1', { children: [device('md0', { type: 'raid1' })] })] }),
    plain: /^is part of \/dev\/md0 \(raid1\), which is in use$/,
    forced: /^is part of \/dev\/md0/,
  },
  {
    what: 'a disk with the file of a loop device that holds the root',
    disk: device('sde', { number: '8:64', mountPoints: ['/run/live/medium'] }),
    others: [
      device('loop0', {
        type: 'loop',
        mountPoints: ['/'],
        backing: { file: '/run/live/medium/root.squashfs', number: '8:64' },
      }),
    ],
    plain: /\/ is on \/dev\/loop0, whose file \/run\/live\/medium\/root\.squashfs is on it$/,
    forced: /runs from/,
  },
  {
    what: 'a read-only card',
    disk: device('sdb', { readOnly: true }),
    plain: /^is read-only$/,
    forced: /^is read-only$/,
  },
  {
    what: 'a card that is too small',
    disk: device('sdb', { sizeBytes: 512 * 1024 ** 2 }),
    plain: /^is too small: it has 512 MiB, the image 1 GiB$/,
    forced: /^is too small/,
  },
  {
    what: 'a disk with large sectors',
    disk: device('sdb', { sectorBytes: 4096 }),
    plain: /^has sectors of 4096 bytes, the image's partition table is for 512$/,
    forced: /^has sectors of 4096/,
  },
  {
    what: 'an empty reader',
    disk: device('sdb', { sizeBytes: 0 }),
    plain: /^is too small: it has 0 B/,
    forced: /^is too small/,
  },
  {
    what: 'a drive for discs',
    disk: device('sr', { type: 'rom' }),
    plain: /^is no disk but rom$/,
    forced: /^is no disk/,
  },
];

for (const { what, disk, others = [], plain, forced } of cases)
  test(`${what}: ${forced ? 'never' : plain ? 'only when it is asked for' : 'yes'}`, () => {
    const disks = [disk, ...others];
    for (const [options, said] of [
      [wanted, plain],
      [everything, forced],
    ] as const) {
      const reason = refusal(disk.path, disks, options)?.reason;
      if (said) assert.match(reason ?? 'not refused', said);
      else assert.equal(reason, undefined);
    }
  });

test('a partition, and what is no disk at all', () => {
  const disks = [device('sdb', { children: [device('sdb1')] })];
  assert.deepEqual(refusal('/dev/sdb1', disks, everything), {
    reason: 'is a partition of /dev/sdb',
    hint: 'The image has its own partitions: --to /dev/sdb.',
  });
  assert.match(refusal('/dev/sdz', disks, everything)?.reason ?? '', /^is no disk with anything in it$/);
});

test('loop devices whose files are in each other do not go round for ever', () => {
  const one = device('loop0', { type: 'loop', number: '7:0', backing: { file: '/b/a', number: '7:1' } });
  const two = device('loop1', { type: 'loop', number: '7:1', backing: { file: '/a/b', number: '7:0' } });
  assert.equal(systemUse(one, [one, two]), undefined);
});

test('a disk that was exchanged is seen by its size, model, serial number or number in the kernel; one that was mounted is the same', () => {
  const disk = device('sdx');
  assert.equal(exchanged(disk, { ...disk, mountPoints: ['/mnt'], label: 'other' }), undefined);
  for (const [change, said] of [
    [{ sizeBytes: disk.sizeBytes + 512 }, /^its size was 34359738368 bytes and is 34359738880 bytes$/],
    [{ model: '' }, /^its model was SanDisk Ultra and is unknown$/],
    [{ serial: '4C54' }, /^its serial number was 4C53 and is 4C54$/],
    [{ number: '8:250' }, /^its number in the kernel was 8:\d+ and is 8:250$/],
    [{ sequence: '617' }, /^its number of a change of cards was \d+ and is 617$/],
    [{ backing: { file: '/b', number: '' } }, /^its file was unknown and is \/b$/],
  ] as const)
    assert.match(exchanged(disk, { ...disk, ...change }) ?? '', said);
});

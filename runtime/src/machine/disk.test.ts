/** Which of a machine's disks is ours: the initrd's `lib/disk` over a made-up /sys and /dev, with real root hashes and partition tables. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, open, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../../rootfs/initrd/lib/disk', import.meta.url));

const salt = '00ff10'.padEnd(64, '5');
const treeOf = (version: string): Buffer => Buffer.alloc(4096, version);
const roothash = createHash('sha256').update(Buffer.from(salt, 'hex')).update(treeOf('ours')).digest('hex');

const idA = '01234567-89ab-4cde-8f01-23456789abcd';
const idB = 'fedcba98-7654-4321-9e0f-fedcba987654';
/** Device and function on the first bus. */
const nvmePlace = '0000:00:1d.0/0000:02:00.0';
const usbPlace = '0000:00:14.3';

interface Disk {
  readonly name: string;
  /** The version in each of its slots. */
  readonly a?: string;
  readonly b?: string;
  /** Of its boot partition; absent: there is none. */
  readonly id?: string;
  readonly place?: string;
  /** More partitions, by name. */
  readonly more?: readonly string[];
  /** Only the root or the tree of slot A. */
  readonly half?: 'root-a' | 'verity-a';
  readonly sectorBytes?: number;
  /** It is seen after so many tenths of a second. */
  readonly after?: number;
}

interface Case {
  readonly what: string;
  readonly disks: readonly Disk[];
  /** What the firmware tells: the boot partition's id, and `device.function`. */
  readonly source?: { readonly id?: string; readonly stub?: false; readonly path?: readonly (readonly number[])[] };
  /** Devices of roots that fit and cannot be read. */
  readonly damaged?: string;
  /** `disk slot root verity: partitions`, or why there is none. */
  readonly found: string;
  readonly said?: string;
  /** Tenths of a second; 0 unless told. */
  readonly waited?: number;
}

const onNvme: Disk = { name: 'nvme0n1', a: 'ours', id: idA, place: nvmePlace, more: ['var'] };
const onStick: Disk = { name: 'sda', b: 'ours', id: idB, place: usbPlace, more: ['var'] };
const nvme = 'nvme0n1 a nvme0n1p2 nvme0n1p3: esp=nvme0n1p1 root-a=nvme0n1p2 verity-a=nvme0n1p3 var=nvme0n1p4';
const stick = 'sda b sda2 sda3: esp=sda1 root-b=sda2 verity-b=sda3 var=sda4';
const both = (taken: string): string => `this version is on nvme0n1 sda: ${taken} is taken`;

/** Nodes of a device path: ACPI's root bridge, devices on PCI, what is behind them, the end. */
const bridge = [2, 1, 12, 0, 0xd0, 0x41, 3, 0x0a, 0, 0, 0, 0];
const pci = (device: number, func: number): number[] => [1, 1, 6, 0, func, device];
const usbPort = [3, 5, 6, 0, 3, 0];
const end = [0x7f, 0xff, 4, 0];
/** What a disk's own entry without its place begins with: HD(1,GPT,…). */
const shortForm = [4, 1, 42, 0, ...Array<number>(38).fill(0)];

const cases: readonly Case[] = [
  { what: 'the only one', disks: [onNvme], found: nvme },
  {
    what: 'a card, in slot B',
    disks: [{ name: 'mmcblk0', a: 'older', b: 'ours', id: idA }, { name: 'mmcblk0boot0' }],
    found:
      'mmcblk0 b mmcblk0p4 mmcblk0p5: esp=mmcblk0p1 root-a=mmcblk0p2 verity-a=mmcblk0p3 root-b=mmcblk0p4 verity-b=mmcblk0p5',
  },
  {
    what: 'a loop device',
    disks: [{ name: 'loop0', a: 'ours' }],
    found: 'loop0 a loop0p1 loop0p2: root-a=loop0p1 verity-a=loop0p2',
  },
  {
    what: 'the second where the first holds another version',
    disks: [{ ...onNvme, a: 'older', b: 'oldest' }, onStick],
    found: stick,
  },
  {
    what: 'the one that is late where another version is there',
    disks: [
      { ...onNvme, a: 'older' },
      { ...onStick, after: 20 },
    ],
    found: stick,
    waited: 20,
  },
  {
    what: 'ours where others have names of ours',
    disks: [{ name: 'data', id: idA, more: ['var', 'esp', 'root-a', 'swap'] }, onStick],
    source: { id: idB },
    found: stick,
  },
  { what: 'the first of two where nothing is known', disks: [onNvme, onStick], found: nvme, said: both('nvme0n1') },
  {
    what: 'that of the id',
    disks: [onNvme, onStick],
    source: { id: idB.toUpperCase() },
    found: stick,
    said: both('sda'),
  },
  {
    what: "that of systemd-boot's id",
    disks: [onNvme, onStick],
    source: { id: idB, stub: false },
    found: stick,
    said: both('sda'),
  },
  {
    what: 'that of the id, with sectors of 4096',
    disks: [
      { ...onNvme, sectorBytes: 4096 },
      { ...onStick, sectorBytes: 4096 },
    ],
    source: { id: idB },
    found: stick,
    said: both('sda'),
  },
  {
    what: 'that of the place where both have one id',
    disks: [onNvme, { ...onStick, id: idA }],
    source: { id: idA, path: [bridge, pci(0x14, 3), usbPort, end] },
    found: stick,
    said: both('sda'),
  },
  {
    what: 'that of the place behind a bridge',
    disks: [
      { ...onNvme, id: idA },
      { ...onStick, id: idA },
    ],
    source: { id: idA, path: [bridge, pci(0x1d, 0), pci(0, 0), end] },
    found: nvme,
    said: both('nvme0n1'),
  },
  {
    what: 'that of the place, and none with that function further down',
    disks: [onNvme, { ...onStick, id: idA, place: '0000:00:00.0' }],
    source: { id: idA, path: [bridge, pci(0, 0), end] },
    found: stick,
    said: both('sda'),
  },
  {
    what: 'an eMMC that only the firmware sees on PCI',
    disks: [{ name: 'mmcblk0', a: 'ours', id: idA, place: '80860F14:00/mmc_host/mmc0' }],
    source: { id: idA, path: [bridge, pci(0x1c, 0), end] },
    found: 'mmcblk0 a mmcblk0p2 mmcblk0p3: esp=mmcblk0p1 root-a=mmcblk0p2 verity-a=mmcblk0p3',
  },
  {
    what: 'the first where both have one id and the entry names no place',
    disks: [onNvme, { ...onStick, id: idA }],
    source: { id: idA, path: [shortForm, end] },
    found: nvme,
    said: both('nvme0n1'),
  },
  {
    what: 'that of the id which is late',
    disks: [onNvme, { ...onStick, after: 30 }],
    source: { id: idB },
    found: stick,
    said: both('sda'),
    waited: 30,
  },
  {
    what: 'that of the place which is late',
    disks: [onNvme, { ...onStick, id: idA, after: 30 }],
    source: { id: idA, path: [bridge, pci(0x14, 3), end] },
    found: stick,
    said: both('sda'),
    waited: 30,
  },
  {
    what: 'that of the id, with a controller the firmware puts elsewhere',
    disks: [
      { ...onNvme, id: idB },
      { ...onStick, id: idA },
    ],
    source: { id: idA, path: [bridge, pci(5, 0), end] },
    found: stick,
    said: both('sda'),
    waited: 100,
  },
  {
    what: 'another one where that of the id does not come',
    disks: [onNvme],
    source: { id: idB },
    found: nvme,
    said: 'the disk this was started from is not seen: nvme0n1 is taken',
    waited: 100,
  },
  {
    what: 'no other one where that of the id is damaged',
    disks: [onNvme, onStick],
    source: { id: idB },
    damaged: 'sda2',
    found: 'sda: the root in slot b is damaged; nvme0n1: it is not what was started',
    waited: 300,
  },
  {
    what: 'the good slot where both hold this version',
    disks: [{ ...onNvme, b: 'ours' }],
    damaged: 'nvme0n1p2',
    found:
      'nvme0n1 b nvme0n1p4 nvme0n1p5: esp=nvme0n1p1 root-a=nvme0n1p2 verity-a=nvme0n1p3 root-b=nvme0n1p4 verity-b=nvme0n1p5 var=nvme0n1p6',
  },
  {
    what: 'none of a pair on two disks',
    disks: [
      { name: 'sda', half: 'root-a' },
      { name: 'sdb', half: 'verity-a' },
      { name: 'sdc', more: ['var'] },
      { name: 'sdd', a: 'older' },
    ],
    found: 'sda: root-a without verity-a; sdb: no slots of Atoll; sdc: no slots of Atoll; sdd: another version',
    waited: 300,
  },
  { what: 'none where there is none', disks: [], found: '', waited: 300 },
];

for (const { what, disks, source, damaged = '', found, said = '', waited = 0 } of cases)
  it(`takes ${what}`, async t => {
    const folder = await mkdtemp(join(tmpdir(), 'atoll-disk-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const [sys, dev] = [join(folder, 'sys'), join(folder, 'dev')];
    await mkdir(join(sys, 'block'), { recursive: true });
    await mkdir(dev);
    for (const disk of disks) await plug(disk, sys, dev);
    if (source) await tell(source, join(sys, 'firmware/efi/efivars'));
    // The printf of dash does not know \x, which busybox's does.
    const output = execFileSync(
      'bash',
      [
        '-c',
        `
waited=0
usleep() {
    waited=$((waited + 1))
    [ ! -d "$ATOLL_SYS/after-$waited" ] || mv "$ATOLL_SYS/after-$waited"/* "$ATOLL_SYS/block/"
}
say() { echo "$*" >> "$ATOLL_SYS/said"; }
. "$1"
mount_variables() { :; }
opens() { [ "$root" != "$damaged" ]; }
: > "$ATOLL_SYS/said"
if find_disk; then echo "$disk $slot $root $verity:$partitions"; else echo "$seen"; fi
echo $waited
cat "$ATOLL_SYS/said"
`,
        'sh',
        script,
      ],
      { env: { ...process.env, ATOLL_SYS: sys, ATOLL_DEV: dev, roothash, salt, damaged }, encoding: 'utf8' },
    );
    assert.equal(output.trimEnd(), `${found}\n${waited}\n${said}`.trimEnd());
  });

/** A disk as the kernel shows it. */
async function plug(disk: Disk, sys: string, dev: string): Promise<void> {
  const { name, id, a, b, half, more = [], place = '0000:00:02.0', sectorBytes = 512, after } = disk;
  const folder = join(sys, 'devices/pci0000:00', place, 'block', name);
  const shown = join(sys, after === undefined ? 'block' : `after-${after}`);
  await mkdir(join(folder, 'queue'), { recursive: true });
  await mkdir(shown, { recursive: true });
  // As seen from /sys/block, wherever it waits.
  await symlink(relative(join(sys, 'block'), folder), join(shown, name));
  await writeFile(join(folder, 'queue/logical_block_size'), `${sectorBytes}\n`);
  await writeFile(join(folder, 'uevent'), `MAJOR=8\nDEVNAME=${name}\nDEVTYPE=disk\n`);
  const slot = (label: string, version: string | undefined): [string, string?][] =>
    version === undefined ? [] : [[`root-${label}`], [`verity-${label}`, version]];
  const partitions: [string, string?][] = [
    ...(id === undefined ? [] : [['esp'] as [string]]),
    ...slot('a', a),
    ...slot('b', b),
    ...(half === undefined ? [] : [[half, 'ours'] as [string, string]]),
    ...more.map((label): [string] => [label]),
  ];
  const table = Buffer.alloc(2 * sectorBytes + 128 * 128);
  for (const [index, [label, version]] of partitions.entries()) {
    const part = `${name}${/\d$/.test(name) ? 'p' : ''}${index + 1}`;
    await mkdir(join(folder, part));
    await writeFile(join(folder, part, 'partition'), `${index + 1}\n`);
    await writeFile(
      join(folder, part, 'uevent'),
      `MAJOR=8\nDEVNAME=${part}\nDEVTYPE=partition\nPARTN=${index + 1}\nPARTNAME=${label}\n`,
    );
    if (label === 'esp' && id !== undefined) guid(id).copy(table, 2 * sectorBytes + 128 * index + 16);
    await writeFile(join(dev, part), '');
    if (version !== undefined) await appendFile(join(dev, part), Buffer.concat([Buffer.alloc(4096), treeOf(version)]));
  }
  const file = await open(join(dev, name), 'w');
  await file.write(table);
  await file.close();
}

/** As in a partition table: the first three fields low byte first (UEFI 2.10, appendix A). */
function guid(text: string): Buffer {
  const hex = Buffer.from(text.replaceAll('-', ''), 'hex');
  return Buffer.concat([
    hex.subarray(0, 4).reverse(),
    hex.subarray(4, 6).reverse(),
    hex.subarray(6, 8).reverse(),
    hex.subarray(8),
  ]);
}

/** efivarfs: each variable behind four bytes of attributes. */
async function tell({ id, stub, path }: NonNullable<Case['source']>, folder: string): Promise<void> {
  const variable = async (name: string, content: Buffer): Promise<void> => {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), Buffer.concat([Buffer.from([6, 0, 0, 0]), content]));
  };
  const text = (value: string): Buffer => Buffer.from(`${value}\0`, 'utf16le');
  const loader = '4a67b082-0a4c-41cf-b6c7-440b29bb8c4f';
  const global = '8be4df61-93ca-11d2-aa0d-00e098032b8c';
  // The loader's is the same; where it is another, something else has started the stub.
  if (id !== undefined && stub !== false) await variable(`StubDevicePartUUID-${loader}`, text(id));
  if (id !== undefined) await variable(`LoaderDevicePartUUID-${loader}`, text(stub === false ? id : idA));
  if (path === undefined) return;
  const nodes = Buffer.from(path.flat());
  const head = Buffer.from([1, 0, 0, 0, nodes.length, 0]);
  await variable(`BootCurrent-${global}`, Buffer.from([0x0a, 0]));
  await variable(`Boot000A-${global}`, Buffer.concat([head, text('UEFI: a stick'), nodes, Buffer.from([1, 2, 3])]));
}

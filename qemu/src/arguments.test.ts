import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type DiskBus, type Hardware, qemuArguments } from './arguments.ts';
import type { Emulator } from './emulator.ts';
import { platforms } from './platforms.ts';
import { forwardedPorts } from './ports.ts';

const emulator: Emulator = {
  origin: 'host',
  platform: platforms.x86_64,
  qemu: ['qemu'],
  qemuImg: ['qemu-img'],
  busybox: ['busybox'],
  environment: {},
  firmwareCode: '/ovmf/code.fd',
  firmwareVars: '/ovmf/vars.fd',
  uBoot: '/u-boot.bin',
};
const hardware: Hardware = {
  name: 'node',
  memoryMiB: 512,
  cpus: 2,
  firmware: 'uefi',
  variables: '/m/variables.qcow2',
  disks: [{ file: '/m/disk0.qcow2', format: 'qcow2', readOnly: false }],
  nic: 'user',
  forwards: [6443],
  smbios: [],
  fwCfg: {},
  extra: [],
};
const tcg = { name: 'tcg', cpu: 'qemu64', reason: '' } as const;

/** The value of each `option` in the command line. */
const values = (option: string, changes: Partial<Hardware> = {}, accel: Parameters<typeof qemuArguments>[1] = tcg) => {
  const line = qemuArguments(emulator, accel, { ...hardware, ...changes });
  return line.flatMap((word, index) => (line[index - 1] === option ? [word] : []));
};

describe("QEMU's command line", () => {
  it('emulates the plain processor on every host core, or uses the host’s', () => {
    assert.deepEqual([values('-accel'), values('-cpu')], [['tcg,thread=multi'], ['qemu64']]);
    assert.deepEqual(values('-accel', {}, { name: 'kvm', cpu: 'host', reason: '' }), ['kvm']);
  });

  it('forwards loopback ports of QEMU’s choice', () => {
    assert.deepEqual(values('-netdev'), ['user,id=net0,hostfwd=tcp:127.0.0.1:0-:6443']);
    assert.deepEqual(values('-netdev', { nic: 'isolated' }), [
      'user,id=net0,restrict=on,hostfwd=tcp:127.0.0.1:0-:6443',
    ]);
    assert.deepEqual([values('-netdev', { nic: 'none' }), values('-nic', { nic: 'none' })], [[], ['none']]);
  });

  it('has the right time, or a wrong one', () => {
    assert.deepEqual([values('-rtc'), values('-rtc', { clock: '1999-01-01' })], [['base=utc'], ['base=1999-01-01']]);
  });

  it('doubles commas in values', () => {
    assert.deepEqual(values('-smbios', { smbios: ['io.systemd.stub.kernel-cmdline-extra=a=1,2'] }), [
      'type=11,value=io.systemd.stub.kernel-cmdline-extra=a=1,,2',
    ]);
    assert.deepEqual(values('-fw_cfg', { fwCfg: { 'opt/x': 'a,b' } }), ['name=opt/x,string=a,,b']);
  });

  it('connects a disk to what it is told to, with its controller before it', () => {
    const device = (bus: DiskBus) =>
      values('-device', { disks: [{ file: '/m/d', format: 'qcow2', readOnly: false, serial: 's', bus }] }).filter(one =>
        /^ahci|drive=|^qemu-xhci|^pvscsi|^sdhci/.test(one),
      );
    assert.deepEqual(device('virtio'), ['virtio-blk-pci,bootindex=1,write-cache=on,serial=s,drive=disk0']);
    assert.deepEqual(device('nvme'), ['nvme,bootindex=1,serial=s,drive=disk0']);
    assert.deepEqual(device('ahci'), [
      'ahci,id=disk0-bus',
      'ide-hd,bootindex=1,bus=disk0-bus.0,write-cache=on,serial=s,drive=disk0',
    ]);
    assert.deepEqual(device('pvscsi'), [
      'pvscsi,id=disk0-bus',
      'scsi-hd,bus=disk0-bus.0,write-cache=on,serial=s,drive=disk0',
    ]);
    assert.deepEqual(device('sd'), ['sdhci-pci,id=disk0-slot', 'sd-card,bus=sd-bus,serial=s,drive=disk0']);
  });

  it('boots from the disk it is told to', () => {
    const disks = [2, 1].map(bootIndex => ({ file: '/m/d', format: 'raw' as const, readOnly: false, bootIndex }));
    assert.deepEqual(
      values('-device', { disks }).flatMap(one => /bootindex=\d.*drive=\w+/.exec(one) ?? []),
      ['bootindex=2,write-cache=on,drive=disk0', 'bootindex=1,write-cache=on,drive=disk1'],
    );
  });

  it('has the network device it is told to have', () => {
    const nics = (changes: Partial<Hardware>) => values('-device', changes).filter(one => one.includes('netdev='));
    assert.deepEqual(nics({}), ['virtio-net-pci,netdev=net0,romfile=']);
    assert.deepEqual(nics({ nicModel: 'e1000e' }), ['e1000e,netdev=net0,romfile=']);
  });

  it('puts the write log between the disk and the guest, with plain writes and flushes only', () => {
    const disks = [{ file: '/m/d', format: 'qcow2', readOnly: false, writeLog: '/m/log' } as const];
    assert.match(
      values('-blockdev', { disks })[1] ?? '',
      /^driver=blklogwrites,.*file=disk0,.*log\.filename=\/m\/log$/,
    );
    assert.ok(
      values('-device', { disks }).some(device =>
        /drive=disk0-log,discard=off,write-zeroes=off,request-merging=off$/.test(device),
      ),
    );
  });

  it('has firmware variables of its own, unless it boots by BIOS', () => {
    assert.equal(values('-drive').length, 2);
    assert.equal(values('-drive', { firmware: 'bios' }).length, 0);
  });
});

it('reads the forwarded ports of the monitor’s table', () => {
  const table = [
    'Hub -1 (net0):',
    '  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ',
    '  TCP[HOST_FORWARD]  14       127.0.0.1 36283       10.0.2.15  6443     0     0',
    '  TCP[ESTABLISHED]   20       127.0.0.1 36283       10.0.2.15  6443     0     0',
    '  UDP[HOST_FORWARD]  15       127.0.0.1 40000       10.0.2.15    53     0     0',
  ].join('\r\n');
  assert.deepEqual([...forwardedPorts(table)], [[6443, 36283]]);
});

describe('the machines of the architectures', () => {
  for (const [name, platform] of Object.entries(platforms)) {
    it(`${name}: its own emulator's machine and processor`, () => {
      const line = qemuArguments(
        { ...emulator, platform },
        { name: 'tcg', cpu: platform.cpu, reason: '' },
        hardware,
      ).join(' ');
      assert.ok(line.includes(`-machine ${platform.machine} -accel tcg,thread=multi -cpu ${platform.cpu} `), line);
    });
  }
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Hardware, qemuArguments } from './arguments.ts';
import type { Emulator } from './emulator.ts';
import { forwardedPorts } from './ports.ts';

const emulator: Emulator = {
  origin: 'host',
  qemu: ['qemu'],
  qemuImg: ['qemu-img'],
  busybox: ['busybox'],
  environment: {},
  firmwareCode: '/ovmf/code.fd',
  firmwareVars: '/ovmf/vars.fd',
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

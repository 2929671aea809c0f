/**
 * From what a machine is to QEMU's command line: a pure function, so it is tested without starting anything.
 */
import type { Accelerator } from './accelerator.ts';
import type { Emulator } from './emulator.ts';

/** The channels every machine has, in the order of their descriptors (3, 4, …). */
export const channels = ['qmp', 'console', 'shell', 'kubeconfig', 'clock'] as const;

/** The same of a machine that has a card in a {@link Lan}: its cable is one more. */
export const channelsOf = ({ lan }: Pick<Hardware, 'lan'>): readonly string[] =>
  lan === undefined ? channels : [...channels, 'lan'];

/** virtio-serial ports: the guest finds them as `/dev/virtio-ports/<name>`. */
export const virtioPorts = {
  shell: 'atoll.shell.0',
  kubeconfig: 'atoll.kubeconfig.0',
  clock: 'atoll.clock.0',
} as const;

/** `uefi`, `u-boot`, or what QEMU has by itself. */
export type Firmware = 'uefi' | 'u-boot' | 'bios';

/** Everything the command line depends on; files exist already. */
export interface Hardware {
  readonly name: string;
  readonly memoryMiB: number;
  readonly cpus: number;
  readonly firmware: Firmware;
  /** This machine's own copy of the firmware's variable store (qcow2). Only UEFI has one. */
  readonly variables: string;
  readonly disks: readonly HardwareDisk[];
  /** `user`: QEMU's own network with DHCP and NAT. `isolated`: the same, but the guest reaches nothing outside. */
  readonly nic: 'user' | 'isolated' | 'none';
  /** QEMU's network device; default `virtio-net-pci`. */
  readonly nicModel?: string;
  /** Guest TCP ports reachable from the host, on a loopback port that QEMU chooses. */
  readonly forwards: readonly number[];
  /** Host ports to use for some of them, by the guest's, instead of one that QEMU chooses. */
  readonly hostPorts?: Readonly<Record<number, number>>;
  /** Ports of the host's loopback that the guest reaches as 10.0.2.100, by the guest's port: with `isolated`, nothing else is. */
  readonly guestForwards?: Readonly<Record<number, number>>;
  /** A second card, whose cable is the channel `lan`. */
  readonly lan?: { readonly mac: string };
  /** SMBIOS type 11 strings, such as `io.systemd.stub.kernel-cmdline-extra=…`. */
  readonly smbios: readonly string[];
  /** fw_cfg items: name (`opt/…`) → content. */
  readonly fwCfg: Readonly<Record<string, string>>;
  /** Snapshot to continue from instead of booting. */
  readonly loadSnapshot?: string;
  /** Wait for the memory and devices of a saved machine instead of booting (QMP `migrate-incoming`). */
  readonly incoming?: boolean;
  /** What its clock says at the start, as `-rtc base=` takes it; the right time in UTC unless told. */
  readonly clock?: string;
  /** Leave the machine stopped before its first instruction. */
  readonly paused?: boolean;
  /** More arguments, for one test's special device. */
  readonly extra: readonly string[];
}

export interface HardwareDisk {
  readonly file: string;
  readonly format: 'raw' | 'qcow2';
  readonly readOnly: boolean;
  readonly serial?: string;
  readonly writeLog?: string;
  /** What it is connected to; default `virtio`. */
  readonly bus?: DiskBus;
  /** When the firmware tries it; default its place in the list, from 1. */
  readonly bootIndex?: number;
}

interface DiskBusParts {
  readonly controllers: readonly string[];
  readonly device: string;
  readonly options: string;
  /** It has no place in the firmware's boot order: QEMU's UEFI has no driver of it, and starts a `-kernel` only. */
  readonly unordered?: boolean;
}

/**
 * What a disk is connected to: QEMU's device, and what has to be there for it. The write cache is on where that can be said: the guest sees a
 * cache and has to flush it.
 */
const diskBuses = {
  virtio: () => ({ controllers: [], device: 'virtio-blk-pci', options: ',write-cache=on' }),
  nvme: () => ({ controllers: [], device: 'nvme', options: '' }),
  ahci: id => ({ controllers: [`ahci,id=${id}-bus`], device: 'ide-hd', options: `,bus=${id}-bus.0,write-cache=on` }),
  // What the machine `pc` has of its own.
  ide: () => ({ controllers: [], device: 'ide-hd', options: ',bus=ide.0,write-cache=on' }),
  usb: id => ({
    controllers: [`qemu-xhci,id=${id}-bus`],
    device: 'usb-storage',
    options: `,bus=${id}-bus.0,write-cache=on,removable=on`,
  }),
  pvscsi: id => ({
    controllers: [`pvscsi,id=${id}-bus`],
    device: 'scsi-hd',
    options: `,bus=${id}-bus.0,write-cache=on`,
    unordered: true,
  }),
  sd: id => ({ controllers: [`sdhci-pci,id=${id}-slot`], device: 'sd-card', options: ',bus=sd-bus', unordered: true }),
} as const satisfies Record<string, (id: string) => DiskBusParts>;

export type DiskBus = keyof typeof diskBuses;

/** QEMU's option syntax ends a value at a comma unless it is doubled. */
const quoted = (value: string): string => value.replaceAll(',', ',,');

export function qemuArguments(emulator: Emulator, { name: accel, cpu }: Accelerator, hardware: Hardware): string[] {
  return [
    ...['-name', quoted(hardware.name), '-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-machine', emulator.platform.machine, '-accel', accel === 'tcg' ? 'tcg,thread=multi' : 'kvm', '-cpu', cpu],
    ...['-m', String(hardware.memoryMiB), '-smp', String(hardware.cpus), '-rtc', `base=${hardware.clock ?? 'utc'}`],
    ...firmware(emulator, hardware),
    ...channels.flatMap((id, index) => ['-chardev', `socket,id=${id},fd=${3 + index}`]),
    ...['-mon', 'chardev=qmp,mode=control', '-serial', 'chardev:console'],
    ...['-device', 'virtio-serial-pci', '-device', `virtserialport,chardev=shell,name=${virtioPorts.shell}`],
    ...['-device', `virtserialport,chardev=kubeconfig,name=${virtioPorts.kubeconfig}`],
    ...['-device', `virtserialport,chardev=clock,name=${virtioPorts.clock}`],
    ...['-device', 'virtio-rng-pci'],
    ...hardware.disks.flatMap(disk),
    ...network(emulator, hardware),
    ...lanCard(hardware),
    ...hardware.smbios.flatMap(value => ['-smbios', `type=11,value=${quoted(value)}`]),
    ...Object.entries(hardware.fwCfg).flatMap(([name, text]) => [
      '-fw_cfg',
      `name=${quoted(name)},string=${quoted(text)}`,
    ]),
    ...(hardware.loadSnapshot === undefined ? [] : ['-loadvm', hardware.loadSnapshot]),
    ...(hardware.incoming === true ? ['-incoming', 'defer'] : []),
    ...(hardware.paused === true ? ['-S'] : []),
    ...hardware.extra,
  ];
}

function firmware(emulator: Emulator, hardware: Hardware): string[] {
  if (hardware.firmware === 'bios') {
    return [];
  }
  if (hardware.firmware === 'u-boot') {
    return ['-bios', quoted(emulator.uBoot)];
  }
  return [
    ...['-drive', `if=pflash,unit=0,format=raw,readonly=on,file=${quoted(emulator.firmwareCode)}`],
    ...['-drive', `if=pflash,unit=1,format=qcow2,file=${quoted(hardware.variables)}`],
  ];
}

function disk(options: HardwareDisk, index: number): string[] {
  const id = `disk${index}`;
  const readOnly = options.readOnly ? 'on' : 'off';
  const image = `driver=${options.format},node-name=${id},read-only=${readOnly},discard=unmap,file.driver=file,file.filename=${quoted(options.file)}`;
  const serial = options.serial === undefined ? '' : `,serial=${quoted(options.serial)}`;
  const bus: DiskBusParts = diskBuses[options.bus ?? 'virtio'](id);
  const controllers = bus.controllers.flatMap(controller => ['-device', controller]);
  // bootindex: the firmware tries the disks in their order, before anything else (but after a -kernel).
  const order = bus.unordered ? '' : `,bootindex=${options.bootIndex ?? index + 1}`;
  const device = `${bus.device}${order}${bus.options}${serial}`;
  if (options.writeLog === undefined) {
    return [...controllers, '-blockdev', image, '-device', `${device},drive=${id}`];
  }
  const log = `driver=blklogwrites,node-name=${id}-log,file=${id},log.driver=file,log.filename=${quoted(options.writeLog)}`;
  // Without discard and write-zeroes all that is logged is plain writes and flushes. Merged requests may have IOV_MAX pieces, and
  // the log adds two: the host refuses the write, and the guest sees an I/O error.
  return [
    ...controllers,
    ...['-blockdev', image, '-blockdev', log],
    ...['-device', `${device},drive=${id}-log,discard=off,write-zeroes=off,request-merging=off`],
  ];
}

function network(emulator: Emulator, hardware: Hardware): string[] {
  if (hardware.nic === 'none') {
    return ['-nic', 'none'];
  }
  const forwards = hardware.forwards
    .map(port => `,hostfwd=tcp:127.0.0.1:${hardware.hostPorts?.[port] ?? 0}-:${port}`)
    .join('');
  // A program for each connection: a device would serve one only.
  const { busybox } = emulator;
  const inward = Object.entries(hardware.guestForwards ?? {}).map(
    ([guest, host]) => `,guestfwd=tcp:10.0.2.100:${guest}-cmd:${quoted(busybox.join(' '))} nc 127.0.0.1 ${host}`,
  );
  const restrict = hardware.nic === 'isolated' ? ',restrict=on' : '';
  // No option ROM: nothing boots from the network here, and OVMF would wait for it.
  return [
    '-netdev',
    `user,id=net0${restrict}${forwards}${inward.join('')}`,
    '-device',
    `${hardware.nicModel ?? 'virtio-net-pci'},netdev=net0,romfile=`,
  ];
}

/** QEMU sends each frame on a stream with its length before it, four bytes, the highest first (net/stream.c). */
function lanCard(hardware: Hardware): string[] {
  if (hardware.lan === undefined) return [];
  const descriptor = 3 + channelsOf(hardware).indexOf('lan');
  return [
    ...['-netdev', `stream,id=lan,server=off,addr.type=fd,addr.str=${descriptor}`],
    ...['-device', `virtio-net-pci,netdev=lan,mac=${hardware.lan.mac},romfile=`],
  ];
}

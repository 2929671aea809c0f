/**
 * KVM or TCG: decided by trying. `/dev/kvm` may exist and open, and a guest still not run on it (nested or emulated
 * virtualization that lacks instructions or registers), so KVM is used only after the real firmware reached its boot
 * manager on it, which takes the processor through real, protected and long mode with interrupts and paging.
 *
 * What came of trying holds for one boot of the host, one QEMU, one user and one `/dev/kvm`, and is kept in `<cache>/accelerator.json`; for
 * an hour where the guest was only too slow, as the host may have been busy. Whether the device may be opened is asked each time.
 */
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheDirectory } from '../../builder/src/paths.ts';
import { Console } from './console.ts';
import { TimeoutError } from './deadline.ts';
import type { Emulator } from './emulator.ts';
import { EmulatorProcess } from './process.ts';

export interface Accelerator {
  readonly name: 'kvm' | 'tcg';
  /** QEMU's processor model: the host's own, or the platform's. */
  readonly cpu: string;
  /** Why, in words. */
  readonly reason: string;
}

/** The boot manager of the firmware (OVMF, AAVMF) says this on the serial line, whether it finds something to boot or not. */
const firmwareRuns = /BdsDxe: /;
const probeTimeoutMs = 10_000;
const tooSlowKeptMs = 3_600_000;
const kvm = '/dev/kvm';

/** `<cache>/accelerator.json` */
interface Known {
  readonly key: string;
  readonly accelerator: Accelerator;
  /** Milliseconds since 1970. */
  readonly until?: number;
}

/** The accelerator to use; not probed at all for guests of another architecture. @param device what stands for `/dev/kvm`, but for QEMU */
export async function accelerator(
  emulator: Emulator,
  cache: string = cacheDirectory(),
  device: string = kvm,
): Promise<Accelerator> {
  const { system, cpu, kvmHost } = emulator.platform;
  if (kvmHost !== process.arch) {
    return { name: 'tcg', cpu, reason: `a guest of ${system} on a host of ${process.arch}` };
  }
  if (!(await mayBeOpened(device))) return emulated(emulator, `${device} is absent or may not be opened`);
  const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  const { ctimeMs } = await stat(device);
  const key = [bootId, process.getuid?.(), ctimeMs, ...emulator.qemu].join(' ');
  const file = join(cache, 'accelerator.json');
  const known = (await readFile(file, 'utf8').then(JSON.parse, () => undefined)) as Known | undefined;
  if (known?.key === key && (known.until === undefined || Date.now() < known.until)) {
    return known.accelerator;
  }
  const { wasTooSlow, ...found } = await probe(emulator);
  const next: Known = { key, accelerator: found, ...(wasTooSlow ? { until: Date.now() + tooSlowKeptMs } : {}) };
  await mkdir(cache, { recursive: true });
  await writeFile(`${file}.${process.pid}`, `${JSON.stringify(next, null, 2)}\n`);
  await rename(`${file}.${process.pid}`, file);
  return found;
}

const mayBeOpened = (device: string): Promise<boolean> =>
  access(device, constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );

const emulated = ({ platform }: Emulator, reason: string): Accelerator => ({ name: 'tcg', cpu: platform.cpu, reason });

/** Boots the firmware with nothing to boot under KVM and looks whether it gets to its boot manager. */
export async function probe(
  emulator: Emulator,
  timeoutMs = probeTimeoutMs,
): Promise<Accelerator & { readonly wasTooSlow: boolean }> {
  const directory = await mkdtemp(join(tmpdir(), 'atoll-probe-'));
  const serial = new Console();
  const guest = EmulatorProcess.spawn(emulator, {
    arguments: probeArguments(emulator),
    channels: ['serial'],
    log: join(directory, 'qemu.log'),
  });
  try {
    serial.attach(guest.channel('serial'));
    guest.ended.then(how => serial.end(how));
    const startedAt = performance.now();
    await serial.waitFor(firmwareRuns, { timeoutMs });
    const tookMs = Math.round(performance.now() - startedAt);
    return { name: 'kvm', cpu: 'host', reason: `the firmware ran in ${tookMs} ms`, wasTooSlow: false };
  } catch (error) {
    const [firstLine] = String(error instanceof Error ? error.message : error).split('\n');
    const reason = `${kvm} exists, but no guest runs on it: ${firstLine}`;
    return { ...emulated(emulator, reason), wasTooSlow: error instanceof TimeoutError };
  } finally {
    await guest.kill();
    await rm(directory, { recursive: true, force: true });
  }
}

function probeArguments(emulator: Emulator): string[] {
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-nic', 'none', '-m', '128'],
    ...['-machine', `${emulator.platform.machine},accel=kvm`, '-cpu', 'host'],
    ...['-drive', `if=pflash,unit=0,format=raw,readonly=on,file=${emulator.firmwareCode}`],
    ...['-drive', `if=pflash,unit=1,format=raw,snapshot=on,file=${emulator.firmwareVars}`],
    ...['-chardev', 'socket,id=serial,fd=3', '-serial', 'chardev:serial'],
  ];
}

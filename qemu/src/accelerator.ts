/**
 * KVM or TCG: decided by trying. `/dev/kvm` may exist and open, and a guest still not run on it (nested or emulated
 * virtualization that lacks instructions or registers), so KVM is used only after the real firmware reached its boot
 * manager on it, which takes the processor through real, protected and long mode with interrupts and paging.
 *
 * The answer holds for one boot of the host with one QEMU, and is kept in `<cache>/accelerator.json`.
 */
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheDirectory } from '../../builder/src/paths.ts';
import { Console } from './console.ts';
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

/** The accelerator to use; probes once per boot of the host, and not at all for guests of another architecture. */
export async function accelerator(emulator: Emulator, cache: string = cacheDirectory()): Promise<Accelerator> {
  const { system, cpu, kvmHost } = emulator.platform;
  if (kvmHost !== process.arch) {
    return { name: 'tcg', cpu, reason: `a guest of ${system} on a host of ${process.arch}` };
  }
  const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  const key = `${bootId} ${emulator.qemu.join(' ')}`;
  const file = join(cache, 'accelerator.json');
  const known = await readFile(file, 'utf8').then(JSON.parse, () => undefined);
  if (known?.key === key) {
    return known.accelerator as Accelerator;
  }
  const found = await probe(emulator);
  await mkdir(cache, { recursive: true });
  await writeFile(`${file}.${process.pid}`, `${JSON.stringify({ key, accelerator: found }, null, 2)}\n`);
  await rename(`${file}.${process.pid}`, file);
  return found;
}

/** Boots the firmware with nothing to boot under KVM and looks whether it gets to its boot manager. */
export async function probe(emulator: Emulator, timeoutMs = probeTimeoutMs): Promise<Accelerator> {
  const tcg = (reason: string): Accelerator => ({ name: 'tcg', cpu: emulator.platform.cpu, reason });
  try {
    await access('/dev/kvm', constants.R_OK | constants.W_OK);
  } catch {
    return tcg('/dev/kvm is absent or may not be opened');
  }
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
    return { name: 'kvm', cpu: 'host', reason: `the firmware ran in ${Math.round(performance.now() - startedAt)} ms` };
  } catch (error) {
    const [firstLine] = String(error instanceof Error ? error.message : error).split('\n');
    return tcg(`/dev/kvm exists, but no guest runs on it: ${firstLine}`);
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

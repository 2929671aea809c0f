/**
 * Boot figures of an image: how long from power-on to each milestone, and what is left of 512 MiB at Ready.
 *
 *   node --import tsx qemu/src/bench.ts [image] [--json]
 */
import { parseArgs } from 'node:util';
import { builtMachine } from './artefact.ts';
import { type ChainLink, chainLines, criticalChain, parseUnits, showUnits } from './criticalChain.ts';
import { Machine } from './machine.ts';
import { AtollNode } from './node.ts';
import type { Shell } from './shell.ts';
import { megabytes, seconds, table } from './table.ts';

/** Times in milliseconds since the kernel started; memory in bytes. None of them is 0. */
export interface BootFigures {
  readonly image: string;
  readonly accelerator: string;
  readonly memoryMiB: number;
  readonly cpus: number;
  /** Firmware and boot loader, before the kernel's clock starts. */
  readonly firmwareMs: number;
  /** The kernel started the initrd's init. */
  readonly kernelMs: number;
  /** systemd started on the real root. */
  readonly switchRootMs: number;
  readonly multiUserMs: number;
  /** What multi-user.target waited for, the last first. */
  readonly chain: readonly ChainLink[];
  /** The API says that the node is Ready. */
  readonly readyMs: number;
  readonly serverRssBytes: number;
  readonly agentRssBytes: number;
  readonly memAvailableBytes: number;
}

export interface BootOptions {
  readonly memoryMiB?: number;
  readonly cpus?: number;
  /** Where the guest's console goes. */
  readonly consoleLog?: string;
  readonly signal?: AbortSignal;
}

/**
 * First boot of a fresh disk, which makes partitions and keys and imports the images; so the slowest one there is.
 * @throws TimeoutError, ShellError, or an Error that names the figure the guest did not give
 */
export async function measureBoot(
  image: string,
  { memoryMiB = 512, cpus = 2, consoleLog, signal }: BootOptions = {},
): Promise<BootFigures> {
  signal?.throwIfAborted();
  const { raw, ...hardware } = await builtMachine(image);
  const powerOn = performance.now();
  await using node = await AtollNode.start({
    name: `bench-${image}`,
    ...hardware,
    disks: [{ file: raw, sizeBytes: 8 * 1024 ** 3 }],
    memoryMiB,
    cpus,
    nic: 'isolated',
    kernelArguments: ['atoll.debug-shell'],
    ...(consoleLog === undefined ? {} : { consoleLog }),
  });
  const { shell, accelerator, emulator } = node.machine;
  const interrupted = new Promise<never>((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  interrupted.catch(() => {});
  await Promise.race([node.ready(), interrupted]);
  const ready = performance.now();

  // Memory first: it is asked for as it is at Ready.
  const { serverRssBytes, agentRssBytes, memAvailableBytes } = await memory(shell);
  const kernelStart = await kernelStartMs(shell);
  // Not before the boot is complete: its timestamp is 0 until then.
  await shell.run('systemctl is-system-running --wait', { timeoutMs: 120_000 * emulator.platform.patience });
  const property = async (unit: string, name: string): Promise<number> =>
    figure(name, await shell.output(`systemctl show -P ${name} ${unit}`)) / 1000;
  return {
    image,
    accelerator: accelerator.name,
    memoryMiB,
    cpus,
    firmwareMs: kernelStart - powerOn,
    kernelMs: 1000 * figure('the start of the initrd', initrdStart(await shell.output('dmesg'))),
    switchRootMs: await property('', 'UserspaceTimestampMonotonic'),
    multiUserMs: await property('multi-user.target', 'ActiveEnterTimestampMonotonic'),
    chain: criticalChain(parseUnits(await shell.output(showUnits)), 'multi-user.target'),
    readyMs: ready - kernelStart,
    serverRssBytes,
    agentRssBytes,
    memAvailableBytes,
  };
}

/** When the machine's configuration was applied. */
export interface ApplyFigures {
  /** When it was in force, and when the root was switched: since the kernel's start. */
  readonly inForceMs: number;
  readonly switchRootMs: number;
  /** What the initrd's step took until then: making or checking the data partition, mounting it, and the configuration. */
  readonly initrdMs: number | undefined;
  /** What of that the configuration's own step took. */
  readonly ownMs: number;
}

export interface ConfigurationFigures {
  /** A new one: sources waited for, read, checked, rendered, stored. With the partitions of a first boot being made before. */
  readonly first: ApplyFigures;
  /** The same one at the next boot, after a power cut. */
  readonly next: ApplyFigures;
}

const configuration = `#cloud-config
hostname: bench
users: [{name: ops}]
write_files: [{path: /etc/site, content: bench}]
machine: {sysctls: {net.core.somaxconn: 4096}}
atoll: {node-label: [site=bench]}
`;

/** @throws TimeoutError, ShellError, or an Error that names the figure the guest did not give */
export async function measureConfiguration(
  image: string,
  { memoryMiB = 512, cpus = 2, signal }: BootOptions = {},
): Promise<ConfigurationFigures> {
  signal?.throwIfAborted();
  const { raw, ...hardware } = await builtMachine(image);
  await using machine = await Machine.start({
    name: `bench-config-${image}`,
    ...hardware,
    disks: [{ file: raw, sizeBytes: 8 * 1024 ** 3 }],
    memoryMiB,
    cpus,
    nic: 'isolated',
    kernelArguments: ['atoll.debug-shell'],
    smbios: [`io.atoll.user-data=${Buffer.from(configuration).toString('base64')}`],
  });
  const applied = async (): Promise<ApplyFigures> => {
    const [end, begin] = (
      await machine.shell.output(
        'while [ ! -s /run/atoll/config/applied ]; do usleep 100000; done; cat /run/atoll/config/applied',
        { timeoutMs: 180_000 * machine.emulator.platform.patience },
      )
    ).split(' ');
    const early = await machine.shell.output('cat /run/atoll/config/early 2> /dev/null || true');
    const switched = figure('switch-root', await machine.shell.output('systemctl show -P UserspaceTimestampMonotonic'));
    const endMs = 1000 * figure('the configuration', end);
    return {
      inForceMs: endMs,
      switchRootMs: switched / 1000,
      initrdMs: early === '' ? undefined : endMs - 1000 * figure('the start of its step in the initrd', early),
      ownMs: endMs - 1000 * figure('its beginning', begin),
    };
  };
  const first = await applied();
  await machine.powerCut();
  await machine.powerOn();
  return { first, next: await applied() };
}

async function memory(
  shell: Shell,
): Promise<Pick<BootFigures, 'serverRssBytes' | 'agentRssBytes' | 'memAvailableBytes'>> {
  const resident = async (unit: string): Promise<number> =>
    kibibytes('VmRSS', await shell.output(`cat /proc/$(systemctl show -P MainPID ${unit})/status`));
  return {
    memAvailableBytes: kibibytes('MemAvailable', await shell.output('cat /proc/meminfo')),
    serverRssBytes: await resident('atoll-server'),
    agentRssBytes: await resident('atoll-agent'),
  };
}

/** When the guest's kernel started, on this process' clock; good to half the shortest of a few answers (some 10 ms). */
async function kernelStartMs(shell: Shell): Promise<number> {
  let best = { tookMs: Number.POSITIVE_INFINITY, startMs: 0 };
  for (let round = 0; round < 5; round++) {
    const asked = performance.now();
    const uptime = await shell.output('cat /proc/uptime');
    const tookMs = performance.now() - asked;
    const startMs = asked + tookMs / 2 - 1000 * figure('uptime', uptime.split(' ')[0]);
    if (tookMs < best.tookMs) best = { tookMs, startMs };
  }
  return best.startMs;
}

/** Bytes of a `Name:  123 kB` line, the form of /proc/meminfo (blanks) and /proc/PID/status (a tab): proc(5). */
export function kibibytes(name: string, text: string): number {
  return 1024 * figure(name, new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(text)?.[1]);
}

/** Seconds since the kernel's start at which it ran the initrd's init, from its log. */
export function initrdStart(dmesg: string): string | undefined {
  return /^\[ *([\d.]+)\] Run \/init as init process/m.exec(dmesg)?.[1];
}

/** A number the guest gave. @throws Error if it gave none, or 0, which none of these can be */
function figure(name: string, text: string | undefined): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`the guest gave no figure for ${name}, but '${text ?? ''}'`);
  return value;
}

export function bootTable(figures: BootFigures): string {
  return table([
    ['Boot', `${figures.image}, ${figures.accelerator}, ${figures.cpus} CPU, ${figures.memoryMiB} MiB, first boot`],
    [],
    ['Firmware and loader', seconds(figures.firmwareMs)],
    ['Kernel started the initrd', seconds(figures.kernelMs)],
    ['Switched root', seconds(figures.switchRootMs)],
    ['multi-user.target', seconds(figures.multiUserMs)],
    ['Node Ready', `${seconds(figures.readyMs)} (${seconds(figures.readyMs - figures.multiUserMs)} after multi-user)`],
    [],
    ['RSS of atoll-server', megabytes(figures.serverRssBytes)],
    ['RSS of atoll-agent', megabytes(figures.agentRssBytes)],
    ['MemAvailable at Ready', megabytes(figures.memAvailableBytes)],
    [],
    ...chainLines(figures.chain).map((line, index): [string, string] => [index === 0 ? 'Waited for' : '', line]),
  ]);
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const figures = await measureBoot(positionals[0] ?? 'vm-x86_64');
  process.stdout.write(values.json ? `${JSON.stringify(figures, null, 2)}\n` : bootTable(figures));
}

if (import.meta.filename === process.argv[1]) {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}

/**
 * Boot figures of an image: how long from power-on to each milestone, and what is left of 512 MiB at Ready.
 *
 *   node --import tsx qemu/src/bench.ts [image]      prints a table, writes out/bench/boot.json
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { artefactPaths, repositoryRoot } from '../../builder/src/paths.ts';
import { AtollNode } from './node.ts';
import { megabytes, seconds, table } from './table.ts';

/** Times in milliseconds since the kernel started; memory in bytes. */
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
  /** The API says that the node is Ready. */
  readonly readyMs: number;
  readonly serverRssBytes: number;
  readonly agentRssBytes: number;
  readonly memAvailableBytes: number;
}

/** First boot of a fresh disk, which makes partitions and keys and imports the images; so the slowest one there is. */
export async function measureBoot(image: string, memoryMiB = 512, cpus = 2): Promise<BootFigures> {
  const powerOn = performance.now();
  await using node = await AtollNode.start({
    name: `bench-${image}`,
    disks: [{ file: artefactPaths(image).raw, sizeBytes: 8 * 1024 ** 3 }],
    memoryMiB,
    cpus,
    nic: 'isolated',
    kernelArguments: ['atoll.debug-shell'],
  });
  const { shell, accelerator } = node.machine;
  await node.ready();
  const sincePowerOn = performance.now() - powerOn;
  const uptime = await shell.output('cat /proc/uptime');
  const asked = performance.now() - powerOn - sincePowerOn;
  const readyMs = Number.parseFloat(uptime) * 1000 - asked;
  const micros = async (command: string): Promise<number> => Number((await shell.output(command)).split('=')[1]) / 1000;
  // Not before the boot is complete: its timestamp is 0 until then.
  await shell.output('systemctl is-system-running --wait', { timeoutMs: 120_000 }).catch(() => undefined);
  const multiUserMs = await micros('systemctl show -p ActiveEnterTimestampMonotonic multi-user.target');
  const switchRootMs = await micros('systemctl show -p UserspaceTimestampMonotonic');
  const kernelMs =
    1000 * Number(await shell.output("dmesg | sed -n 's/^\\[ *\\([0-9.]*\\)\\] Run \\/init as init.*/\\1/p'"));
  const resident = async (unit: string): Promise<number> =>
    1024 *
    Number(
      await shell.output(`sed -n 's/^VmRSS: *\\([0-9]*\\) kB/\\1/p' /proc/$(systemctl show -P MainPID ${unit})/status`),
    );
  const available = await shell.output("sed -n 's/^MemAvailable: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo");
  return {
    image,
    accelerator: accelerator.name,
    memoryMiB,
    cpus,
    firmwareMs: sincePowerOn - readyMs,
    kernelMs,
    switchRootMs,
    multiUserMs,
    readyMs,
    serverRssBytes: await resident('atoll-server'),
    agentRssBytes: await resident('atoll-agent'),
    memAvailableBytes: 1024 * Number(available),
  };
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
  ]);
}

async function main(image: string): Promise<void> {
  const figures = await measureBoot(image);
  const directory = join(repositoryRoot, 'out', 'bench');
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'boot.json'), `${JSON.stringify(figures, null, 2)}\n`);
  process.stdout.write(bootTable(figures));
}

if (import.meta.filename === process.argv[1]) {
  main(process.argv[2] ?? 'vm-x86_64').catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}

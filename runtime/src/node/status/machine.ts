/** What this machine is and has, read from the kernel. */
import { readFile, statfs } from 'node:fs/promises';
import os from 'node:os';
import type { NodeSystemInfo } from '../../api/generated/types/core.v1.ts';

export interface MachineFacts {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly info: Omit<NodeSystemInfo, 'containerRuntimeVersion' | 'kubeletVersion' | 'kubeProxyVersion'>;
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

/** Go's name of the architecture: `amd64`, `arm64`, `arm`. */
export function goArch(arch: string = process.arch): string {
  return architectures[arch] ?? arch;
}

export async function machineFacts(): Promise<MachineFacts> {
  const [machineId, uuid, bootId, release, memory] = await Promise.all([
    text('/etc/machine-id'),
    text('/sys/class/dmi/id/product_uuid'),
    text('/proc/sys/kernel/random/boot_id'),
    text('/etc/os-release'),
    memoryInfo(),
  ]);
  return {
    cpus: os.availableParallelism(),
    memoryBytes: memory.totalBytes,
    info: {
      machineID: machineId,
      systemUUID: uuid || machineId,
      bootID: bootId,
      kernelVersion: os.release(),
      osImage: /^PRETTY_NAME="?([^"\n]*)/m.exec(release)?.[1] ?? 'Linux',
      operatingSystem: 'linux',
      architecture: goArch(),
    },
  };
}

async function text(path: string): Promise<string> {
  return (await readFile(path, 'utf8').catch(() => '')).trim();
}

export async function memoryInfo(): Promise<{ totalBytes: number; availableBytes: number }> {
  const table = await readFile('/proc/meminfo', 'utf8');
  const value = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(table)?.[1] ?? 0) * 1024;
  return { totalBytes: value('MemTotal'), availableBytes: value('MemAvailable') };
}

/** Of the file system that holds `path`. */
export async function diskInfo(
  path: string,
): Promise<{ totalBytes: number; availableBytes: number; inodes?: { total: number; free: number } }> {
  const { blocks, bavail, bsize, files, ffree } = await statfs(path);
  const inodes = files > 0 ? { inodes: { total: files, free: ffree } } : {};
  return { totalBytes: blocks * bsize, availableBytes: bavail * bsize, ...inodes };
}

export async function processInfo(): Promise<{ processes: number; maximum: number }> {
  const [load, maximum] = await Promise.all([text('/proc/loadavg'), text('/proc/sys/kernel/pid_max')]);
  return { processes: Number(/\/(\d+) /.exec(load)?.[1] ?? 0), maximum: Number(maximum) || 32_768 };
}

/** What the figures were measured on. */
import { spawnSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem } from 'node:os';

export interface MachineFacts {
  /** ISO 8601. */
  readonly time: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  /** The checkout's commit, with `+` when something in it is not committed. */
  readonly commit: string;
  /** Over the last minute, before the first measurement. */
  readonly load: number;
}

export function machineFacts(directory: string): MachineFacts {
  const git = (...args: string[]): string =>
    spawnSync('git', ['-C', directory, ...args], { encoding: 'utf8' }).stdout?.trim() ?? '';
  const changed = git('status', '--porcelain', '--untracked-files=no') !== '';
  return {
    time: new Date().toISOString(),
    cpu: (cpus()[0]?.model ?? 'an unknown CPU').replace(/\s+/g, ' ').trim(),
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    kernel: release(),
    node: process.version,
    commit: `${git('rev-parse', '--short', 'HEAD') || 'unknown'}${changed ? '+' : ''}`,
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  };
}

/** Above it, something else is running beside the benchmark. */
const BUSY_LOAD = 0.7;

export function machineLines({ cpu, cores, memoryGiB, kernel, node, commit, time, load }: MachineFacts): string[] {
  return [
    `${cores} × ${cpu}, ${memoryGiB} GiB, Linux ${kernel}, Node.js ${node}; commit ${commit}; ${time}`,
    ...(load > BUSY_LOAD ? [`The machine was busy when this began (load ${load}): expect noise.`] : []),
  ];
}

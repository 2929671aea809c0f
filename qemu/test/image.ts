/** What the boot tests start: the built image, on a disk larger than it, so that the first boot makes the other partitions. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { artefactPaths, repositoryRoot } from '../../builder/src/paths.ts';
import type { MachineOptions } from '../src/machine.ts';

export const artefacts = artefactPaths('vm-x86_64');

/** As large as a small card or stick. */
export const diskBytes = 6 * 1024 ** 3;

/**
 * A machine with the image: 512 MiB, a root shell for the test, nothing reachable outside of it.
 * @param name also names its console log, out/test/<name>.log: look there when a test fails
 */
export function imageMachine(name: string): MachineOptions {
  if (!existsSync(artefacts.raw)) {
    throw new Error(`${artefacts.raw} does not exist: build it first with 'make image'`);
  }
  const logs = join(repositoryRoot, 'out', 'test');
  mkdirSync(logs, { recursive: true });
  const consoleLog = join(logs, `${name}.log`);
  rmSync(consoleLog, { force: true });
  return {
    name,
    disks: [{ file: artefacts.raw, sizeBytes: diskBytes }],
    memoryMiB: 512,
    nic: 'isolated',
    kernelArguments: ['atoll.debug-shell'],
    consoleLog,
  };
}

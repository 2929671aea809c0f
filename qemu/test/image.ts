/** What the boot tests start: the built image, on a disk larger than it, so that the first boot makes the other partitions. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildManifest } from '../../builder/src/manifest.ts';
import { artefactPaths, repositoryRoot } from '../../builder/src/paths.ts';
import { machineFor } from '../src/artefact.ts';
import type { MachineOptions } from '../src/machine.ts';

export const artefacts = artefactPaths('vm-x86_64');

/** As large as a small card or stick. */
export const diskBytes = 6 * 1024 ** 3;

/**
 * A machine with the image: 512 MiB, a root shell for the test, nothing reachable outside of it.
 * @param name also names its console log, out/test/<name>.log: look there when a test fails
 */
export function imageMachine(name: string, image = 'vm-x86_64'): MachineOptions {
  const { raw, manifest } = artefactPaths(image);
  if (!existsSync(raw)) {
    throw new Error(`${raw} does not exist: build it first with 'make image IMAGE=${image}'`);
  }
  const logs = join(repositoryRoot, 'out', 'test');
  mkdirSync(logs, { recursive: true });
  const consoleLog = join(logs, `${name}.log`);
  rmSync(consoleLog, { force: true });
  return {
    name,
    ...machineFor(JSON.parse(readFileSync(manifest, 'utf8')) as BuildManifest),
    disks: [{ file: raw, sizeBytes: diskBytes }],
    memoryMiB: 512,
    nic: 'isolated',
    kernelArguments: ['atoll.debug-shell'],
    consoleLog,
  };
}

/** Upgrades of a running node: bytes, times, and who does not answer meanwhile. */
import { appendFile, cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryRoot } from '../../../builder/src/paths.ts';
import { measureUpgrade } from '../../../qemu/src/upgrade-bench.ts';
import { builtVersion } from '../../../qemu/test/versions.ts';
import type { Figure } from '../figures.ts';
import type { Section } from '../section.ts';

/** Enough for a trial that comes up under emulation. */
const deadlineSeconds = 150;

/** The runtime with one line changed. */
async function changedRuntime(): Promise<string> {
  const folder = join(repositoryRoot, 'out/upgrade/changed-runtime');
  await rm(folder, { recursive: true, force: true });
  await cp(join(repositoryRoot, 'runtime/src'), folder, { recursive: true });
  await appendFile(join(folder, 'cli/run.ts'), "process.env.ATOLL_BENCH = 'one line more';\n");
  return folder;
}

export const upgrade: Section = {
  name: 'upgrade',
  title: 'upgrade in QEMU: 512 MiB, 2 CPU, to one with a changed line of the runtime, over HTTP',
  notes: [
    'Fall-back: from the restart into a version whose server crashes to the API of the one before, without the deadline it was given.',
  ],
  ofImage: true,
  needsImage: true,
  onlyNamed: true,
  async run({ image, signal, say }, run) {
    const logs = join(repositoryRoot, 'out', 'bench');
    await mkdir(logs, { recursive: true });
    const consoleLog = join(logs, `upgrade-${run}.log`);
    await rm(consoleLog, { force: true });
    const good = await builtVersion('0.2.0', image, await changedRuntime());
    const bad = await builtVersion('0.3.0', 'server-crashes.yaml');
    const found = await measureUpgrade({
      image,
      good: good.bundle,
      bad: bad.bundle,
      deadlineSeconds,
      consoleLog,
      signal,
    });
    say(`upgrade: blessed after ${(found.blessedMs / 1000).toFixed(0)} s with ${found.accelerator}`);
    const ms = (id: string, label: string, value: number): Figure => ({ id, label, unit: 'ms', value });
    const bytes = (id: string, label: string, value: number): Figure => ({ id, label, unit: 'bytes', value });
    return {
      figures: [
        bytes('bundle', 'bundle', found.bundleBytes),
        { ...bytes('downloaded', 'downloaded', found.downloadedBytes), atMost: 0.08 * found.bundleBytes },
        bytes('written', 'written to the slot and the boot partition', found.writtenBytes),
        ms('install', 'atoll upgrade to armed', found.installMs),
        ms('blessed', 'atoll upgrade to blessed', found.blessedMs),
        ms('reboot', 'API away in a plain restart', found.rebootApiDownMs),
        { ...ms('apiDown', 'API away in an upgrade', found.apiDownMs), atMost: 1.3 * found.rebootApiDownMs },
        ms('podDown', 'pod away in an upgrade', found.podDownMs),
        ms('fallBack', `fall-back (${found.accelerator})`, found.fallBackMs),
      ],
    };
  },
};

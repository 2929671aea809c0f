/** From a snapshot to a Ready cluster, as `atoll-builder run --snapshot` does it. */
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryRoot } from '../../../builder/src/paths.ts';
import { createProgress } from '../../../builder/src/progress.ts';
import { parseRun, type RunOptions } from '../../../qemu/src/cluster/options.ts';
import { run } from '../../../qemu/src/cluster/run.ts';
import type { Figure } from '../figures.ts';
import type { Section, SectionContext } from '../section.ts';

const folder = join(repositoryRoot, 'out', 'bench', 'snapshot');

const optionsOf = (image: string): RunOptions =>
  parseRun(['--name', 'bench', '--memory', '512', '--snapshot', folder, '--run', 'true'], image);

interface Times {
  /** Since the machines were started. */
  readonly readyMs: number;
  /** Since the command was. */
  readonly commandMs: number;
}

async function times({ image, signal, say }: SectionContext): Promise<Times> {
  const startedAt = performance.now();
  let found: Times | undefined;
  const quiet = createProgress({ write: text => say(`snapshot: ${String(text).trim()}`) });
  await run(optionsOf(image), {
    progress: quiet,
    signal,
    say: () => {},
    onReady: ({ tookMs }) => {
      found = { readyMs: tookMs, commandMs: performance.now() - startedAt };
    },
  });
  if (found === undefined) throw new Error('the cluster was never Ready');
  return found;
}

export const snapshot: Section = {
  name: 'snapshot',
  title: 'from a snapshot to Ready: one node, 512 MiB, 2 CPU (atoll-builder run --snapshot)',
  notes: ['Ready: the API answers, the clock is right, and the node has renewed its Lease since it went on.'],
  ofImage: true,
  needsImage: true,
  onlyNamed: true,
  async prepare(context) {
    await mkdir(join(folder, '..'), { recursive: true });
    await rm(folder, { recursive: true, force: true });
    await times(context);
  },
  async run(context) {
    const { readyMs, commandMs } = await times(context);
    const kept = await Promise.all(['memory', 'disk0.qcow2'].map(name => stat(join(folder, 'server', name))));
    const figures: Figure[] = [
      { id: 'ready', label: 'QEMU started to Ready', unit: 'ms', value: readyMs, atMost: 5000 },
      { id: 'command', label: 'run called to Ready', unit: 'ms', value: commandMs },
      {
        id: 'size',
        label: 'what is kept: memory and disk',
        unit: 'bytes',
        value: kept.reduce((sum, { blocks }) => sum + blocks * 512, 0),
      },
    ];
    return { figures };
  },
  async close() {
    await rm(folder, { recursive: true, force: true });
  },
};

/** `atoll health` as the command line knows it; what it does is loaded when it runs. */
import type { Command, Option } from './command.ts';

const usage = `  atoll health    units, the control plane, this node, services, pods: what is well, and what is not and why

  The same checks decide whether a new version is kept (docs/upgrades.md). Exit status 1: something is not well.`;

export const healthCommands = (dataDir: Option, runDir: Option): readonly Command[] => [
  {
    name: 'health',
    summary: 'how this machine does, check by check',
    usage,
    options: [
      dataDir,
      runDir,
      { name: 'esp', value: 'DIR', summary: 'the boot partition', default: '/efi' },
      { name: 'output', value: 'json', summary: 'as JSON' },
      { name: 'o', value: 'json', summary: 'short for --output' },
    ],
    run: async context => (await import('./health.ts')).health(context),
  },
];

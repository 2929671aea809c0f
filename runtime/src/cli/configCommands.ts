/** `atoll config` as the command line knows it; what it does is loaded when it runs. */
import type { Command } from './command.ts';

const usage = `  atoll config validate FILE|DIR…   everything that is wrong, each with file, line and column; changes nothing
  atoll config show [FILE|DIR]      what counts, of all sources; secrets are not shown
  atoll config diff [FILE|DIR]      what it would change on this node, and what of it needs a reboot; without FILE, the sources
  atoll config apply [FILE|DIR]     puts it in force now if it is right; without FILE, looks at the sources again, the URL among them
  atoll config schema [DOCUMENT]    JSON Schema for editors, of user-data, meta-data or network-config
  atoll config reference            every key there is, as a page

  A DIR holds user-data, meta-data and network-config, as a CIDATA volume does. A FILE is user-data when it starts with
  #cloud-config, else network-config or meta-data by its name or its keys; - is standard input. Without FILE, show and diff are about this node.

  Ends with 0: all is well, or there are warnings only; 1: there are problems; 2: the command was not understood;
  3: applied, but for what needs a reboot. All but apply work on a workstation, too.`;

export const configCommands: readonly Command[] = [
  {
    name: 'config',
    summary: 'what configures this node: check a file, see what counts, what it would change',
    usage,
    options: [
      { name: 'sources', summary: 'show: where each key stands' },
      { name: 'secrets', summary: 'show, diff: with the secrets' },
      { name: 'dry-run', summary: 'apply: say what would happen, and change nothing' },
      { name: 'output', value: 'json|yaml', summary: 'validate, show: as JSON, or as YAML' },
      { name: 'o', value: 'json|yaml', summary: 'short for --output' },
      {
        name: 'config-dir',
        value: 'DIR',
        summary: 'where the node keeps configurations',
        default: '/var/lib/atoll/config',
      },
    ],
    run: async context => (await import('./config/config.ts')).config(context),
  },
];

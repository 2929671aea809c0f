/** `atoll logs`, `atoll firmware` and `atoll reset` as the command line knows them; what they do is loaded when they run. */
import type { Command, Option } from './command.ts';

const logsUsage = `  atoll logs                  of the server, the agent, containerd and the configuration, in this boot
  atoll logs server -f        the last lines of the control plane, and what comes
  atoll logs agent --since 10m -n 20
  atoll logs kernel           of the kernel; also: containerd, config, network, time, ssh

  One line an entry: time (UTC), who says it, the level where it is not information, the message, its details.`;

const resetUsage = `  atoll reset                   erases all data of this machine, after asking, and restarts it
  atoll reset --keep-identity   its keys and names stay: other nodes and kubeconfigs go on trusting it
  atoll reset --cancel          withdraws a reset that waits for the next boot

  Data is erased on the way up, before anything uses it; if the power goes then, it is begun again. The same without
  a shell: atoll.reset=1 (or atoll.reset=keep-identity) on the kernel command line, for one boot.`;

const firmwareUsage = `  atoll firmware          which firmware this board starts with, and whether it is whole, and the newest
  atoll firmware update   writes what this version brings beside it, and uses it from the next boot on

  Boards such as the Raspberry Pi have theirs on the card. It is updated by itself when a version is blessed.`;

export const machineCommands = (dataDir: Option): readonly Command[] => [
  {
    name: 'logs',
    summary: 'what the parts of this machine have to say',
    usage: logsUsage,
    options: [
      { name: 'follow', summary: 'go on with what comes' },
      { name: 'f', summary: 'short for --follow' },
      { name: 'since', value: 'TIME', summary: '10m, 2h, 3d ago, or a time such as 2026-11-21 22:00' },
      { name: 'lines', value: 'NUMBER', summary: 'only the last so many' },
      { name: 'n', value: 'NUMBER', summary: 'short for --lines' },
      { name: 'output', value: 'json', summary: 'as the journal has them, one JSON object a line' },
      { name: 'o', value: 'json', summary: 'short for --output' },
    ],
    run: async context => (await import('./logs.ts')).logs(context),
  },
  {
    name: 'firmware',
    summary: "the board's own firmware on the card",
    usage: firmwareUsage,
    options: [dataDir],
    run: async context => (await import('./firmware.ts')).firmware(context),
  },
  {
    name: 'reset',
    summary: 'erase the data of this machine',
    usage: resetUsage,
    options: [
      dataDir,
      { name: 'keep-identity', summary: 'keep keys and names' },
      { name: 'yes', summary: 'do not ask' },
      { name: 'no-reboot', summary: 'do not restart; the data is erased at the next boot' },
      { name: 'cancel', summary: 'withdraw a reset that has not been done yet' },
    ],
    run: async context => (await import('./reset.ts')).reset(context),
  },
];

/** `atoll upgrade` and `atoll rollback` as the command line knows them; what they do is loaded when they run. */
import type { Command, Option } from './command.ts';

const upgradeUsage = `  atoll upgrade URL|FILE|DIRECTORY    install a bundle into the other slot, restart, and keep it if the node is healthy
  atoll upgrade --check SOURCE        what it is, whether it may be installed, and what would be downloaded; changes nothing
  atoll upgrade status                what runs, what is in the other slot, what an installation is doing
  atoll upgrade history               what was installed, blessed, refused, and why

  SOURCE is a bundle (.raucb), a channel (a URL that ends with / or .json), a directory or device with bundles, or usb:
  whatever stick is plugged in. Without it, it is the channel of this node's configuration.
  The running slot is not touched. The new version is tried: when the node is not as healthy as before by the deadline,
  the machine goes back to the old one by itself and the new one is refused. An installation goes on when this session
  ends; atoll upgrade status shows how far it is. One that was cut off is begun again with what is there.`;

const rollbackUsage = `  atoll rollback           restarts into the version in the other slot; the one that runs is refused from then on
  atoll rollback --yes     without asking`;

const json: readonly Option[] = [
  { name: 'output', value: 'json', summary: 'as JSON' },
  { name: 'o', value: 'json', summary: 'short for --output' },
];
const yes: Option = { name: 'yes', summary: 'do not ask before the machine restarts' };
const noReboot: Option = { name: 'no-reboot', summary: 'do not restart; it is tried when the machine restarts next' };

export const upgradeCommands: readonly Command[] = [
  {
    name: 'upgrade',
    summary: 'install another version of Atoll, which is kept if the node is healthy with it',
    usage: upgradeUsage,
    options: [
      { name: 'check', summary: 'only look, and say what would be done' },
      { name: 'limit', value: 'RATE', summary: 'download no faster than so many bytes a second: 500k, 2M' },
      { name: 'retry-for', value: 'TIME', summary: 'how long a server may be away before it is given up: 5m, 2h' },
      { name: 'downgrade', summary: 'a version older than the running one is meant' },
      { name: 'force', summary: 'a version that was refused here is to be tried again' },
      { name: 'deadline', value: 'TIME', summary: 'how long the trial has to become healthy', default: '10m' },
      noReboot,
      yes,
      ...json,
    ],
    run: async context => (await import('./upgrade.ts')).upgrade(context),
  },
  {
    name: 'rollback',
    summary: 'go back to the version in the other slot',
    usage: rollbackUsage,
    options: [yes, noReboot, { name: 'force', summary: 'also to a version that was refused here' }],
    run: async context => (await import('./rollback.ts')).rollback(context),
  },
];

/** The unit of systemd in which an installation runs, whoever asked for it: by its name there is one at a time. */
export const UPGRADE_UNIT = 'atoll-upgrade';

/** Set to 1 in the unit: this tells the command that it is there. */
export const UPGRADE_MARK = 'ATOLL_UPGRADE_UNIT';

/** systemd-run's. Workloads go first; the page cache of all the blocks it reads is its own. */
export const upgradeUnitArguments: readonly string[] = [
  ...[
    ...['Type=exec', 'Nice=10', 'IOWeight=10', 'CPUWeight=20', 'IOSchedulingClass=idle'],
    ...['MemoryHigh=160M', 'OOMScoreAdjust=500', 'KillMode=mixed', 'TimeoutStopSec=20'],
  ].map(property => `--property=${property}`),
  `--setenv=${UPGRADE_MARK}=1`,
];

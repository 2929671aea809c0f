/** Commands that cannot run, as no image of Atoll has the program: a shell would say so when the node is at its site. */
import type { Rule } from '../types.ts';
import type { CloudInit } from './cloudInit.ts';
import { NO_PACKAGES } from './imager.ts';

const FOR_SH = 'the shell is sh (busybox)';
const IN_CONTAINERS = 'it comes in containers, as all software does';
const OFTEN_ENOUGH = 'bootcmd runs at every boot, runcmd once for each instance-id';

/** Programs people write from habit → what to do instead. Images with packages of their own may have some of them. */
const missing: ReadonlyMap<string, string> = new Map([
  ...['bash', 'zsh'].map(name => [name, FOR_SH] as const),
  ...['apt', 'apt-get', 'apt-key', 'add-apt-repository', 'yum', 'dnf', 'apk', 'snap'].map(
    name => [name, NO_PACKAGES] as const,
  ),
  ...['python', 'python3', 'pip', 'pip3', 'perl', 'docker', 'podman', 'helm', 'curl'].map(
    name => [name, IN_CONTAINERS] as const,
  ),
  ['cloud-init-per', OFTEN_ENOUGH],
  ['cloud-init', 'the node is configured by Atoll: atoll config'],
  ['sudo', 'commands run as root: leave it out'],
]);

/** The program of a list, and those at the start of a text and after its pipes. */
const programsOf = (command: string | readonly string[]): readonly string[] =>
  typeof command === 'string'
    ? [...command.matchAll(/(?:^|\|)\s*((?:\/[\w./-]+\/)?[\w.-]+)(?=\s|$)/g)].flatMap(([, word]) => word ?? [])
    : command.slice(0, 1);

export const commandRules: readonly Rule<CloudInit>[] = [
  function missingPrograms(given, report) {
    for (const key of ['bootcmd', 'runcmd'] as const)
      (given[key] ?? []).forEach((command, i) => {
        for (const program of new Set(programsOf(command))) {
          const hint = missing.get(program.replace(/^\/(?:usr\/)?s?bin\//, ''));
          if (hint !== undefined)
            report([key, i], `"${program}" is in no image of Atoll: the command fails`, { severity: 'warning', hint });
        }
      });
  },
];

/**
 * What a configuration needs and does not bring itself: files that a daemon reads when it starts, users and groups. A machine can look
 * whether they are there; elsewhere they are warnings, as an image may have more than every image has.
 */
import { apiServerFileArguments } from '../../apiserver/arguments.ts';
import type { AccountFiles, KnownIds } from './accounts.ts';
import { takenIds } from './needsOfAccounts.ts';
import { type Kernel, neededKernel } from './needsOfKernel.ts';
import { atollShape } from './sections/atoll.ts';
import { passedOnOf } from './sections/atollApiServer.ts';
import { listed } from './sections/atollRules.ts';
import { cloudInitFields, usersOf } from './sections/cloudInit.ts';
import { imageGroups, imageUsers } from './sections/imageAccounts.ts';
import { machineShape } from './sections/machine.ts';
import { field, type Infer, mapping } from './shape.ts';
import type { Report, Rule } from './types.ts';
import type { KindOf } from './writtenPlaces.ts';

/** The machine a configuration is for. */
export interface Machine {
  readonly exists: (path: string) => boolean;
  /** Of what is at a path before the configuration is there; absent: nobody has looked. */
  readonly kindOf?: KindOf;
  /** Those of its image. */
  readonly users: ReadonlySet<string>;
  readonly groups: ReadonlySet<string>;
  /** Numbers that users and groups have been given on it. */
  readonly knownIds: KnownIds;
  readonly kernel?: Kernel;
}

export function machineOf(
  { passwd, group }: AccountFiles,
  exists: Machine['exists'],
  knownIds: KnownIds = {},
): Machine {
  const names = (text: string): ReadonlySet<string> => new Set(text.split('\n').map(line => line.split(':')[0] ?? ''));
  // Empty: they could not be read.
  return {
    exists,
    users: passwd === '' ? imageUsers : names(passwd),
    groups: group === '' ? imageGroups : names(group),
    knownIds,
  };
}

const { write_files, users, user, bootcmd, runcmd, mounts, fs_setup } = cloudInitFields;
/** What the rule looks at, of user-data. */
export const needingShape = mapping({
  write_files,
  users,
  user,
  bootcmd,
  runcmd,
  mounts,
  fs_setup,
  machine: field(machineShape, ''),
  atoll: field(atollShape, ''),
});
export type Needing = Infer<typeof needingShape>;

/** @param machine the one this runs on, if it is for that one */
export const needsOn =
  (machine: Machine | undefined): Rule<Needing> =>
  (given, report) => {
    const files = filesFor(given, machine);
    for (const each of filesOf(given)) files.need(each, report);
    neededAccounts(given, machine, report);
    if (machine?.kernel) neededKernel(given, machine.kernel, report);
    takenIds(given, machine?.knownIds ?? {}, report);
  };

export interface NeededFile {
  readonly file: string;
  readonly path: readonly (string | number)[];
  /** What is so while it is not there: `the server does not start`. */
  readonly without: string;
}

function filesOf({ atoll = {} }: Needing): readonly NeededFile[] {
  const doesNotStart = (daemon: 'server' | 'agent'): string => `the ${daemon} does not start`;
  const daemon = atoll.role === 'agent' ? 'agent' : 'server';
  const files: NeededFile[] = [];
  for (const name of ['token-file', 'agent-token-file', 'private-registry'] as const) {
    const file = atoll[name];
    if (file !== undefined)
      files.push({
        file,
        path: ['atoll', name],
        without: doesNotStart(name === 'private-registry' ? 'agent' : daemon),
      });
  }
  const given = atoll['kube-apiserver-arg'];
  for (const [i, argument] of listed(given).entries()) {
    const { name, value } = passedOnOf(argument);
    const path = ['atoll', 'kube-apiserver-arg', ...(typeof given === 'string' ? [] : [i])];
    if (value !== undefined && (apiServerFileArguments as readonly string[]).includes(name))
      files.push({ file: value, path, without: doesNotStart(daemon) });
  }
  if (atoll['resolv-conf'] !== undefined)
    files.push({
      file: atoll['resolv-conf'],
      path: ['atoll', 'resolv-conf'],
      without: 'pods with dnsPolicy: Default have no name servers',
    });
  for (const [host, { tls = {} }] of Object.entries(atoll.registries?.configs ?? {}))
    for (const name of ['ca_file', 'cert_file', 'key_file'] as const) {
      const file = tls[name];
      const path = ['atoll', 'registries', 'configs', host, 'tls', name];
      if (file !== undefined) files.push({ file, path, without: `nothing is pulled from ${host}` });
    }
  return files;
}

/** Where something may be that is not there yet when the configuration is looked at: units, tmpfiles and mounts make it. */
const notYet = /^\/(?:run|tmp|mnt|media|srv|opt|efi|boot)(?:\/|$)/;

export interface Files {
  readonly need: (file: NeededFile, report: Report) => void;
}

/** The files that a configuration writes, and those of the machine it is for. */
export function filesFor(
  given: Pick<Needing, 'write_files' | 'bootcmd' | 'runcmd' | 'mounts'>,
  machine?: Machine,
): Files {
  const { write_files: written = [], bootcmd: commands = [], runcmd: late = [], mounts: disks = [] } = given;
  const isOnDisk = (file: string): boolean =>
    disks.some(([, where]) => where !== undefined && file.startsWith(`${where}/`));
  const need = ({ file, path, without }: NeededFile, report: Report): void => {
    const made = written.filter(each => each.path === file);
    if (made.some(({ defer }) => defer !== true)) return;
    if (made.length > 0) {
      report(path, `"${file}" is written late, when the daemons have been started: until then ${without}`, {
        severity: 'warning',
        hint: 'leave out defer: true in write_files',
      });
      return;
    }
    // What commands make is theirs to know.
    if (commands.length + late.length > 0 || machine?.exists(file)) return;
    const isKnown = machine !== undefined && !notYet.test(file) && !isOnDisk(file);
    report(
      path,
      isKnown
        ? `there is no file "${file}" on this machine: ${without} without it`
        : `"${file}" is no file of write_files: ${without} without it`,
      {
        severity: isKnown ? 'error' : 'warning',
        hint: isKnown ? 'add it to write_files' : 'add it to write_files, unless the machine has it',
      },
    );
  };
  return { need };
}

function neededAccounts(given: Needing, machine: Machine | undefined, report: Report): void {
  const known = { user: new Set(machine?.users ?? imageUsers), group: new Set(machine?.groups ?? imageGroups) };
  for (const { user: one } of usersOf(given)) {
    if (typeof one === 'string') {
      known.user.add(one);
      known.group.add(one);
      continue;
    }
    known.user.add(one.name);
    known.group.add(one.primary_group ?? one.name);
    for (const name of typeof one.groups === 'string' ? one.groups.split(',') : (one.groups ?? []))
      known.group.add(name.trim());
  }
  const need = (what: 'user' | 'group', name: string, path: readonly (string | number)[], then: string): void => {
    if (known[what].has(name)) return;
    report(
      path,
      `there is no ${what} "${name}"${machine ? '' : ' in the images of Atoll'}, and users makes none: ${then}`,
      {
        severity: machine ? 'error' : 'warning',
        hint: machine
          ? `add ${what === 'user' ? 'it to users' : 'a user with it in groups'}`
          : `add ${what === 'user' ? 'it to users' : 'a user with it in groups'}, unless your image has it`,
      },
    );
  };
  (given.write_files ?? []).forEach(({ owner = 'root' }, i) => {
    const [name = '', group] = owner.split(':');
    const path = ['write_files', i, 'owner'];
    need('user', name, path, 'the file is not written');
    if (group !== undefined) need('group', group, path, 'the file is not written');
  });
  const group = given.atoll?.['write-kubeconfig-group'];
  if (group !== undefined && !/^\d+$/.test(group))
    need('group', group, ['atoll', 'write-kubeconfig-group'], 'the server does not start');
}

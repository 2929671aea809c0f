/** Users who could not log in, and what is said of root and has no effect. */
import type { Report, Rule } from '../types.ts';
import { type CloudInit, type User, usersOf } from './cloudInit.ts';
import { machineFolders, notWritable } from './cloudInitRules.ts';
import type { MetaData } from './metaData.ts';

type Path = readonly (string | number)[];

const hasKeys = (user: User): boolean => (user.ssh_authorized_keys?.length ?? 0) > 0;

/** A home is made where it can be written, and is nobody else's. */
function homeOf(user: User, at: Path, report: Report): void {
  const { name, homedir: home, system = false, no_create_home: noHome = false } = user;
  if (home === undefined) {
    if (system && hasKeys(user))
      report([...at, 'ssh_authorized_keys'], 'has no place: a user with system: true has no home folder', {
        hint: `add homedir: /var/home/${name}, or remove system`,
      });
    return;
  }
  // /nonexistent of a program's user, where nothing is looked for.
  if ((system || noHome) && !hasKeys(user)) return;
  const hint = `leave it out for /var/home/${name}, or take another folder below /var`;
  if (home === '/root' || home === '/var/roothome') report([...at, 'homedir'], 'is the home folder of root', { hint });
  else if (machineFolders.test(home) || /^\/[^/]*$/.test(home))
    report([...at, 'homedir'], `"${home}" is a folder of the machine`, { hint });
  else if (notWritable(home)) report([...at, 'homedir'], `${notWritable(home)?.message}: it cannot be made`, { hint });
}

const doesNotLogIn = /\/(?:nologin|false)$/;

/** What root is anyway, as it may be written. */
const rootIs: Readonly<Partial<Record<keyof User, (value: unknown) => boolean>>> = {
  gecos: value => value === 'root',
  groups: value => value === 'root' || (Array.isArray(value) && value.every(name => name === 'root')),
  primary_group: value => value === 'root',
  homedir: value => value === '/root' || value === '/var/roothome',
  shell: value => /\/(?:sh|bash)$/.test(String(value)),
  system: () => true,
  no_create_home: () => true,
};

const accounts: Rule<CloudInit> = (given, report) => {
  for (const { user, path: at } of usersOf(given)) {
    if (typeof user === 'string') continue;
    if (user.name !== 'root') {
      homeOf(user, at, report);
      const shell = user.shell ?? (user.system ? '/usr/sbin/nologin' : '/bin/sh');
      if (hasKeys(user) && doesNotLogIn.test(shell))
        report([...at, 'ssh_authorized_keys'], `lets nobody in: the shell of this user is ${shell}`, {
          severity: 'warning',
          hint: 'add shell: /bin/sh, or remove the keys',
        });
      continue;
    }
    for (const [name, isSo] of Object.entries(rootIs)) {
      const value = user[name as keyof User];
      if (value !== undefined && !isSo(value))
        report([...at, name], 'has no effect: root is part of the image and stays as it is there', {
          severity: 'warning',
          hint: 'remove it, or give it to another user',
        });
    }
    if (given.disable_root === true && hasKeys(user))
      report([...at, 'ssh_authorized_keys'], 'lets nobody in: disable_root shuts out root', {
        hint: 'give the keys to another user, or remove disable_root',
      });
  }
};

/** The SSH server takes no password of root. */
const passwordsOfRoot: Rule<CloudInit> = ({ ssh_pwauth, ...given }, report) => {
  if (ssh_pwauth !== true) return;
  const having = usersOf(given).flatMap(({ user }) =>
    typeof user !== 'string' && user.hashed_passwd !== undefined && user.lock_passwd === false ? [user.name] : [],
  );
  if (having.length > 0 && having.every(name => name === 'root'))
    report(['ssh_pwauth'], 'lets nobody in: root logs in by SSH with a key only, and nobody else has a password', {
      severity: 'warning',
      hint: 'give another user hashed_passwd and lock_passwd: false, or root ssh_authorized_keys',
    });
};

export const accountRules: readonly Rule<CloudInit>[] = [accounts, passwordsOfRoot];

/** Whoever gives an instance its keys does not see that user-data shuts them out. */
export const keysOfMetaData: Rule<{
  readonly userData: Pick<CloudInit, 'disable_root'>;
  readonly metaData: MetaData;
}> = ({ userData, metaData }, report) => {
  if (userData.disable_root === true && metaData['public-keys'] !== undefined)
    report(['public-keys'], 'lets nobody in: disable_root of user-data shuts out root, the default user', {
      severity: 'warning',
      hint: 'give the keys to a user in users, or remove disable_root',
    });
};

import { BuildError } from '../../errors.ts';
import type { RootTree } from '../tree.ts';
import type { FinishingStep } from './step.ts';

interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly comment: string;
  readonly home: string;
  readonly shell: string;
}

export interface Accounts {
  readonly users: Map<string, User>;
  readonly groups: Map<string, { readonly gid: number; readonly members: Set<string> }>;
}

/** `passwd` and `group` text to accounts. */
export function parseAccounts(passwd: string, group: string): Accounts {
  const rows = (text: string): string[][] =>
    text
      .split('\n')
      .filter(line => line !== '')
      .map(line => line.split(':'));
  const users = rows(passwd).map(
    ([name = '', , uid, gid, comment = '', home = '/', shell = '/usr/sbin/nologin']): [string, User] => [
      name,
      { name, uid: Number(uid), gid: Number(gid), comment, home, shell },
    ],
  );
  const groups = rows(group).map(
    ([name = '', , gid, members = '']): [string, { gid: number; members: Set<string> }] => [
      name,
      { gid: Number(gid), members: new Set(members.split(',').filter(member => member !== '')) },
    ],
  );
  return { users: new Map(users), groups: new Map(groups) };
}

/** Words of a sysusers.d line; double quotes keep blanks. */
const words = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(match => match[1] ?? match[2] ?? '');

/**
 * Applies sysusers.d lines (sysusers.d(5): `u`, `u!`, `g`, `m`, `r`). An id of `-` is taken from `ids`, so that it never depends
 * on the order of files or on a machine.
 * @throws BuildError ROOT_INCONSISTENT for an id that is neither given nor pinned, or is taken.
 */
export function applySysusers(accounts: Accounts, text: string, ids: ReadonlyMap<string, number>, where: string): void {
  const { users, groups } = accounts;
  const pinned = (name: string, given: string): number => {
    const id = /^\d+$/.test(given) ? Number(given) : ids.get(name);
    if (id === undefined) {
      throw new BuildError('ROOT_INCONSISTENT', `${where} wants a dynamic id for ${name}`, {
        hint: `Give ${name} an id in rootfs/ids.yaml.`,
      });
    }
    return id;
  };
  const addGroup = (name: string, gid: number): void => {
    if (groups.has(name)) return;
    const holder = [...groups].find(([, group]) => group.gid === gid);
    if (holder) throw new BuildError('ROOT_INCONSISTENT', `group id ${gid} of ${name} (${where}) is ${holder[0]}'s`);
    groups.set(name, { gid, members: new Set() });
  };
  for (const line of text.split('\n')) {
    const [type = '', name = '', id = '-', comment = '', home = '-', shell = '-'] = words(line.trim());
    if (line.trim() === '' || type.startsWith('#')) continue;
    if (type === 'g') addGroup(name, groups.get(name)?.gid ?? pinned(name, id));
    else if (type === 'm') {
      addGroup(id, groups.get(id)?.gid ?? pinned(id, '-'));
      groups.get(id)?.members.add(name);
    } else if (type === 'u' || type === 'u!') {
      if (users.has(name)) continue;
      const [uidPart = '-', groupPart] = id.split(':');
      const uid = pinned(name, uidPart);
      let gid = uid;
      if (groupPart === undefined) {
        addGroup(name, groups.get(name)?.gid ?? uid);
        gid = groups.get(name)?.gid ?? uid;
      } else if (/^\d+$/.test(groupPart)) gid = Number(groupPart);
      else {
        const group = groups.get(groupPart);
        if (!group)
          throw new BuildError(
            'ROOT_INCONSISTENT',
            `${where}: user ${name} is to be in the unknown group ${groupPart}`,
          );
        gid = group.gid;
      }
      if ([...users.values()].some(user => user.uid === uid))
        throw new BuildError('ROOT_INCONSISTENT', `user id ${uid} of ${name} (${where}) is taken`);
      const nologin = '/usr/sbin/nologin';
      users.set(name, {
        name,
        uid,
        gid,
        comment: comment === '-' ? '' : comment,
        home: home === '-' ? '/' : home,
        shell: shell === '-' ? nologin : shell,
      });
    } else if (type !== 'r') throw new BuildError('ROOT_INCONSISTENT', `${where} has a line of unknown type: ${line}`);
  }
}

/** passwd(5), group(5), shadow(5), gshadow(5). Every password is locked: nobody logs in. */
export function formatAccounts({ users, groups }: Accounts): {
  passwd: string;
  group: string;
  shadow: string;
  gshadow: string;
} {
  const text = (rows: string[]): string => rows.map(row => `${row}\n`).join('');
  const people = [...users.values()].sort((a, b) => a.uid - b.uid);
  const circles = [...groups].sort(([, a], [, b]) => a.gid - b.gid);
  return {
    passwd: text(people.map(u => `${u.name}:x:${u.uid}:${u.gid}:${u.comment}:${u.home}:${u.shell}`)),
    group: text(circles.map(([name, g]) => `${name}:x:${g.gid}:${[...g.members].sort().join(',')}`)),
    shadow: text(people.map(u => `${u.name}:!*:1::::::`)),
    gshadow: text(circles.map(([name, g]) => `${name}:!*::${[...g.members].sort().join(',')}`)),
  };
}

async function sysusersFiles(tree: RootTree): Promise<[string, string][]> {
  const files = tree.match('/usr/lib/sysusers.d/*.conf').sort((a, b) => (a.path < b.path ? -1 : 1));
  return Promise.all(files.map(async node => [`/${node.path}`, await tree.text(node.path)] as [string, string]));
}

export const usersAndGroups: FinishingStep = {
  name: 'users',
  why: 'base-passwd’s postinst and systemd-sysusers, with fixed ids',
  async apply(tree, { ids }) {
    const masters = '/usr/share/base-passwd';
    const accounts = parseAccounts(
      await tree.text(`${masters}/passwd.master`),
      await tree.text(`${masters}/group.master`),
    );
    const files = await sysusersFiles(tree);
    // Groups first, in all files: a user may be put into a group that a later file makes (sysusers.d(5)).
    for (const part of [/^\s*g\b/, /^\s*u!?\s/, /^\s*m\b/]) {
      for (const [where, text] of files) {
        applySysusers(
          accounts,
          text
            .split('\n')
            .filter(line => part.test(line))
            .join('\n'),
          ids,
          where,
        );
      }
    }
    const root = accounts.users.get('root');
    if (root) accounts.users.set('root', { ...root, shell: '/bin/sh' });
    const { passwd, group, shadow, gshadow } = formatAccounts(accounts);
    tree.file('etc/passwd', passwd, { origin: 'users' });
    tree.file('etc/group', group, { origin: 'users' });
    const shadowGroup = accounts.groups.get('shadow')?.gid ?? 0;
    tree.file('etc/shadow', shadow, { mode: 0o640, gid: shadowGroup, origin: 'users' });
    tree.file('etc/gshadow', gshadow, { mode: 0o640, gid: shadowGroup, origin: 'users' });
    tree.remove(masters);
  },
};

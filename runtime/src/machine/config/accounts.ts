/**
 * The accounts of a configuration added to the image's: passwd(5), group(5), shadow(5), gshadow(5). Pure.
 *
 * A user keeps the number it was given once, for its files are owned by number: `known` is every number ever given, and goes on
 * from one generation to the next even for users that are gone.
 */
import type { RenderedGroup, RenderedUser } from './types.ts';

export interface AccountFiles {
  readonly passwd: string;
  readonly group: string;
  readonly shadow: string;
  readonly gshadow: string;
}

/** Numbers given to names; `u:` users, `g:` groups. */
export type KnownIds = Readonly<Record<string, number>>;

export interface Accounts {
  readonly files: AccountFiles;
  readonly known: KnownIds;
  /** The users of the configuration with where they live. */
  readonly homes: readonly {
    readonly user: RenderedUser;
    readonly uid: number;
    readonly gid: number;
    readonly path: string;
  }[];
}

const firstId = 1000;
const lines = (text: string): string[][] =>
  text
    .split('\n')
    .filter(line => line !== '')
    .map(line => line.split(':'));
const written = (rows: readonly (readonly string[])[]): string => rows.map(row => `${row.join(':')}\n`).join('');

export function addAccounts(
  image: AccountFiles,
  users: readonly RenderedUser[],
  groups: readonly RenderedGroup[],
  knownBefore: KnownIds,
): Accounts {
  const passwd = lines(image.passwd);
  const group = lines(image.group);
  const shadow = lines(image.shadow);
  const gshadow = lines(image.gshadow);
  const known: Record<string, number> = { ...knownBefore };
  const taken = new Set<number>();
  for (const rows of [passwd, group]) for (const row of rows) taken.add(Number(row[2]));
  for (const id of Object.values(known)) taken.add(id);
  for (const { uid } of users) if (uid !== undefined) taken.add(uid);
  for (const { gid } of groups) if (gid !== undefined) taken.add(gid);
  const idOf = (key: string, wanted: number | undefined, like?: number): number => {
    const before = known[key];
    let id = wanted ?? before;
    if (id === undefined && like !== undefined && !group.some(row => row[2] === String(like))) id = like;
    if (id === undefined) for (id = firstId; taken.has(id); ) id += 1;
    taken.add(id);
    known[key] = id;
    return id;
  };
  const groupNamed = (name: string, wanted?: number, like?: number): string[] => {
    const found = group.find(row => row[0] === name);
    if (found) return found;
    const row = [name, 'x', String(idOf(`g:${name}`, wanted, like)), ''];
    group.push(row);
    gshadow.push([name, '!*', '', '']);
    return row;
  };
  const join = (name: string, member: string): void => {
    const row = groupNamed(name);
    const members = new Set((row[3] ?? '').split(',').filter(other => other !== ''));
    row[3] = [...members.add(member)].join(',');
    const hidden = gshadow.find(([other]) => other === name);
    if (hidden) hidden[3] = row[3];
  };
  for (const { name, gid } of groups) groupNamed(name, gid);
  const homes = users.map(user => {
    const present = passwd.find(row => row[0] === user.name);
    const uid = present ? Number(present[2]) : idOf(`u:${user.name}`, user.uid);
    const primary =
      user.primaryGroup === undefined && present
        ? undefined
        : groupNamed(user.primaryGroup ?? user.name, undefined, uid);
    const gid = Number(primary?.[2] ?? present?.[3]);
    const path = user.home ?? present?.[5] ?? `/var/home/${user.name}`;
    const row = [user.name, 'x', String(uid), String(gid), user.comment, path, user.shell];
    if (present) present.splice(0, present.length, ...row);
    else passwd.push(row);
    const secret = shadow.find(([name]) => name === user.name);
    // "*": no password fits, and the account is not locked for keys.
    const hash = user.passwordHash ?? '*';
    if (secret) secret[1] = hash;
    else shadow.push([user.name, hash, '1', '', '', '', '', '', '']);
    for (const name of user.groups) join(name, user.name);
    // root's home is a link into /var.
    return { user, uid, gid, path: path === '/root' ? '/var/roothome' : path };
  });
  for (const { name, members } of groups) for (const member of members) join(name, member);
  return {
    files: { passwd: written(passwd), group: written(group), shadow: written(shadow), gshadow: written(gshadow) },
    known,
    homes,
  };
}

/**
 * Who may log in. The image has no sudo, so its default user is root; the SSH server runs only when somebody may log in by it.
 */

import type { UserData } from '../schema.ts';
import { isRootBySudo, type User, usersOf } from '../sections/cloudInit.ts';
import type { MetaData } from '../sections/metaData.ts';
import type { Rendered, RenderedUser } from '../types.ts';

export function renderAccess(userData: UserData, metaData: MetaData): Partial<Rendered> {
  const { ssh_authorized_keys: keys = [], ssh_pwauth: passwords, disable_root: noRoot, enable_ssh: wanted } = userData;
  const given = usersOf(userData).map(({ user }) => user);
  // There is no sudo: whoever would be root by it without a password is let in as root.
  const alsoRoot = given.flatMap(user =>
    typeof user !== 'string' && isRootBySudo(user) ? (user.ssh_authorized_keys ?? []) : [],
  );
  const rootKeys = noRoot === true ? [] : [...new Set([...keys, ...publicKeys(metaData), ...alsoRoot].map(line))];
  const others = given.flatMap(user => (user === 'default' || named(user, 'root') ? [] : [rendered(user)]));
  const asRoot = given.find((user): user is User => typeof user !== 'string' && user.name === 'root');
  const root: RenderedUser = {
    name: 'root',
    comment: 'root',
    home: '/root',
    shell: '/bin/sh',
    groups: [],
    keys: noRoot === true ? [] : [...new Set([...rootKeys, ...(asRoot?.ssh_authorized_keys ?? []).map(line)])],
    createHome: false,
    ...hash(asRoot),
  };
  const users = root.keys.length > 0 || root.passwordHash !== undefined ? [root, ...others] : others;
  const open = wanted !== false && (users.some(user => user.keys.length > 0) || passwords === true);
  return { users, ...(open ? { ssh: { passwords: passwords === true } } : {}) };
}

const named = (user: string | User, name: string): boolean => (typeof user === 'string' ? user : user.name) === name;
const line = (key: string): string => key.trim();

function rendered(user: string | User): RenderedUser {
  if (typeof user === 'string') return rendered({ name: user });
  const groups =
    typeof user.groups === 'string' ? user.groups.split(',').map(name => name.trim()) : (user.groups ?? []);
  const home = user.system === true && user.homedir === undefined ? '/' : user.homedir;
  return {
    name: user.name,
    ...(user.uid === undefined ? {} : { uid: user.uid }),
    ...(user.primary_group === undefined ? {} : { primaryGroup: user.primary_group }),
    comment: user.gecos ?? '',
    ...(home === undefined ? {} : { home }),
    shell: shellOf(user.shell) ?? (user.system === true ? '/usr/sbin/nologin' : '/bin/sh'),
    groups,
    keys: (user.ssh_authorized_keys ?? []).map(line),
    createHome: user.no_create_home !== true && user.system !== true,
    ...hash(user),
  };
}

/** The image has no bash. */
const shellOf = (shell: string | undefined): string | undefined => (shell?.endsWith('/bash') ? '/bin/sh' : shell);

/** cloud-init locks the password unless it is told not to. */
const hash = (user: User | undefined): { passwordHash?: string } =>
  user?.hashed_passwd !== undefined && user.lock_passwd === false ? { passwordHash: user.hashed_passwd } : {};

function publicKeys({ 'public-keys': keys }: MetaData): readonly string[] {
  if (keys === undefined) return [];
  if (typeof keys === 'string') return [keys];
  if (isList(keys)) return keys;
  return Object.values(keys).flatMap(value => (typeof value === 'string' ? [value] : [...value]));
}

const isList = (value: unknown): value is readonly string[] => Array.isArray(value);

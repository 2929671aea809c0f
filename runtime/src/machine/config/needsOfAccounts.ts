/** Numbers of users, which are for ever: files are owned by number (accounts.ts). */
import type { KnownIds } from './accounts.ts';
import { type CloudInit, usersOf } from './sections/cloudInit.ts';
import type { Report } from './types.ts';

/** A number somebody asks for and another user has had on this machine. @param known of all generations before */
export function takenIds(given: Pick<CloudInit, 'users' | 'user'>, known: KnownIds, report: Report): void {
  const users = usersOf(given).map(({ user, path }) => ({
    ...(typeof user === 'string' ? { name: user } : user),
    path,
  }));
  const asked = new Map(users.map(({ name, uid }) => [name, uid]));
  for (const { name, uid, path } of users) {
    if (uid === undefined) continue;
    const other = Object.entries(known).find(([key, id]) => id === uid && /^u:/.test(key) && key !== `u:${name}`)?.[0];
    const owner = other?.slice(2);
    if (owner === undefined) continue;
    const hint = 'take another number, or leave it out for the next free one';
    if (asked.has(owner) && asked.get(owner) === undefined)
      report([...path, 'uid'], `${uid} is the number of "${owner}" since it was added to this machine`, { hint });
    else if (known[`u:${name}`] !== uid)
      report(
        [...path, 'uid'],
        `${uid} was the number of "${owner}" on this machine: its files belong to "${name}" now`,
        {
          severity: 'warning',
          hint,
        },
      );
  }
}

/** What is said of who may log in that has no effect, or another one than it seems. */
import type { Rule } from '../types.ts';
import { type CloudInit, usersOf } from './cloudInit.ts';

export const loginRules: readonly Rule<CloudInit>[] = [
  function lockedPasswords(given, report) {
    for (const { user, path } of usersOf(given)) {
      if (typeof user === 'string' || user.lock_passwd !== undefined) continue;
      // Those that fit nothing are locked anyway.
      if (user.hashed_passwd === undefined || /^[!*]/.test(user.hashed_passwd)) continue;
      report([...path, 'hashed_passwd'], 'is not used: without lock_passwd the password is locked, as by cloud-init', {
        severity: 'warning',
        hint: 'add lock_passwd: false, or remove the password',
      });
    }
  },

  function closedSsh({ enable_ssh: wanted, ssh_authorized_keys: keys = [], ssh_pwauth: passwords, ...given }, report) {
    if (wanted !== false) return;
    const users = usersOf(given).map(({ user }) => user);
    const some = users.some(user => typeof user !== 'string' && (user.ssh_authorized_keys?.length ?? 0) > 0);
    if (keys.length > 0 || some || passwords === true)
      report(
        ['enable_ssh'],
        `is false: nobody gets in by SSH, whatever ${passwords ? 'ssh_pwauth says' : 'keys are given'}`,
        {
          severity: 'warning',
          hint: 'remove it where SSH is to run',
        },
      );
  },
];

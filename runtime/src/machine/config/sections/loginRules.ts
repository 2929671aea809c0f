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
];

/** Wrong configurations and what is said of each: one problem a line, `line:column key message → hint`. Users who could not log in. */
import type { WrongCase } from './lines.ts';

const keys =
  'ssh_authorized_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me]';
const user = (what: string): string => `users:\n - {name: ann, ${what}}`;
const home = (path: string, said: string): WrongCase => [
  user(`homedir: ${path}`),
  `3:25 users[0].homedir ${said} → leave it out for /var/home/ann, or take another folder below /var`,
];
const noEffect =
  'has no effect: root is part of the image and stays as it is there → remove it, or give it to another user';

export const accounts: readonly WrongCase[] = [
  home('/home/ann', '"/home/ann" is on the read-only root: it cannot be made'),
  home('/opt/ann', '"/opt/ann" is on the read-only root: it cannot be made'),
  home('/etc', '"/etc" is a folder of the machine'),
  home('/var/lib', '"/var/lib" is a folder of the machine'),
  home('/root', 'is the home folder of root'),
  home('/var/lib/atoll/agent', '"/var/lib/atoll/agent" is Atoll\'s own: it cannot be made'),
  [user('homedir: /var/lib/ann'), []],
  [user('homedir: /nonexistent, system: true'), []],
  [user('homedir: /nonexistent, no_create_home: true'), []],
  [
    user(`homedir: /opt/x, system: true, shell: /bin/sh, ${keys}`),
    '3:25 users[0].homedir "/opt/x" is on the read-only root: it cannot be made → leave it out for /var/home/ann, or take another folder below /var',
  ],
  [user(`homedir: /var/lib/x, system: true, shell: /bin/sh, ${keys}`), []],
  [
    user(`system: true, shell: /bin/sh, ${keys}`),
    '3:67 users[0].ssh_authorized_keys has no place: a user with system: true has no home folder → add homedir: /var/home/ann, or remove system',
  ],
  [
    user(`homedir: /var/lib/x, system: true, ${keys}`),
    '3:72 warning: users[0].ssh_authorized_keys lets nobody in: the shell of this user is /usr/sbin/nologin → add shell: /bin/sh, or remove the keys',
  ],
  [
    user(`shell: /bin/false, ${keys}`),
    '3:56 warning: users[0].ssh_authorized_keys lets nobody in: the shell of this user is /bin/false → add shell: /bin/sh, or remove the keys',
  ],
  [
    `users:\n - {name: root, gecos: The boss, groups: [audio], homedir: /var/home/r, shell: /usr/sbin/nologin, primary_group: users, ${keys}}`,
    [
      `3:24 warning: users[0].gecos ${noEffect}`,
      `3:42 warning: users[0].groups ${noEffect}`,
      `3:60 warning: users[0].homedir ${noEffect}`,
      `3:80 warning: users[0].shell ${noEffect}`,
      `3:114 warning: users[0].primary_group ${noEffect}`,
    ],
  ],
  [`users:\n - {name: root, gecos: root, homedir: /root, shell: /bin/bash, no_create_home: true, system: false}`, []],
  [
    `disable_root: true\nusers:\n - {name: root, ${keys}}`,
    '4:38 users[0].ssh_authorized_keys lets nobody in: disable_root shuts out root → give the keys to another user, or remove disable_root',
  ],
  [
    'ssh_pwauth: true\nusers:\n - {name: root, hashed_passwd: "$6$abcdefgh$abcdefghijklmnop", lock_passwd: false}',
    '2:13 warning: ssh_pwauth lets nobody in: root logs in by SSH with a key only, and nobody else has a password → give another user hashed_passwd and lock_passwd: false, or root ssh_authorized_keys',
  ],
];

/** What several of cloud-init's keys must be together. */

import type { Rule } from '../types.ts';
import { writtenContent } from '../writtenContent.ts';
import { kindInImages, placesRule } from '../writtenPlaces.ts';
import { type CloudInit, isRootBySudo, NO_SUDO, sudoRules, usersOf } from './cloudInit.ts';
import { commandRules } from './commandRules.ts';
import { homeRules } from './homeUrl.ts';
import { imageUsers } from './imageAccounts.ts';
import { imagerRules } from './imager.ts';
import { loginRules } from './loginRules.ts';

export const cloudInitRules: readonly Rule<CloudInit>[] = [
  ...imagerRules,
  ...loginRules,
  ...commandRules,
  ...homeRules,

  function hostNames({ hostname, fqdn }, report) {
    if (hostname === undefined || fqdn === undefined) return;
    const [first] = fqdn.split('.', 1);
    if (hostname.toLowerCase() !== first?.toLowerCase() && hostname.toLowerCase() !== fqdn.toLowerCase())
      report(['fqdn'], `starts with another name than hostname, which is "${hostname}"`, { severity: 'warning' });
  },

  function timeServers({ ntp }, report) {
    if (ntp?.enabled === false && (ntp.servers ?? ntp.pools))
      report(['ntp', 'enabled'], 'is false, and there are servers', { hint: 'remove one of them' });
  },

  function userList(given, report) {
    const { disable_root, ssh_authorized_keys = [] } = given;
    const names = new Set<string>();
    const ids = new Map<number, string>();
    for (const { user, path: at } of usersOf(given)) {
      const name = typeof user === 'string' ? user : user.name;
      const path = typeof user === 'string' ? at : [...at, 'name'];
      if (name !== 'root' && imageUsers.has(name))
        report(path, `the user "${name}" is part of the image`, { hint: 'take another name' });
      if (names.has(name)) report(path, `the user "${name}" is here twice`, { hint: 'keep one of them' });
      names.add(name);
      if (typeof user === 'string') continue;
      if (user.uid !== undefined) {
        const other = ids.get(user.uid);
        if (other !== undefined) report([...at, 'uid'], `${user.uid} is the user "${other}", too`);
        ids.set(user.uid, name);
        if (name === 'root') report([...at, 'uid'], 'the number of root is always 0', { hint: 'remove it' });
      }
      if (user.no_create_home && (user.ssh_authorized_keys?.length ?? 0) > 0)
        report([...at, 'ssh_authorized_keys'], 'has no place without a home folder', {
          hint: 'remove no_create_home',
        });
      if (user.lock_passwd === false && user.hashed_passwd === undefined)
        report([...at, 'lock_passwd'], 'is false, and there is no password', { hint: 'add hashed_passwd' });
      if (sudoRules(user).length > 0 && !isRootBySudo(user)) report([...at, 'sudo'], `is not available: ${NO_SUDO}`);
      else if (isRootBySudo(user) && (disable_root || (user.ssh_authorized_keys?.length ?? 0) === 0))
        report([...at, 'sudo'], 'has no effect: the image has no sudo, and nobody is root here without a key', {
          severity: 'warning',
          hint: disable_root ? 'remove disable_root' : 'give the user ssh_authorized_keys',
        });
    }
    if (disable_root && ssh_authorized_keys.length > 0)
      report(['disable_root'], 'shuts out root, whom ssh_authorized_keys lets in', {
        hint: 'give the keys to a user in users, or remove disable_root',
      });
  },

  function passwordsOverSsh({ ssh_pwauth, ...given }, report) {
    if (ssh_pwauth !== true) return;
    if (
      !usersOf(given).some(
        ({ user }) => typeof user !== 'string' && user.hashed_passwd !== undefined && user.lock_passwd === false,
      )
    )
      report(['ssh_pwauth'], 'is true, and no user has a password', {
        hint: 'give a user hashed_passwd and lock_passwd: false, or remove it',
      });
  },

  function authorities({ ca_certs: { trusted = [], remove_defaults } = {} }, report) {
    if (remove_defaults === true && trusted.length === 0)
      report(['ca_certs', 'remove_defaults'], 'is true, and trusted names no others: no server is trusted by HTTPS', {
        severity: 'warning',
        hint: 'add the certificates of your authority to trusted',
      });
  },

  function fileList({ write_files: files = [] }, report) {
    const written = new Set<string>();
    files.forEach(({ path, append, content = '', encoding }, i) => {
      const why = notWritable(path) ?? ofTheMachine(path, append === true);
      if (why) report(['write_files', i, 'path'], why.message, { hint: why.hint });
      if (!append && written.has(path))
        report(['write_files', i, 'path'], `the file "${path}" is here twice`, {
          hint: 'keep one of them, or append: true',
        });
      written.add(path);
      const result = writtenContent(content, encoding);
      if (typeof result === 'string')
        report(['write_files', i, 'content'], result, { hint: `encoding is ${encoding}` });
    });
  },

  function filesAndFolders({ write_files: files = [] }, report) {
    placesRule(new Set(), kindInImages)(files, report);
  },

  function diskList({ disk_setup = {}, fs_setup = [], mounts = [] }, report) {
    for (const [device, { layout, overwrite }] of Object.entries(disk_setup)) {
      if (layout) report(['disk_setup', device, 'layout'], 'must be false, as partitions are not made');
      if (overwrite)
        report(['disk_setup', device, 'overwrite'], 'must be false: data that is there is never overwritten', {
          hint: 'clear the disk by hand',
        });
      const part = fs_setup.findIndex(made => isPartition(made.device, device));
      if (part >= 0)
        report(
          ['fs_setup', part, 'device'],
          `"${fs_setup[part]?.device}" is a partition of ${device}, and none are made`,
          {
            hint: `write device: ${device}: an extra disk is taken as a whole`,
          },
        );
      else if (!fs_setup.some(made => made.device === device))
        report(['disk_setup', device], 'has no file system', { hint: 'add it to fs_setup' });
    }
    const used = new Map<string, string>();
    fs_setup.forEach(({ device, label, overwrite }, i) => {
      if (overwrite)
        report(['fs_setup', i, 'overwrite'], 'must be false: data that is there is never overwritten', {
          hint: 'clear the disk by hand',
        });
      for (const [key, value] of [
        ['device', device],
        ['label', label],
      ] as const) {
        if (used.has(`${key} ${value}`)) report(['fs_setup', i, key], `the ${key} "${value}" is here twice`);
        used.set(`${key} ${value}`, value);
      }
      if (!mounts.some(([what]) => what === device || what === `LABEL=${label}`))
        report(['fs_setup', i, 'device'], 'is not mounted', { hint: `add to mounts: [LABEL=${label}, /var/${label}]` });
    });
    const places = new Set<string>();
    mounts.forEach((mount, i) => {
      const [what, where, type = 'auto', options = 'defaults', dump = '0', pass = '0'] = mount;
      if (what === undefined || where === undefined) {
        report(['mounts', i], 'must be [what, where], such as [LABEL=data, /var/data]');
        return;
      }
      if (!fs_setup.some(({ device, label }) => what === device || what === `LABEL=${label}`))
        report(['mounts', i, 0], `"${what}" is no device or LABEL=… of fs_setup`, {
          hint: 'only extra disks of fs_setup are mounted',
        });
      if (type !== 'auto' && type !== 'ext4') report(['mounts', i, 2], `must be ext4, not "${type}"`);
      if (!/^\/(var\/[^/].*|mnt|srv|opt|media)$/.test(where) || where.split('/').includes('..'))
        report(['mounts', i, 1], `must be a folder below /var, or /mnt, /srv, /opt or /media, not "${where}"`, {
          hint: 'the root is read-only',
        });
      const other = options.split(',').find(option => !/^(defaults|noatime|nofail|auto|rw)$/.test(option.trim()));
      if (other !== undefined)
        report(['mounts', i, 3], `the option "${other}" is not available`, {
          hint: 'extra disks are mounted with noatime, and a missing one does not stop the node (nofail)',
        });
      if (dump !== '0') report(['mounts', i, 4], `must be 0, not "${dump}"`, { hint: 'nothing dumps here' });
      if (!/^[012]$/.test(pass)) report(['mounts', i, 5], `must be 0, 1 or 2, not "${pass}"`);
      if (places.has(where)) report(['mounts', i, 1], `"${where}" is here twice`);
      places.add(where);
    });
  },
];

/** `/dev/sdb1`, `/dev/nvme0n1p1`, `/dev/disk/by-id/…-part1` of a disk. */
function isPartition(device: string, disk: string): boolean {
  if (!device.startsWith(disk)) return false;
  const rest = device.slice(disk.length);
  if (disk.startsWith('/dev/disk/')) return /^-part\d+$/.test(rest);
  return /\d$/.test(disk) ? /^p\d+$/.test(rest) : /^\d+$/.test(rest);
}

/** What is written from sections of the configuration, and which. */
const ofSections: Readonly<Record<string, string>> = {
  '/etc/atoll/config.yaml': 'the section atoll',
  '/etc/atoll/registries.yaml': 'atoll.registries',
  '/etc/atoll/upgrade.json': 'atoll.upgrade',
  '/etc/atoll/no-server': 'atoll.role',
  '/etc/atoll/no-agent': 'atoll.disable-agent',
  '/etc/atoll/ssh': 'ssh_authorized_keys and ssh_pwauth',
  '/etc/localtime': 'timezone',
  '/etc/resolv.conf': 'nameservers of network-config',
};
const accountFiles = /^\/etc\/(?:passwd|group|shadow|gshadow)$/;
/** Folders of the machine: as a file, each of them stops what works in it. */
export const machineFolders =
  /^(?:\/etc\/(?:atoll|cni|containerd|ssh|ssl|systemd|sysctl\.d|modules-load\.d|modprobe\.d|udev)|\/var\/(?:cache|home|lib|log|roothome|spool|tmp)|\/var\/lib\/(?:cni|containerd|kubelet|systemd)|\/run\/(?:atoll|containerd|lock|netns|systemd|udev))$/;

/** Why a file that can be written must not be, or not as a whole. */
function ofTheMachine(path: string, append: boolean): { readonly message: string; readonly hint: string } | undefined {
  const section = Object.hasOwn(ofSections, path) ? ofSections[path] : undefined;
  if (section !== undefined) return { message: `"${path}" is written from ${section}`, hint: `use ${section}` };
  if (machineFolders.test(path)) return { message: `"${path}" is a folder of the machine`, hint: 'name a file in it' };
  if (accountFiles.test(path) && !append)
    return {
      message: `"${path}" would be without the users the machine needs`,
      hint: 'use users, or append: true',
    };
  return undefined;
}

/** What Atoll keeps (docs/contracts.md), and what of it is for people to put something into. */
export const ownState =
  /^\/run\/atoll\/|^\/var\/lib\/atoll(?:$|\/(?:agent|config|server|ssh|upgrade|written|reset-requested)(?:\/|$))/;
const forPeople = /^\/var\/lib\/atoll\/(?:agent\/images|server\/(?:manifests|logs))\/./;

/** Why no file can be written there, or none should; undefined: it can. */
export function notWritable(path: string): { readonly message: string; readonly hint: string } | undefined {
  if (/^\/(?:proc|sys|dev)(?:\/|$)/.test(path))
    return { message: `"${path}" is the kernel's`, hint: 'use machine.sysctls, or a command in bootcmd' };
  if (/^\/(?:boot|efi)(?:\/|$)/.test(path))
    return { message: `"${path}" is the loader's`, hint: 'it is part of the image' };
  if (path === '/etc/machine-id' || path === '/var/lib/atoll/machine-id')
    return {
      message: `"${path}" is who this machine is`,
      hint: 'it is made at the first boot: atoll reset makes another',
    };
  if (ownState.test(path) && !forPeople.test(path))
    return { message: `"${path}" is Atoll's own`, hint: 'use the keys of the section atoll' };
  if (/^\/(?:etc|var|run|root|tmp)\/./.test(path)) return undefined;
  return {
    message: `"${path}" is on the read-only root`,
    hint: 'write below /etc (new at every boot), /var, /run, /tmp or /root',
  };
}

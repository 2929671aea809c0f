/**
 * What Raspberry Pi Imager writes is taken as it comes. The documents are in the words of rpi-imager 2.0's generator (the first) and
 * of what its version 2.0.10 was seen to write (the others), with every field of its wizard filled in.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { machineOf } from './needs.ts';
import { wpaSupplicant } from './needsOfNetwork.ts';
import { readConfig } from './read.ts';
import { render } from './render/index.ts';
import type { DocumentName } from './types.ts';

/** An image for Raspberry Pi, which has what Wi-Fi needs. */
const raspberryPi = machineOf({ passwd: '', group: '', shadow: '', gshadow: '' }, path => path === wpaSupplicant);
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me@laptop';
const always = `hostname: press-7
manage_etc_hosts: true
packages:
- avahi-daemon
apt:
  preserve_sources_list: true
  conf: |
    Acquire {
      Check-Date "false";
    };
timezone: Europe/London
keyboard:
  model: pc105
  layout: "gb"
`;
const withKeys = `#cloud-config
${always}users:
- name: me
  groups: users,adm,dialout,audio,netdev,video,plugdev,cdrom,games,input,gpio,spi,i2c,render,sudo
  shell: /bin/bash
  lock_passwd: true
  ssh_authorized_keys:
    - ${key}
  sudo: ALL=(ALL) NOPASSWD:ALL
enable_ssh: true
ssh_pwauth: false
`;
const withPassword = `#cloud-config
manage_resolv_conf: false

${always}user:
  name: me
  shell: /bin/bash
  lock_passwd: false
  passwd: "$y$jB5$abcdefghijklmnopqrstu.$abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP0"
ssh_pwauth: true
runcmd:
  - [ systemctl, enable, --now, ssh ]
`;
const countryOnly = `#cloud-config
manage_resolv_conf: false

${always}runcmd:
  - [ rfkill, unblock, wifi ]
  - [ sh, -c, "for f in /var/lib/systemd/rfkill/*:wlan; do echo 0 > \\"$f\\"; done" ]
`;
const wifi = (access: string): string => `network:
  version: 2
  ethernets:
    eth0:
      dhcp4: true
      dhcp6: true
      optional: true
  wifis:
    wlan0:
      dhcp4: true
      regulatory-domain: "GB"
      access-points:
        "hall 2":
${access}      optional: true
`;
const hidden = wifi(
  '          hidden: true\n          password: "b1b7cc4dd077d74bc3a830ebad9cd885add86ada76f183e6343667a3f70f93b9"\n',
);

function read(documents: Partial<Record<DocumentName, string>>) {
  const bytes = Object.fromEntries(Object.entries(documents).map(([name, text]) => [name, Buffer.from(text)]));
  const { config, problems } = readConfig([{ source: 'esp', location: 'the card', documents: bytes }], raspberryPi);
  assert.ok(config, problems.map(({ path, message }) => `${path}: ${message}`).join('\n'));
  return { ...render(config), warnings: problems.map(({ path }) => path) };
}
const metaData = 'instance-id: rpi-imager-1783287924709\n';

describe('what Raspberry Pi Imager writes', () => {
  it('a user with a key: the user, and root, as Imager’s user may become root without a password', () => {
    const { rendered, warnings } = read({ 'user-data': withKeys, 'meta-data': metaData, 'network-config': hidden });
    assert.equal(rendered.hostname, 'press-7');
    assert.equal(rendered.timezone, 'Europe/London');
    assert.deepEqual(rendered.ssh, { passwords: false });
    const found = rendered.users?.map(({ name, shell, keys }) => ({ name, shell, keys }));
    assert.deepEqual(found, [
      { name: 'root', shell: '/bin/sh', keys: [key] },
      { name: 'me', shell: '/bin/sh', keys: [key] },
    ]);
    assert.deepEqual(warnings, ['packages']);
    const supplicant = rendered.files.find(({ path }) => /wpa_supplicant.*wlan0/.test(path));
    assert.match(
      String(supplicant?.content),
      /country=GB\n[\s\S]*ssid="hall 2"\n[\s\S]*scan_ssid=1\n[\s\S]*psk=b1b7cc4d/,
    );
  });

  it('a user with a password, as 2.0.10 has it', () => {
    const { rendered } = read({ 'user-data': withPassword, 'meta-data': metaData });
    assert.deepEqual(rendered.ssh, { passwords: true });
    const [me] = rendered.users ?? [];
    assert.equal(me?.name, 'me');
    assert.match(me?.passwordHash ?? '', /^\$y\$/);
  });

  it('only a name and a country', () => {
    const { rendered } = read({ 'user-data': countryOnly, 'meta-data': metaData });
    assert.equal(rendered.runcmd.length, 2);
    assert.equal(rendered.ssh, undefined);
  });

  for (const open of ['          password: ""\n', '          auth:\n            key-management: none\n'])
    it(`an open network, by ${open.trim().split('\n', 1)[0]}`, () => {
      const { rendered } = read({ 'network-config': wifi(open) });
      const supplicant = rendered.files.find(({ path }) => /wpa_supplicant.*wlan0/.test(path));
      assert.match(String(supplicant?.content), /key_mgmt=NONE/);
      assert.doesNotMatch(String(supplicant?.content), /psk/);
    });

  it('root shut out by disable_root stays out', () => {
    const { rendered, warnings } = read({ 'user-data': `${withKeys}disable_root: true\n` });
    assert.deepEqual(
      rendered.users?.map(({ name }) => name),
      ['me'],
    );
    assert.deepEqual(warnings, ['packages', 'users[0].sudo']);
  });
});

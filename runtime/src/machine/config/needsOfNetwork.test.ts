/** What a network needs: on a workstation a warning, on the machine an error with its place. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { machineOf } from './needs.ts';
import { wpaSupplicant } from './needsOfNetwork.ts';
import { readConfig } from './read.ts';
import { problemOf } from './testing/lines.ts';

const wifi = 'version: 2\nwifis: {wlan0: {access-points: {site: {password: "12345678"}}}}\n';
const tls =
  'version: 2\nethernets: {eth0: {auth: {key-management: 802.1x, method: tls, identity: me, ca-certificate: /etc/ca.pem, client-certificate: /etc/c.pem, client-key: /etc/k.pem}}}\n';
const has =
  (...files: readonly string[]) =>
  (path: string): boolean =>
    files.includes(path);

function said(network: string, userData: string, exists?: (path: string) => boolean): readonly string[] {
  const machine = exists && machineOf({ passwd: '', group: '', shadow: '', gshadow: '' }, exists);
  const documents = {
    'user-data': Buffer.from(`#cloud-config\n${userData}\n`),
    'network-config': Buffer.from(network),
  };
  const { config, problems } = readConfig([{ source: 'esp', location: 'test', documents }], machine);
  assert.equal(
    config === undefined,
    problems.some(({ severity }) => severity === 'error'),
  );
  return problems.map(problemOf);
}

describe('what a network needs', () => {
  it('the program, where the image is not known: a warning', () => {
    assert.deepEqual(said(wifi, ''), [
      '2:16 warning: wifis.wlan0 a wireless network needs wpa_supplicant, which only the images for Raspberry Pi have → take one of them, or one of your own with the package wpasupplicant',
    ]);
  });
  it('the program on a machine: an error with its place', () => {
    assert.deepEqual(said(wifi, '', has()), [
      '2:16 wifis.wlan0 a wireless network needs wpa_supplicant, which this image does not have → take an image with the package wpasupplicant',
    ]);
    assert.deepEqual(said(wifi, '', has(wpaSupplicant)), []);
  });
  it('the certificates of a login', () => {
    const written = (...paths: readonly string[]): string =>
      `write_files: [${paths.map(path => `{path: ${path}}`).join(', ')}]`;
    assert.deepEqual(said(tls, written('/etc/c.pem'), has(wpaSupplicant)), [
      '2:94 ethernets.eth0.auth.ca-certificate there is no file "/etc/ca.pem" on this machine: the node does not get in without it → add it to write_files',
      '2:151 ethernets.eth0.auth.client-key there is no file "/etc/k.pem" on this machine: the node does not get in without it → add it to write_files',
    ]);
    assert.deepEqual(said(tls, written('/etc/c.pem'), has(wpaSupplicant, '/etc/ca.pem', '/etc/k.pem')), []);
    assert.deepEqual(said(tls, written('/etc/c.pem', '/etc/ca.pem', '/etc/k.pem')), [
      '2:26 warning: ethernets.eth0.auth a login to a switch (802.1X) needs wpa_supplicant, which only the images for Raspberry Pi have → take one of them, or one of your own with the package wpasupplicant',
    ]);
  });
});

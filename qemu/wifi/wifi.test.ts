/**
 * configs/wifi for real: an image with simulated radios (mac80211_hwsim). One radio is the node's wlan0; the other, in a network namespace
 * of its own, is the access point the example names, with a DHCP server behind it. Not in `make test`, as it needs an image with another
 * kernel: `make test-wifi`.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { artefactPaths } from '../../builder/src/paths.ts';
import { AtollNode } from '../src/node.ts';
import { Disks } from '../test/configDisks.ts';
import { assertInForce, example, minutes, patient, until } from '../test/examples.ts';
import { diskBytes, imageMachine } from '../test/image.ts';

const { raw } = artefactPaths('vm-wifi');

const accessPoint = `network={
  ssid="hall-2"
  mode=2
  frequency=2412
  key_mgmt=WPA-PSK
  proto=RSN
  pairwise=CCMP
  psk="change-me-please"
}
`;
const leases = `interface wlan1
start 192.0.2.100
end 192.0.2.100
lease_file /run/leases
pidfile /run/udhcpd.pid
option subnet 255.255.255.0
option router 192.0.2.1
option dns 192.0.2.1
`;

describe('a node on a wireless network', { timeout: 20 * minutes }, () => {
  let disks: Disks;
  let node: AtollNode;
  before(async () => {
    if (!existsSync(raw)) throw new Error(`${raw} does not exist: make test-wifi builds it`);
    disks = await Disks.make();
    node = await AtollNode.start({
      ...imageMachine('wifi'),
      disks: [{ file: await disks.flashed(example('wifi'), raw), sizeBytes: diskBytes }],
      memoryMiB: 768,
    });
  });
  after(async () => {
    await node?.[Symbol.asyncDispose]();
    await disks?.[Symbol.asyncDispose]();
  });
  const guest = (command: string) => node.machine.shell.output(command, patient);
  const joined = async (): Promise<void> => {
    await until(node.machine, 'wlan0 has an address', async () =>
      /192\.0\.2\.100\/24/.test(await guest('/usr/bin/ip -br -4 addr show dev wlan0')),
    );
    await until(node.machine, 'networkd is content with wlan0', async () =>
      /\swlan0\s+wlan\s+routable\s+configured/.test(await guest('networkctl list --no-legend --no-pager')),
    );
  };

  it('is Ready by its cable, before there is any radio', async () => {
    assert.equal(await node.ready(), 'cart-3');
    await assertInForce(node.machine);
    assert.match(await guest('networkctl list --no-legend --no-pager'), /\sen\S+\s+ether\s+routable\s+configured/);
    assert.equal(
      await node.kubectlOutput(['get', 'nodes', '-o', 'jsonpath={.items[0].metadata.labels.network}']),
      'wireless',
    );
    assert.equal(await guest('stat -c %a /etc/wpa_supplicant/wlan0.conf'), '600');
    assert.doesNotMatch(
      await guest('systemctl list-jobs --no-legend --no-pager'),
      /wlan0/,
      'the boot waits for a radio',
    );
  });

  it('joins the network when its adapter appears, and has an address', async () => {
    const file = (path: string, text: string): string =>
      `echo ${Buffer.from(text).toString('base64')} | base64 -d > ${path}`;
    await guest(
      [
        file('/run/ap.conf', accessPoint),
        file('/run/udhcpd.conf', leases),
        'touch /run/leases',
        '/usr/bin/ip netns add ap',
        'modprobe mac80211_hwsim radios=2',
        'iw phy $(cat /sys/class/net/wlan1/phy80211/name) set netns name ap',
        '/usr/bin/ip -n ap addr add 192.0.2.1/24 dev wlan1',
        '/usr/bin/ip netns exec ap wpa_supplicant -B -i wlan1 -D nl80211 -c /run/ap.conf',
        '/usr/bin/ip netns exec ap busybox udhcpd -S /run/udhcpd.conf',
      ].join(' && '),
    );
    await joined();
    assert.equal(await guest('systemctl is-active atoll-wpa-wlan0.service'), 'active');
    const status = await guest('wpa_cli -p /run/wpa_supplicant -i wlan0 status');
    assert.match(status, /^ssid=hall-2$/m);
    assert.match(status, /^wpa_state=COMPLETED$/m);
    assert.match(status, /^key_mgmt=WPA2-PSK$/m);
    // The kernel changes the country while it joins.
    await until(node.machine, 'the radio is in DE', async () => /^country DE:/m.test(await guest('iw reg get')));
    await guest('ping -c 2 -W 5 -I wlan0 192.0.2.1');
  });

  it('prefers the cable', async () => {
    // The network behind the cable leads nowhere, so its own route tells its metric.
    assert.match(await guest('/usr/bin/ip route show'), /^10\.0\.2\.0\/24 dev en\S+ .*metric 100/m);
    assert.match(await guest('/usr/bin/ip route show default'), /via 192\.0\.2\.1 dev wlan0 .*metric 600/);
  });

  it('joins again when the adapter has been away', async () => {
    const radio = await guest('cat /sys/class/net/wlan0/phy80211/name');
    await guest('iw dev wlan0 del');
    await until(node.machine, 'nothing runs for an interface that is not there', async () =>
      /^inactive$/.test(await guest('systemctl is-active atoll-wpa-wlan0.service || true')),
    );
    await guest(`iw phy ${radio} interface add wlan0 type managed`);
    await joined();
    await guest('ping -c 2 -W 5 -I wlan0 192.0.2.1');
  });

  it('keeps the passphrase to itself', async () => {
    assert.equal(await guest('journalctl -b | grep -c change-me-please || true'), '0');
  });
});

/** What a network becomes means what netplan's own files mean, for every network of the table; differences are named here. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { documentOf, read, type Section, sectionsOf } from '../src/machine/config/network/testing/document.ts';
import { goodNetworks } from '../src/machine/config/network/testing/good.ts';
import { type Netplan, netplan } from './netplan.ts';

/** Where Atoll does something else, and why. */
const onPurpose = new Map([
  ['a VRF', "netplan sends a VRF's routes out of the VRF itself, where the kernel finds no gateway"],
  ['a default route to a link-local router', 'networkd makes the gateway on-link by itself, with a warning'],
]);

describe('the real netplan', { concurrency: 2 }, () => {
  let real: Netplan;
  before(async () => {
    real = await netplan();
  });

  for (const [what, devices] of goodNetworks) {
    if (onPurpose.has(what)) continue;
    it(what, async () => {
      const theirs = new Map<string, string>();
      for (const [path, { content }] of await real.generate(documentOf(devices))) {
        const name = /\/(?:10-netplan-|netplan\/wpa-)(.+\.(?:network|netdev|link|conf))$/.exec(`/${path}`)?.[1];
        // The supplicant's is called by the key; ours by the interface, as its unit is.
        const ownName = /set-name: (\w+)/.exec(devices)?.[1];
        const called = ownName !== undefined && name?.endsWith('.conf') ? `${ownName}.conf` : name;
        if (called !== undefined && !path.includes('system/')) theirs.set(called, content);
      }
      const ours = new Map<string, string>();
      for (const { path, content } of read(documentOf(devices)).rendered?.files ?? []) {
        const name = /\/(?:50-|wpa_supplicant\/)(.+\.(?:network|netdev|link|conf))$/.exec(path)?.[1];
        if (name !== undefined) ours.set(name, content.toString());
      }
      assert.deepEqual([...ours.keys()].sort(), [...theirs.keys()].sort());
      for (const [name, content] of ours) {
        assert.deepEqual(
          ourMeaning(sectionsOf(content), devices),
          theirMeaning(sectionsOf(theirs.get(name) ?? ''), devices),
          name,
        );
      }
    });
  }
});

/** Sections that describe one thing each; of others, the settings count wherever they stand. */
const separate = ['Route', 'RoutingPolicyRule', 'Address', 'WireGuardPeer', 'network'];

/** A file as a set of lines, in one spelling. */
/** networkd and the kernel forget the MTU a bridge was made with; `.network` sets it afterwards, in both. */
const withoutBridgeMtu = ({ name, settings }: Section): Section =>
  name === 'NetDev' && settings.some(([key, value]) => key === 'Kind' && value === 'bridge')
    ? { name, settings: settings.filter(([key]) => key !== 'MTUBytes') }
    : { name, settings };

function lines(
  sections: readonly Section[],
  readText: (value: string) => string,
  spell: (line: string) => readonly string[],
): string[] {
  const found = sections.map(withoutBridgeMtu).flatMap(({ name, settings }) => {
    const all = settings
      .map(([key, value]) => `${name}.${key}=${spelled(key, readText(value))}`)
      .flatMap(spell)
      .sort();
    if (name === 'Address') {
      const [only, ...more] = all;
      if (more.length === 0 && only !== undefined) return [only.replace('Address.', 'Network.')];
    }
    return separate.includes(name) ? [all.join(' ')] : all;
  });
  return [...new Set(found)].filter(line => line !== '').sort();
}

/** Switches are yes or no, texts of wpa_supplicant without their escapes. */
function spelled(key: string, value: string): string {
  if (key === 'AllSlavesActive') return value === '1' ? 'yes' : value === '0' ? 'no' : value;
  if (/^(true|yes|on)$/.test(value)) return 'yes';
  if (/^(false|no|off)$/.test(value) && key !== 'WakeOnLan') return 'no';
  if (key === 'AllowedIPs' || key === 'Domains') return value.split(/[ ,]/).sort().join(' ');
  if (key === 'PermanentMACAddress' || key === 'MACAddress') return value.toLowerCase();
  if (key === 'wowlan_triggers') return value.split(' ').sort().join(' ');
  const text = /^"(.*)"$/.exec(value)?.[1];
  return text ?? value;
}

/** `P"Caf\xc3\xa9"`, as wpa_supplicant reads it. netplan writes letters as they are, and a backslash too. */
function withoutEscapes(value: string): string {
  const text = /^P"(.*)"$/.exec(value)?.[1];
  if (text === undefined) return value;
  const bytes = text.replace(/\\x([0-9a-f]{2})|\\(.)/g, (_, hex: string | undefined, character: string) =>
    hex === undefined ? character : String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** What Atoll says besides (docs/network.md: "Where Atoll differs"). */
const besides = new Set([
  'Link.RequiredForOnline=no',
  'Link.NamePolicy=keep kernel database onboard slot path',
  'Link.MACAddressPolicy=persistent',
  'Link.WakeOnLan=off',
  'Network.KeepConfiguration=dynamic-on-stop',
  'Network.IPv6AcceptRA=yes',
  'Network.IPv6AcceptRA=no',
  'Network.ConfigureWithoutCarrier=yes',
  'Network.ConfigureWithoutCarrier=no',
  'Network.IPv6PrivacyExtensions=no',
  'Bond.AllSlavesActive=no',
  'DHCPv4.UseMTU=yes', // the default, and without effect beside an MTU
  'DHCPv4.ClientIdentifier=mac',
  'DHCPv4.ClientIdentifier=duid',
  'DHCPv4.UseDomains=yes',
  'DHCPv6.UseDomains=yes',
  'IPv6AcceptRA.UseDomains=yes',
  'IPv6AcceptRA.RouteMetric=200',
  'IPv6AcceptRA.RouteMetric=600',
  'Match.Kind=!*',
  'Match.Type=ether',
  '.ap_scan=0',
]);

/** netplan leaves these to the kernel, so that Atoll's answer to them is its own. */
const unsaid = /accept-ra|ignore-carrier/;

function ourMeaning(sections: readonly Section[], devices: string): string[] {
  return lines(sections, withoutEscapes, line => {
    if (unsaid.test(devices) && /IPv6AcceptRA=no|ConfigureWithoutCarrier=yes/.test(line)) return [line];
    if (line.startsWith('network.freq_list=')) return frequencyList(line);
    // wpa_supplicant takes WPA3's password from either.
    if (line.startsWith('network.sae_password=')) return [line.replace('sae_password', 'psk')];
    return besides.has(line) ? [] : [line];
  });
}

function theirMeaning(sections: readonly Section[], devices: string): string[] {
  const dhcp = sections.flatMap(({ settings }) => settings.filter(([key]) => key === 'DHCP')).at(0)?.[1];
  const raw = (value: string): string => /^P"(.*)"$/.exec(value)?.[1]?.replaceAll('\\"', '"') ?? value;
  return lines(sections, raw, line => {
    if (unsaid.test(devices) && /IPv6AcceptRA=no|ConfigureWithoutCarrier=yes/.test(line)) return [line];
    if (line.startsWith('network.freq_list=')) return frequencyList(line);
    // On a cable there are no keys to agree on, whatever EAP proved.
    if (line === 'network.key_mgmt=WPA-EAP' && devices.startsWith('ethernets')) return ['network.key_mgmt=IEEE8021X'];
    if (line.startsWith('Network.IPv6Token=')) return [line.replace('Network.IPv6Token', 'IPv6AcceptRA.Token')];
    if (line.startsWith('Link.OptionalAddresses=')) return []; // Nothing waits for an address.
    const [, setting = ''] = /^DHCP\.(.*)$/.exec(line) ?? [];
    if (setting === '') return besides.has(line) ? [] : [line];
    // [DHCP] is an old name for [DHCPv4] and, for what DHCPv6 knows, [DHCPv6].
    const both = /^(UseDNS|UseDomains|UseNTP|UseHostname|SendHostname|Hostname)=/.test(setting);
    return [
      ...(dhcp === 'yes' || dhcp === 'ipv4' ? [`DHCPv4.${setting}`] : []),
      ...(both && dhcp !== 'ipv4' ? [`DHCPv6.${setting}`] : []),
    ].filter(one => !besides.has(one));
  });
}

/** Atoll asks for the channels that access points announce themselves on; netplan for those between them too. */
const frequencyList = (line: string): string[] => (line.includes(' ') ? ['network.freq_list=of the band'] : [line]);

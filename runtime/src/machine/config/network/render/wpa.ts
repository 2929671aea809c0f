/** wpa_supplicant's configuration of one interface, and the service that runs it. wpa_supplicant.conf(5) */
import { frequencies } from '../frequencies.ts';
import type { AccessPoint, Authentication, Wifi } from '../schema/physical.ts';

/** What cannot stand in quotes is written in C's escapes (P"…"). */
function quoted(text: string): string {
  if (/^[ !#-[\]-~]*$/.test(text)) return `"${text}"`;
  const escaped = [...Buffer.from(text)].map(byte => {
    const character = String.fromCharCode(byte);
    if (character === '"' || character === '\\') return `\\${character}`;
    return byte >= 0x20 && byte < 0x7f ? character : `\\x${byte.toString(16).padStart(2, '0')}`;
  });
  return `P"${escaped.join('')}"`;
}

type Lines = readonly (readonly [key: string, value: string | number | undefined])[];

const network = (lines: Lines): string =>
  ['network={', ...lines.flatMap(([key, value]) => (value === undefined ? [] : [`  ${key}=${value}`])), '}\n'].join(
    '\n',
  );

const head = (comment: string): string => `# ${comment}\nctrl_interface=/run/wpa_supplicant\n`;

export function wirelessConfiguration(comment: string, wifi: Wifi): string {
  const reasons = (wifi.wakeonwlan ?? []).filter(reason => reason !== 'default');
  return [
    head(comment),
    reasons.length > 0 ? `wowlan_triggers=${reasons.join(' ')}\n` : '',
    wifi['regulatory-domain'] === undefined ? '' : `country=${wifi['regulatory-domain']}\n`,
    ...Object.entries(wifi['access-points'] ?? {}).map(([ssid, point]) => network(accessPoint(ssid, point))),
  ].join('');
}

export function wiredConfiguration(comment: string, auth: Authentication): string {
  return `${head(comment)}ap_scan=0\n${network(authentication(auth, '802.1x'))}`;
}

function accessPoint(ssid: string, point: AccessPoint): Lines {
  const adhoc = point.mode === 'adhoc';
  const channels = point.band === undefined ? undefined : frequencies(point.band);
  const chosen = point.channel === undefined ? undefined : channels?.get(point.channel);
  return [
    ['ssid', quoted(ssid)],
    ['bssid', point.bssid?.toLowerCase()],
    ['scan_ssid', point.hidden ? 1 : undefined],
    ['mode', adhoc ? 1 : undefined],
    ['frequency', adhoc ? chosen : undefined],
    ['freq_list', adhoc ? undefined : (chosen ?? (channels && [...channels.values()].join(' ')))],
    ...(point.password === undefined || point.password === ''
      ? authentication(point.auth ?? {}, 'eap')
      : anyPersonal(point.password)),
  ];
}

/** A password alone: whatever the access point speaks, from WPA2 to WPA3. */
const anyPersonal = (password: string): Lines => [
  ['key_mgmt', 'WPA-PSK WPA-PSK-SHA256 SAE'],
  ['ieee80211w', 1],
  ['psk', presharedKey(password)],
];

/** 64 hexadecimal digits are the key itself; a passphrase is taken up to the last quote, without escapes. */
const presharedKey = (password: string): string => (/^[0-9a-f]{64}$/i.test(password) ? password : `"${password}"`);

/** How keys are agreed on, and whether management frames must be protected (802.11w: 1 may, 2 must). */
const managements = {
  none: ['NONE', undefined],
  psk: ['WPA-PSK', undefined],
  'psk-sha256': ['WPA-PSK WPA-PSK-SHA256', 1],
  sae: ['SAE', 2],
  eap: ['WPA-EAP', undefined],
  'eap-sha256': ['WPA-EAP WPA-EAP-SHA256', 1],
  'eap-suite-b-192': ['WPA-EAP-SUITE-B-192', 2],
  '802.1x': ['IEEE8021X', undefined],
} as const;

function authentication(auth: Authentication, enterprise: 'eap' | '802.1x'): Lines {
  const management = auth['key-management'] ?? (auth.method === undefined ? 'none' : enterprise);
  const [words, protection] = managements[management === 'eap' ? enterprise : management];
  const personal = management === 'psk' || management === 'psk-sha256';
  return [
    ['key_mgmt', words],
    ['ieee80211w', protection],
    ['eap', auth.method?.toUpperCase()],
    ['identity', text(auth.identity)],
    ['anonymous_identity', text(auth['anonymous-identity'])],
    ['psk', personal && auth.password !== undefined ? presharedKey(auth.password) : undefined],
    ['sae_password', management === 'sae' ? text(auth.password) : undefined],
    ['password', personal || management === 'sae' ? undefined : text(auth.password)],
    ['ca_cert', text(auth['ca-certificate'])],
    ['client_cert', text(auth['client-certificate'])],
    ['private_key', text(auth['client-key'])],
    ['private_key_passwd', text(auth['client-key-password'])],
    ['phase2', auth['phase2-auth'] === undefined ? undefined : `"auth=${auth['phase2-auth']}"`],
  ];
}

const text = (value: string | undefined): string | undefined => (value === undefined ? undefined : quoted(value));

export const wpaSupplicant = '/usr/sbin/wpa_supplicant';

/** Nothing waits for it: the node is Ready without a radio. It comes and goes with the interface. */
export function supplicantUnit(
  comment: string,
  name: string,
  configuration: string,
  driver: 'nl80211' | 'wired',
): string {
  const device = `sys-subsystem-net-devices-${escapeUnit(name)}.device`;
  return `# ${comment}
[Unit]
Description=Lets ${name} into its network
Documentation=man:wpa_supplicant(8)
BindsTo=${device}
After=${device}
StartLimitIntervalSec=0

[Service]
Type=simple
ExecStart=${wpaSupplicant} -c ${configuration} -i ${name} -D ${driver}
Restart=on-failure
RestartSec=2
RestartSteps=5
RestartMaxDelaySec=30
`;
}

export const unitName = (name: string): string => `atoll-wpa-${escapeUnit(name)}.service`;

/** systemd.unit(5): "String escaping for inclusion in unit names". Interfaces have letters, digits and `_.@-`. */
const escapeUnit = (name: string): string =>
  name.replace(/[^A-Za-z0-9:_.]|^\./g, character => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);

/** After `80-net-setup-link.rules`, which gives the interface the `NAME` that {@link supplicantRule} asks for. */
export const rulesPath = '/etc/udev/rules.d/85-atoll-wpa.rules';

/**
 * All that starts the service: the interface at boot, one that appears later (a USB adapter, a driver that is slow), and, as cards are
 * announced again when these rules come, one that has been there before. A start asked for without the interface would wait for it,
 * and the boot with it, until it fails after 90 s.
 */
export const supplicantRule = (name: string): string =>
  `SUBSYSTEM=="net", ACTION!="remove", NAME=="${name}", TAG+="systemd", ENV{SYSTEMD_WANTS}+="${unitName(name).replaceAll('\\', '\\\\')}"\n`;

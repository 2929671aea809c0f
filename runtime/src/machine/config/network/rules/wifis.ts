import type { Report } from '../../types.ts';
import type { Devices } from '../devices.ts';
import { frequencies } from '../frequencies.ts';
import type { AccessPoint, Authentication } from '../schema/physical.ts';

/** wpa_supplicant can join: there is a network, and what it asks of the node is there. */
export function wifiRules({ all }: Devices, report: Report): void {
  for (const device of all) {
    if (device.section === 'ethernets' && device.value.auth) {
      const at = ['ethernets', device.id, 'auth'];
      if (device.name === undefined)
        report(at, 'needs the name of the interface, by which wpa_supplicant works, and match does not say it', {
          hint: 'add set-name: lan0 beside match, or use the name of the interface as the key, such as eth0',
        });
      authRule(device.value.auth, at, 'wired', report);
    }
    if (device.section !== 'wifis') continue;
    const { id, value } = device;
    const points = Object.entries(value['access-points'] ?? {});
    if (points.length === 0)
      report(['wifis', id, ...(value['access-points'] ? ['access-points'] : [])], 'needs a network in access-points', {
        hint: 'write access-points: {"name of the network": {password: "..."}}',
      });
    for (const [ssid, point] of points) accessPointRule(point, ['wifis', id, 'access-points', ssid], report);
    const reasons = value.wakeonwlan ?? [];
    if (reasons.includes('default') && reasons.length > 1)
      report(['wifis', id, 'wakeonwlan'], 'has "default", which stands alone');
  }
}

type Path = readonly string[];

function accessPointRule(point: AccessPoint, path: Path, report: Report): void {
  if (point.password !== undefined) {
    if (point.auth !== undefined)
      report([...path, 'password'], 'cannot be used together with auth', { hint: 'move it into auth' });
    // Imager's and netplan's word for a network that is open.
    else if (point.password !== '') passphrase(point.password, [...path, 'password'], report);
  }
  if (point.auth) authRule(point.auth, [...path, 'auth'], 'wireless', report);
  if (point.channel !== undefined) {
    if (point.band === undefined)
      report([...path, 'channel'], 'needs band: channels of both bands have the same numbers');
    else if (!frequencies(point.band).has(point.channel))
      report([...path, 'channel'], `is no channel of the band ${point.band}: ${point.channel}`);
  }
  if (point.mode === 'adhoc' && point.channel === undefined)
    report([...path, 'mode'], 'needs band and channel: nobody else chooses them in an adhoc network');
}

/** IEEE 802.11, annex J: 8 to 63 printable ASCII characters, or the key itself. */
function passphrase(password: string, path: Path, report: Report): void {
  if (/^[0-9a-f]{64}$/i.test(password)) return;
  if (!/^[ -~]*$/.test(password)) report(path, 'must be of printable ASCII characters');
  else if (password.length < 8) report(path, `is too short: ${password.length} characters, at least 8 are needed`);
  else if (password.length > 63)
    report(path, `is too long: ${password.length} characters, at most 63, or 64 hexadecimal digits`);
}

const personal: readonly string[] = ['psk', 'psk-sha256', 'sae'];

function authRule(auth: Authentication, path: Path, where: 'wired' | 'wireless', report: Report): void {
  const management =
    auth['key-management'] ?? (auth.method === undefined ? 'none' : where === 'wired' ? '802.1x' : 'eap');
  for (const [key, value] of Object.entries(auth))
    if (typeof value === 'string' && hasControls(value)) report([...path, key], 'must not have control characters');
  const at = [...path, 'key-management'];
  if (where === 'wired' && (personal.includes(management) || management.startsWith('eap-')))
    report(at, `is for wireless networks: "${management}"`, { hint: 'write 802.1x' });
  else if (where === 'wireless' && management === '802.1x')
    report(at, 'is for wired ports: "802.1x"', { hint: 'write eap' });
  else if (personal.includes(management)) personalRule(management, auth, path, report);
  else if (management !== 'none') enterpriseRule(auth, path, report);
  else if (auth.password !== undefined)
    report([...path, 'password'], 'is not used: key-management says none', { hint: 'write psk or sae' });
}

const hasControls = (text: string): boolean => [...text].some(character => character < ' ' || character === '\x7f');

function personalRule(management: string, auth: Authentication, path: Path, report: Report): void {
  if (auth.password === undefined) report(path, `needs password: key-management is ${management}`);
  else if (management !== 'sae') passphrase(auth.password, [...path, 'password'], report);
  else if (auth.password === '') report([...path, 'password'], 'must not be empty');
  if (auth.method !== undefined) report([...path, 'method'], `is for eap, not for ${management}`);
}

function enterpriseRule(auth: Authentication, path: Path, report: Report): void {
  const { method } = auth;
  if (method === undefined) {
    report(path, 'needs method: tls, peap, ttls, leap or pwd');
    return;
  }
  const needed: readonly (keyof Authentication)[] =
    method === 'tls' ? ['identity', 'client-certificate', 'client-key'] : ['identity', 'password'];
  for (const key of needed) if (auth[key] === undefined) report(path, `needs ${key}: the method is ${method}`);
  if (auth['ca-certificate'] === undefined && ['tls', 'peap', 'ttls'].includes(method))
    report(path, 'has no ca-certificate: anybody can pretend to be this network', {
      severity: 'warning',
      hint: 'name the file with the certificates to trust',
    });
}

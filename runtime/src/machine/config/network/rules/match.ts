import type { Report } from '../../types.ts';
import { type Devices, isPhysical } from '../devices.ts';

/** What chooses a physical device chooses something, and no two choose the same by its address. */
export function matchRules({ all }: Devices, report: Report): void {
  const byAddress = new Map<string, string>();
  for (const device of all) {
    if (!isPhysical(device)) continue;
    const { section, id, value } = device;
    const { match } = value;
    if (section === 'wifis' && match !== undefined)
      report([section, id, 'match'], 'cannot be used with wifis: wpa_supplicant works by the name of the interface', {
        hint: 'use the name of the interface as the key, such as wlan0',
      });
    if (match === undefined) {
      if (value['set-name'] !== undefined)
        report([section, id, 'set-name'], 'needs match: it renames what match finds', {
          hint: 'add match: {macaddress: ...}',
        });
      continue;
    }
    const drivers = typeof match.driver === 'string' ? [match.driver] : (match.driver ?? []);
    if (match.name === undefined && match.macaddress === undefined && drivers.length === 0)
      report([section, id, 'match'], 'must say name, macaddress or driver: this matches every interface');
    const findsSeveral = match.name === undefined ? drivers.length > 0 : /[*?[]/.test(match.name);
    if (value['set-name'] !== undefined && match.macaddress === undefined && findsSeveral)
      report([section, id, 'set-name'], 'is the name of one interface, and match may find several', {
        severity: 'warning',
        hint: 'choose the interface by macaddress, where the machine has more than one such',
      });
    if (match.macaddress === undefined) continue;
    const address = match.macaddress.toLowerCase();
    const other = byAddress.get(address);
    if (other !== undefined)
      report([section, id, 'match', 'macaddress'], `is also that of ${other}: "${match.macaddress}"`);
    else byAddress.set(address, `${section}.${id}`);
  }
}

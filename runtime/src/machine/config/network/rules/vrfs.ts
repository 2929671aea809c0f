import type { Report } from '../../types.ts';
import type { Devices } from '../devices.ts';

/** Tables with a meaning of their own: default, main and local. */
const RESERVED = [253, 254, 255];

/** A VRF has a table of its own, and its routes are in it. */
export function vrfRules({ all }: Devices, report: Report): void {
  const tables = new Map<number, string>();
  for (const device of all) {
    if (device.section !== 'vrfs') continue;
    const { id, value } = device;
    const other = tables.get(value.table);
    if (RESERVED.includes(value.table))
      report(['vrfs', id, 'table'], `must be a table of its own, not the kernel's ${value.table}`);
    else if (other !== undefined)
      report(['vrfs', id, 'table'], `is already the table of vrfs.${other}: ${value.table}`);
    else tables.set(value.table, id);
    for (const key of ['routes', 'routing-policy'] as const)
      for (const [index, { table }] of (value[key] ?? []).entries())
        if (table !== undefined && table !== value.table)
          report(['vrfs', id, key, index, 'table'], `must be that of the VRF, ${value.table}, not ${table}`, {
            hint: 'leave it out',
          });
  }
}

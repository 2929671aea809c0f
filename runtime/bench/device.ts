/** How the daemons run on the device, so that figures taken on a workstation are those of the same settings. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const units = new URL('../../rootfs/overlay/usr/lib/systemd/system/', import.meta.url);

/** `Environment=` lines of a unit file: one assignment each, without quotes (systemd.exec(5) allows more; ours have no more). */
export function environmentOf(unit: string): Record<string, string> {
  const assignments = [...unit.matchAll(/^Environment=([A-Za-z_]\w*)=(.*)$/gm)];
  return Object.fromEntries(assignments.map(([, name = '', value = '']) => [name, value]));
}

/** The environment that atoll-server.service gives the control plane. */
export function serverEnvironment(): Record<string, string> {
  return environmentOf(readFileSync(fileURLToPath(new URL('atoll-server.service', units)), 'utf8'));
}

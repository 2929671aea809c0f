/** How the daemons run on the device, so that figures taken on a workstation are those of the same settings. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface DaemonSettings {
  /** Flags of Node.js and V8, before the script. */
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

const units = new URL('../../rootfs/overlay/usr/lib/systemd/system/', import.meta.url);

/**
 * Of a unit file: `Environment=` with one assignment without quotes a line, and `ExecStart=…/node FLAG… SCRIPT`
 * (systemd.exec(5) and systemd.service(5) allow more; ours have no more).
 * @throws Error if it does not start Node.js
 */
export function settingsOf(unit: string): DaemonSettings {
  const assignments = [...unit.matchAll(/^Environment=([A-Za-z_]\w*)=(.*)$/gm)];
  const [, flags] = /^ExecStart=\S*\/node((?: -\S+)*) [^-\s]/m.exec(unit) ?? [];
  if (flags === undefined) throw new Error('the unit does not start Node.js: it has no ExecStart=…/node FLAG… SCRIPT');
  return {
    flags: flags.split(' ').filter(flag => flag !== ''),
    environment: Object.fromEntries(assignments.map(([, name = '', value = '']) => [name, value])),
  };
}

/** How atoll-server.service runs the control plane. */
export function serverSettings(): DaemonSettings {
  return settingsOf(readFileSync(fileURLToPath(new URL('atoll-server.service', units)), 'utf8'));
}

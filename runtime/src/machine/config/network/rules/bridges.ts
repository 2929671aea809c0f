import type { Report } from '../../types.ts';
import { type Devices, milliseconds } from '../devices.ts';

/** What the kernel takes, in seconds (IEEE 802.1D). */
const limits = [
  ['hello-time', 1, 10],
  ['max-age', 6, 40],
  ['forward-delay', 2, 30],
] as const;

/** Settings of ports are of ports the bridge has, and its times are those of the spanning tree protocol. */
export function bridgeRules({ all }: Devices, report: Report): void {
  for (const device of all) {
    if (device.section !== 'bridges') continue;
    const { id, value } = device;
    const { parameters = {}, interfaces = [] } = value;
    const at = (...path: string[]) => ['bridges', id, 'parameters', ...path];
    for (const key of ['port-priority', 'path-cost'] as const)
      for (const port of Object.keys(parameters[key] ?? {}))
        if (!interfaces.includes(port)) report(at(key, port), `is not among the interfaces of the bridge: "${port}"`);
    for (const [key, least, most] of limits) {
      const time = parameters[key];
      if (time === undefined || (key === 'forward-delay' && parameters.stp === false)) continue;
      const seconds = milliseconds(time, 1000) / 1000;
      if (seconds < least || seconds > most)
        report(at(key), `must be from ${least} to ${most} seconds, not ${seconds}`);
    }
  }
}

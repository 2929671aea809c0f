/** Two pods on a node cannot have the same port of the host. */
import type { FilterPlugin, Refusal } from '../plugin.ts';
import { type HostPort, hostPortsOf } from '../snapshot.ts';

const refusal: Refusal = { reasons: ["node(s) didn't have free ports for the requested pod ports"] };
const ANY = '0.0.0.0';

const collide = (a: HostPort, b: HostPort): boolean =>
  a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === ANY || b.ip === ANY);

export const nodePorts: FilterPlugin = {
  name: 'NodePorts',
  prepare: pod => {
    const wanted = hostPortsOf(pod);
    if (wanted.length === 0) return undefined;
    return ({ hostPorts }) =>
      wanted.some(port => hostPorts.some(taken => collide(port, taken))) ? refusal : undefined;
  },
};

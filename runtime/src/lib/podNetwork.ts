/** What both the node and its network know of the pod network without asking each other. */

/** The bridge pods are attached to. */
export const DEFAULT_BRIDGE = 'cni0';

/** The bridge's own address: the first of the range. `10.42.0.0/24` → `10.42.0.1`. @throws Error when it is not an IPv4 range. */
export function gatewayOf(podCidr: string): string {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(podCidr);
  if (!match) throw new Error(`${podCidr} is not an IPv4 range like 10.42.0.0/24`);
  const [a = 0, b = 0, c = 0, d = 0] = match.slice(1).map(Number);
  return `${a}.${b}.${c}.${d + 1}`;
}

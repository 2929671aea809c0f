/** The machine's own addresses, and word of their changes. */
import { type FSWatcher, watch } from 'node:fs';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { type Clock, systemClock } from '../lib/clock.ts';

/** Bridges and virtual interfaces of pods and containers: nobody outside reaches the machine by these. */
const VIRTUAL = /^(cni|veth|docker|br-|virbr|dummy|flannel|wg)/;

/** Addresses others can reach this machine by: not of loopback, pods or links; IPv4 first, in the order of the interfaces. */
export function hostAddresses(
  interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>> = networkInterfaces(),
): string[] {
  const all = Object.entries(interfaces)
    .filter(([name]) => !VIRTUAL.test(name))
    .flatMap(([, list]) => list ?? [])
    .filter(a => !a.internal && !a.address.startsWith('fe80:') && !a.address.startsWith('169.254.'));
  return [...all.filter(a => a.family === 'IPv4'), ...all.filter(a => a.family === 'IPv6')].map(a => a.address);
}

/** systemd-networkd replaces a file here at every change of a link: leases, carriers, routes. */
const NETWORKD_LINKS = '/run/systemd/netif/links';
/** A lease makes several changes at once. */
const SETTLE_MS = 300;

/**
 * Calls back after the machine's addresses have changed; ends with `signal`. Where networkd does not run (a development host)
 * addresses are taken not to change.
 */
export function onAddressChange(callback: () => void, signal: AbortSignal, clock: Clock = systemClock): void {
  let last = hostAddresses().join();
  let cancel = (): void => undefined;
  let watcher: FSWatcher;
  const look = (): void => {
    const now = hostAddresses().join();
    if (now === last) return;
    last = now;
    callback();
  };
  try {
    watcher = watch(NETWORKD_LINKS, () => {
      cancel();
      cancel = clock.after(SETTLE_MS, look);
    });
  } catch {
    return;
  }
  watcher.on('error', () => watcher.close());
  signal.addEventListener(
    'abort',
    () => {
      cancel();
      watcher.close();
    },
    { once: true },
  );
}

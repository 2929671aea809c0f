/**
 * Reads the host ports QEMU chose out of its monitor's `info usernet`. Asking for port 0 and reading back is the only way
 * without a race: a port found free beforehand may be taken by the time QEMU binds it.
 *
 * @param usernet the table the monitor prints, one connection a line:
 *   `  TCP[HOST_FORWARD]  12       127.0.0.1 38423       10.0.2.15  6443     0     0`
 * @returns guest port → host port
 */
export function forwardedPorts(usernet: string): Map<number, number> {
  const ports = new Map<number, number>();
  for (const [, host, guest] of usernet.matchAll(/TCP\[HOST_FORWARD\]\s+\d+\s+\S+\s+(\d+)\s+\S+\s+(\d+)/g)) {
    ports.set(Number(guest), Number(host));
  }
  return ports;
}

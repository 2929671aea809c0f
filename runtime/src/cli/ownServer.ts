/** Where this machine's own server is, for what runs beside it. */
import { parseIp } from '../api/ip.ts';

/**
 * @param bindAddress `0.0.0.0`, `::`: all of them; then the loopback address, which never changes
 * @returns `https://127.0.0.1:6443`
 */
export function ownServerUrl(bindAddress: string, port: number): string {
  const ip = parseIp(bindAddress);
  if (!ip || ip.bits === 0n) return `https://127.0.0.1:${port}`;
  return `https://${ip.family === 6 ? `[${ip.canonical}]` : ip.canonical}:${port}`;
}

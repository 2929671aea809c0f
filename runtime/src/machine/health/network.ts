/**
 * Whether this machine's own network works, when a server does not answer: is it the way out that is missing, or the other end?
 * Judged by who has answered in this boot: a neighbour's link-layer address is known only when it did (ARP, NDP).
 */
import { isIP } from 'node:net';
import { printed } from './units.ts';

const ANSWERED = new Set(['REACHABLE', 'STALE', 'DELAY', 'PROBE', 'PERMANENT']);

/**
 * Why an attempt to connect failed, by Node's error codes: `refused` by somebody who is there, `silent`, `untrusted`, or `unresolved`: nobody says what
 * address the name has, which is this machine's resolver's fault as likely as anybody's.
 */
export function failureOf(error: unknown): 'refused' | 'silent' | 'untrusted' | 'unresolved' {
  const codes: string[] = [];
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ('code' in cause && typeof cause.code === 'string') codes.push(cause.code);
  if (codes.includes('ECONNREFUSED') || codes.includes('ECONNRESET')) return 'refused';
  if (codes.some(code => code === 'ENOTFOUND' || code.startsWith('EAI_'))) return 'unresolved';
  if (codes.some(code => /CERT|SSL|TLS|SIGNATURE|ALTNAME/.test(code))) return 'untrusted';
  return 'silent';
}

/** `ip -json neigh` and `ip -json route get`, read leniently. */
export function jsonRows(text: string): Record<string, unknown>[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.filter(row => typeof row === 'object' && row !== null) : [];
  } catch {
    return [];
  }
}

/** Somebody on the link that leads to `address` has answered. @param devices that lead there; none: any */
export function linkAnswers(neighbours: readonly Record<string, unknown>[], devices: readonly string[]): boolean {
  return neighbours.some(row => {
    if (typeof row.dev !== 'string' || (devices.length > 0 && !devices.includes(row.dev))) return false;
    return Array.isArray(row.state) && row.state.some(state => ANSWERED.has(String(state)));
  });
}

/** @param host of the server: an address, or a name (then any link to a default route counts) */
export async function networkWorks(host: string): Promise<boolean> {
  const routes = jsonRows(
    await printed('ip', ['-json', ...(isIP(host) !== 0 ? ['route', 'get', host] : ['route', 'show', 'default'])]),
  );
  const devices = routes.flatMap(({ dev }) => (typeof dev === 'string' ? [dev] : []));
  if (devices.length === 0) return false;
  return linkAnswers(jsonRows(await printed('ip', ['-json', 'neigh'])), devices);
}

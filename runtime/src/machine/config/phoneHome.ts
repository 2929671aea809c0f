/** cloud-init's phone_home: a form with what was asked for, posted once an instance, with retries. */
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { delay, systemClock } from '../../lib/clock.ts';
import { hostKeyPath, readPublicLine } from './hostKeys.ts';
import { shownUrl } from './sources/url.ts';
import type { PhoneHome } from './types.ts';

const silenceMs = 10_000;

/** Where the facts are; a test has its own. */
export interface FactSources {
  readonly hostName: string;
  readonly hosts: string;
  readonly hostKey: string;
}
const ofThisMachine = (): FactSources => ({ hostName: hostname(), hosts: '/etc/hosts', hostKey: hostKeyPath });

/** What cloud-init posts for a key that is not there. */
const ABSENT = 'N/A';

/** @param folder the generation in force @returns the exit code */
export async function phoneHome(
  folder: string,
  say: (text: string) => void,
  { hostName, hosts, hostKey }: FactSources = ofThisMachine(),
): Promise<number> {
  const { url, post, tries } = JSON.parse(readFileSync(join(folder, 'phone-home.json'), 'utf8')) as PhoneHome;
  // The SSH server has the one key.
  const facts: Readonly<Record<string, string | undefined>> = {
    pub_key_rsa: undefined,
    pub_key_ecdsa: undefined,
    pub_key_ed25519: readPublicLine(hostName, hostKey),
    instance_id: readFileSync(join(folder, 'instance'), 'utf8').trim(),
    hostname: hostName,
    fqdn: fullName(hosts) ?? hostName,
  };
  const names = post === 'all' ? Object.keys(facts) : post;
  const body = new URLSearchParams(names.map((name): [string, string] => [name, facts[name] ?? ABSENT])).toString();
  for (let attempt = 0; attempt < tries; attempt++) {
    if (attempt > 0) await delay(Math.min(1000 * 2 ** attempt, 30_000), undefined, systemClock);
    try {
      await send(url, body);
      return 0;
    } catch (error) {
      say(
        `phone_home, attempt ${attempt + 1} of ${tries}: ${shownUrl(url)}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
  return 1;
}

/** The machine's first name in /etc/hosts, where `fqdn` and `hostname` have put it. */
function fullName(hosts: string): string | undefined {
  try {
    return /^127\.0\.1\.1\s+(\S+)/m.exec(readFileSync(hosts, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

function send(url: string, body: string): Promise<void> {
  const request = url.startsWith('https:') ? httpsRequest : httpRequest;
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', headers, timeout: silenceMs, agent: false }, response => {
      response.resume();
      const status = response.statusCode ?? 0;
      response.on('end', () => (status < 300 ? resolve() : reject(new Error(`HTTP ${status}`))));
      response.on('error', reject);
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer for ${silenceMs / 1000} s`)));
    sent.on('error', reject);
    sent.end(body);
  });
}

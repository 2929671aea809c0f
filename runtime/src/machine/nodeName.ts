/**
 * The node's name. It is kept at the first join: an address, a host name or a DHCP server that changes later makes no other node of
 * it. A name that is given wins; given for the first time on a node that had another, it is a new node.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { makeDirectory, readFileIfExists, writeFileIfChanged } from '../lib/files.ts';

export interface NodeNameOptions {
  /** The agent's. */
  readonly directory: string;
  /** `--node-name`. */
  readonly given: string | undefined;
  /** The host's, of this moment. */
  readonly hostName: string;
  /** Adds the first digits of a hash of this to the name: `machine-id(5)`; undefined: the name as it is. */
  readonly machineId: string | undefined;
}

/** @throws Error when the name, given or the host's, is no DNS name */
export async function nodeNameOf({ directory, given, hostName, machineId }: NodeNameOptions): Promise<string> {
  const path = join(directory, 'node-name');
  const kept = given === undefined ? ((await keptName(path)) ?? (await certifiedName(directory))) : undefined;
  const name = kept ?? withId(dnsName(given ?? hostName), machineId);
  await makeDirectory(directory, 0o700);
  await writeFileIfChanged(path, `${name}\n`);
  return name;
}

async function keptName(path: string): Promise<string | undefined> {
  const text = (await readFileIfExists(path))?.toString('utf8').trim();
  return text !== undefined && isDnsName(text) ? text : undefined;
}

/** Of a node that joined before its name was kept. */
async function certifiedName(directory: string): Promise<string | undefined> {
  try {
    const pem = await readFileIfExists(join(directory, 'node.crt'));
    const name = pem && /^CN=system:node:(.+)$/m.exec(new X509Certificate(pem).subject)?.[1];
    return name && isDnsName(name) ? name : undefined;
  } catch {
    return undefined;
  }
}

const withId = (name: string, machineId: string | undefined): string =>
  machineId === undefined ? name : `${name}-${createHash('sha256').update(machineId).digest('hex').slice(0, 8)}`;

const isDnsName = (name: string): boolean =>
  name.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name);

/** RFC 1123 subdomain, as Kubernetes wants names of nodes; host names may have capitals. */
function dnsName(text: string): string {
  const name = text.toLowerCase();
  if (!isDnsName(name)) {
    const error = new Error(
      `the node name "${text}" is not a DNS name (lower-case letters, digits, "-", "."); set another with --node-name`,
    );
    error.name = 'NodeNameError';
    throw error;
  }
  return name;
}

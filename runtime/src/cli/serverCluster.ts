/** What the options of `serverClusterOptions.ts` say, checked: everything that is wrong is said before anything is opened. */
import { chown, readFile } from 'node:fs/promises';
import { cidrContains, parseCidr, parseIp } from '../api/ip.ts';
import { type ControllerSettings, controllerArguments } from '../controllers/arguments.ts';
import { hostAddresses } from '../machine/addresses.ts';
import { parseToken } from '../machine/token.ts';
import { UsageError, type Values } from './command.ts';

export interface ClusterSettings {
  readonly podCidr: string;
  readonly serviceCidr: string;
  readonly nodePorts: { readonly first: number; readonly last: number };
  readonly domain: string;
  /** Names and addresses the API's certificate needs for them. */
  readonly names: readonly string[];
  readonly controllers: ControllerSettings;
  readonly scheduler: boolean;
  readonly controllerManager: boolean;
  readonly disabled: readonly string[];
  /** Given ones; else where the machine is now. */
  readonly addresses: () => readonly string[];
  readonly advertisedAddress: () => string | undefined;
  readonly advertisedPort: number;
  readonly kubeconfigMode: number;
  /** Its id. */
  readonly kubeconfigGroup: number | undefined;
}

/** The service account issuer where none is given. */
export const issuerOf = (domain: string): string => `https://kubernetes.default.svc.${domain}`;

/** @throws UsageError */
export async function clusterOf(values: Values, port: number): Promise<ClusterSettings> {
  const podCidr = ipv4Range(values, 'cluster-cidr', 8, 24);
  const serviceCidr = ipv4Range(values, 'service-cidr', 8, 30);
  const [pods, services] = [parseCidr(podCidr), parseCidr(serviceCidr)];
  if (pods && services && (cidrContains(pods, services.ip) || cidrContains(services, pods.ip)))
    throw new UsageError(`--service-cidr: ${serviceCidr} shares addresses with --cluster-cidr ${podCidr}`);
  const domain = values.one('cluster-domain');
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(domain))
    throw new UsageError(`--cluster-domain: "${domain}" is not a DNS domain such as cluster.local`);
  const { settings, problems } = controllerArguments(values.each('kube-controller-manager-arg'));
  if (problems[0] !== undefined) throw new UsageError(`--kube-controller-manager-arg: ${problems[0]}`);
  const given = addressesOf(values, 'node-ip');
  const advertised = values.optional('advertise-address');
  if (advertised !== undefined && !parseIp(advertised))
    throw new UsageError(`--advertise-address: "${advertised}" is not an IP address`);
  const addresses = (): readonly string[] => (given.length > 0 ? given : hostAddresses());
  return {
    podCidr,
    serviceCidr,
    nodePorts: portRange(values),
    domain,
    names: [`kubernetes.default.svc.${domain}`, firstOf(serviceCidr)],
    controllers: settings,
    scheduler: !isOn(values, 'disable-scheduler'),
    controllerManager: !isOn(values, 'disable-controller-manager'),
    disabled: values.many('disable'),
    addresses,
    advertisedAddress: () => advertised ?? addresses()[0],
    advertisedPort: values.has('advertise-port') ? values.integer('advertise-port', 1, 65_535) : port,
    kubeconfigMode: modeOf(values),
    kubeconfigGroup: await groupOf(values),
  };
}

export const isOn = (values: Values, name: string): boolean => values.optional(name) === 'true';

/** IP addresses of a repeated option. @throws UsageError */
export function addressesOf(values: Values, name: string): readonly string[] {
  const given = values.many(name);
  for (const address of given)
    if (!parseIp(address)) throw new UsageError(`--${name}: "${address}" is not an IP address`);
  return given;
}

export function ipv4Range(values: Values, name: string, shortest: number, longest: number): string {
  const text = values.one(name);
  const range = parseCidr(text);
  if (range?.ip.family !== 4 || range.beyond || range.length < shortest || range.length > longest)
    throw new UsageError(
      `--${name}: "${text}" is not an IPv4 range from a /${shortest} to a /${longest}, such as 10.42.0.0/16`,
    );
  return range.canonical;
}

/** The n-th address of an IPv4 range. */
export function addressOf(range: string, n: number): string {
  const first = parseCidr(range)?.first ?? 0n;
  const bits = first + BigInt(n);
  return [24n, 16n, 8n, 0n].map(shift => String((bits >> shift) & 255n)).join('.');
}
const firstOf = (range: string): string => addressOf(range, 1);

function portRange(values: Values): { first: number; last: number } {
  const text = values.one('service-node-port-range');
  const [, from, to] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (!(first >= 1 && last <= 65_535 && first <= last))
    throw new UsageError(`--service-node-port-range: "${text}" is not FIRST-LAST with ports from 1 to 65535`);
  return { first, last };
}

function modeOf(values: Values): number {
  const text = values.one('write-kubeconfig-mode');
  if (!/^0?[0-7]{3}$/.test(text))
    throw new UsageError(`--write-kubeconfig-mode: "${text}" is not permissions in octal such as 0640`);
  return Number.parseInt(text, 8);
}

async function groupOf(values: Values): Promise<number | undefined> {
  const name = values.optional('write-kubeconfig-group');
  if (name === undefined) return undefined;
  if (/^\d+$/.test(name)) return Number(name);
  const groups = await readFile('/etc/group', 'utf8');
  const id = groups
    .split('\n')
    .map(line => line.split(':'))
    .find(([known]) => known === name)?.[2];
  if (id === undefined) throw new UsageError(`--write-kubeconfig-group: there is no group ${name}`);
  return Number(id);
}

export async function setGroup(path: string, group: number | undefined): Promise<void> {
  if (group !== undefined) await chown(path, 0, group);
}

/** The secret of `--NAME` or of the file of `--NAME-file`. @throws UsageError, TokenError */
export async function secretOf(values: Values, name: 'token' | 'agent-token'): Promise<string | undefined> {
  const [given, file] = [values.optional(name), values.optional(`${name}-file`)];
  if (given !== undefined) return parseToken(given).secret;
  if (file === undefined) return undefined;
  try {
    return parseToken(await readFile(file, 'utf8')).secret;
  } catch (error) {
    if (error instanceof Error && 'code' in error)
      throw new UsageError(`--${name}-file: ${file} cannot be read: ${String(error.code)}`);
    throw error;
  }
}

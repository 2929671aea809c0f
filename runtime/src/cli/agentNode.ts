/** What the options of `agentOptions.ts` say of the node, checked: everything that is wrong is said before anything is opened. */
import { readFile } from 'node:fs/promises';
import { hasCode, readFileIfExists } from '../lib/files.ts';
import { nearest } from '../lib/nearest.ts';
import { readPlainYaml } from '../lib/plainYaml.ts';
import { type Registries, wrongHost, wrongMirror } from '../node/images/registries.ts';
import { kernelDefaults } from '../node/kernelDefaults.ts';
import { type KubeletSettings, kubeletArguments } from '../node/kubeletArguments.ts';
import type { NodeAddresses } from '../node/status/nodeStatus.ts';
import { UsageError, type Values } from './command.ts';
import { addressesOf, addressOf, ipv4Range, isOn } from './serverCluster.ts';

export interface NodeOptionsGiven {
  readonly settings: KubeletSettings;
  readonly addresses: NodeAddresses;
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  readonly resolvConf: string;
  readonly registries: Registries;
  /** Full names, and absolute paths of archives. */
  readonly images: readonly string[];
  /** False: somebody else's CNI. */
  readonly podNetwork: boolean;
}

/** The tenth address of the services, as in K3s. */
const DNS_ADDRESS = 10;

/** @throws UsageError */
export async function nodeOptionsOf(values: Values): Promise<NodeOptionsGiven> {
  const { settings, problems } = kubeletArguments(values.each('kubelet-arg'));
  if (problems[0] !== undefined) throw new UsageError(`--kubelet-arg: ${problems[0]}`);
  const backend = values.optional('flannel-backend');
  if (backend !== undefined && backend !== 'none')
    throw new UsageError(`--flannel-backend: "${backend}" is not available yet: leave it out, or none for another CNI`);
  const services = ipv4Range(values, 'service-cidr', 8, 30);
  const dns = addressesOf(values, 'cluster-dns');
  if (isOn(values, 'protect-kernel-defaults')) await checkKernel();
  return {
    settings,
    addresses: {
      internal: addressesOf(values, 'node-ip'),
      external: addressesOf(values, 'node-external-ip'),
      internalDns: values.many('node-internal-dns'),
      externalDns: values.many('node-external-dns'),
    },
    clusterDns: dns.length > 0 ? dns : [addressOf(services, DNS_ADDRESS)],
    clusterDomain: values.one('cluster-domain'),
    resolvConf: values.one('resolv-conf'),
    registries: await registriesOf(values),
    images: values.many('preload-image'),
    podNetwork: backend !== 'none',
  };
}

async function checkKernel(): Promise<void> {
  const wrong: string[] = [];
  for (const [name, wanted] of Object.entries(kernelDefaults)) {
    const value = (await readFile(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8')).trim();
    if (Number(value) !== wanted) wrong.push(`${name} is ${value}, not ${wanted}`);
  }
  if (wrong.length > 0)
    throw new UsageError(`--protect-kernel-defaults: ${wrong.join('; ')}; set them under machine: sysctls`);
}

async function registriesOf(values: Values): Promise<Registries> {
  const path = values.one('private-registry');
  const content = await readFileIfExists(path).catch((error: unknown) => {
    throw new UsageError(
      `--private-registry: ${path} cannot be read: ${hasCode(error, 'EACCES') ? 'EACCES' : String(error)}`,
    );
  });
  if (content === undefined) return {};
  const text = content.toString('utf8');
  const plain = readPlainYaml(text);
  let document: unknown;
  try {
    document = plain
      ? Object.fromEntries([...plain].map(([name, { value }]) => [name, value]))
      : (await import('yaml')).parse(text);
  } catch (error) {
    throw new UsageError(`${path}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`);
  }
  const wrong = wrongRegistries(document);
  if (wrong !== undefined) throw new UsageError(`${path}: ${wrong}`);
  return (document ?? {}) as Registries;
}

/** By hand or by K3s' tools: what is not known there must not be lost silently. */
const known: Readonly<Record<string, readonly string[]>> = {
  '': ['mirrors', 'configs'],
  mirrors: ['endpoint'],
  configs: ['auth', 'tls'],
  auth: ['username', 'password', 'auth', 'identity_token'],
  tls: ['ca_file', 'cert_file', 'key_file', 'insecure_skip_verify'],
};

function wrongRegistries(document: unknown): string | undefined {
  if (document === null || document === undefined) return undefined;
  const wrong = wrongKeys(document, '', '');
  if (wrong !== undefined) return wrong;
  const { mirrors = {}, configs = {} } = document as Registries;
  for (const [host, mirror] of Object.entries(mirrors ?? {})) {
    const path = `mirrors.${host}`;
    const no = wrongHost(host);
    if (no !== undefined) return `${path} ${no}`;
    const unknown = wrongKeys(mirror ?? {}, 'mirrors', path);
    if (unknown !== undefined) return unknown;
    const { endpoint = [] } = mirror ?? {};
    if (!Array.isArray(endpoint)) return `${path}.endpoint must be a list of URLs`;
    for (const url of endpoint) {
      const why = wrongMirror(String(url));
      if (why !== undefined) return `${path}.endpoint ${why}, not "${String(url)}"`;
    }
  }
  for (const [host, config] of Object.entries(configs ?? {})) {
    const no = wrongHost(host);
    if (no !== undefined) return `configs.${host} ${no}`;
    const { auth, tls } = config ?? {};
    const unknown =
      wrongKeys(config ?? {}, 'configs', `configs.${host}`) ??
      wrongKeys(auth ?? {}, 'auth', `configs.${host}.auth`) ??
      wrongKeys(tls ?? {}, 'tls', `configs.${host}.tls`);
    if (unknown !== undefined) return unknown;
  }
  return undefined;
}

function wrongKeys(value: unknown, what: string, path: string): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return `${path || 'it'} must be a mapping`;
  const keys = known[what] ?? [];
  for (const key of Object.keys(value)) {
    if (keys.includes(key)) continue;
    const at = path === '' ? key : `${path}.${key}`;
    if (key === 'rewrite') return `${at} is not available yet: containerd 1.7 does not rewrite names`;
    const near = nearest(key, keys);
    return `${at} is not known${near === undefined ? '' : `; did you mean ${near}?`}`;
  }
  return undefined;
}

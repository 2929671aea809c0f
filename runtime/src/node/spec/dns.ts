/** A pod's resolver configuration and hosts file (https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/). */
import type { Pod } from '../../api/generated/types/core.v1.ts';

export interface DnsConfig {
  servers: string[];
  searches: string[];
  options: string[];
}

export interface ClusterDns {
  readonly servers: readonly string[];
  readonly domain: string;
}

const MAX_SERVERS = 3;
const MAX_SEARCHES = 32;

export function parseResolvConf(text: string): DnsConfig {
  const config: DnsConfig = { servers: [], searches: [], options: [] };
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/);
    if (keyword === 'nameserver' && values[0]) config.servers.push(values[0]);
    if (keyword === 'search') config.searches = values.map(v => (v === '.' ? v : v.replace(/\.$/, '')));
    if (keyword === 'options') config.options.push(...values);
  }
  return config;
}

/** `host` is the node's own configuration. */
export function dnsConfig(pod: Pod, cluster: ClusterDns, host: DnsConfig): DnsConfig {
  const policy = pod.spec?.dnsPolicy ?? 'ClusterFirst';
  const hostNetwork = pod.spec?.hostNetwork === true;
  const clusterFirst = policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && !hostNetwork);
  const base =
    policy === 'None'
      ? { servers: [], searches: [], options: [] }
      : clusterFirst && cluster.servers.length > 0
        ? clusterConfig(pod, cluster, host)
        : withoutEmpty(host);
  const own = pod.spec?.dnsConfig;
  const options = new Map(base.options.map(o => [o.split(':')[0] ?? o, o]));
  for (const { name, value } of own?.options ?? [])
    if (name) options.set(name, value === undefined || value === '' ? name : `${name}:${value}`);
  return {
    servers: unique([...base.servers, ...(own?.nameservers ?? [])]).slice(0, MAX_SERVERS),
    searches: unique([...base.searches, ...(own?.searches ?? [])]).slice(0, MAX_SEARCHES),
    options: [...options.values()],
  };
}

function clusterConfig(pod: Pod, { servers, domain }: ClusterDns, host: DnsConfig): DnsConfig {
  const searches = [`${pod.metadata.namespace}.svc.${domain}`, `svc.${domain}`, domain, ...host.searches];
  return { servers: [...servers], searches: unique(searches), options: ['ndots:5'] };
}

/** With no resolver at all the runtime would copy the host's file; an address that refuses at once is better. */
function withoutEmpty(host: DnsConfig): DnsConfig {
  return host.servers.length > 0 ? host : { ...host, servers: ['127.0.0.1'] };
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}

/** At most 63 characters, not ending in `-` or `.`. */
export function hostnameOf(pod: Pod): string {
  const name = pod.spec?.hostnameOverride || pod.spec?.hostname || (pod.metadata.name ?? '');
  return name.slice(0, 63).replace(/[-.]+$/, '');
}

export function etcHosts(pod: Pod, podIps: readonly string[], clusterDomain: string): string {
  const hostname = hostnameOf(pod);
  const { subdomain } = pod.spec ?? {};
  const fqdn = subdomain ? `${hostname}.${subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}` : undefined;
  const lines = [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
    ...podIps.map(ip => [ip, ...(fqdn ? [fqdn] : []), hostname].join('\t')),
    ...hostAliases(pod),
  ];
  return `${lines.join('\n')}\n`;
}

export function hostAliases(pod: Pod): string[] {
  const aliases = pod.spec?.hostAliases ?? [];
  if (aliases.length === 0) return [];
  return ['', '# Entries added by HostAliases.', ...aliases.map(a => [a.ip, ...(a.hostnames ?? [])].join('\t'))];
}

/**
 * Where images come from, in the form of K3s' `registries.yaml`: mirrors and certificates become containerd's `hosts.toml`, which it
 * reads at every pull (https://github.com/containerd/containerd/blob/main/docs/hosts.md); credentials go with each pull (CRI), so
 * that containerd needs no restart and no file holds them for it.
 */
import type { AuthConfig } from '../cri/types.ts';

export interface RegistryAuth {
  readonly username?: string;
  readonly password?: string;
  /** `user:password` in base64. */
  readonly auth?: string;
  readonly identity_token?: string;
}

export interface RegistryTls {
  readonly ca_file?: string;
  readonly cert_file?: string;
  readonly key_file?: string;
  readonly insecure_skip_verify?: boolean;
}

export interface Registries {
  readonly mirrors?: Readonly<Record<string, { readonly endpoint?: readonly string[] } | null>>;
  readonly configs?: Readonly<Record<string, { readonly auth?: RegistryAuth; readonly tls?: RegistryTls } | null>>;
}

const HOST = /^[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?(:\d{1,5})?$|^\[[0-9a-fA-F:]+\](:\d{1,5})?$/;

/** What is wrong with the name of a registry; `*` is all of them. */
export const wrongHost = (host: string): string | undefined =>
  host === '*' || HOST.test(host)
    ? undefined
    : 'must be a host such as docker.io or registry.example.com:5000, without https://';

export function wrongMirror(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol)) return 'must be a URL such as https://mirror.example.com';
  if (url.username || url.password) return 'must not have a password in it: credentials go to configs';
  return url.search || url.hash ? 'must not have a query' : undefined;
}

/** `docker.io` is a name of images, this is where it is served. */
const serverOf = (registry: string): string => (registry === 'docker.io' ? 'registry-1.docker.io' : registry);
const folderOf = (registry: string): string => (registry === '*' ? '_default' : registry);
const hostOf = (endpoint: string): string => new URL(endpoint).host;

export const HEAD = '# Written by the Atoll agent from registries.yaml: changes here are lost when it starts.\n';

/**
 * `hosts.toml` by the folder of `certs.d` it belongs in.
 * @param mirrorsOnly K3s' `disable-default-registry-endpoint`: a registry with mirrors is not asked itself
 */
export function hostsFiles(registries: Registries, mirrorsOnly: boolean): Record<string, string> {
  const { mirrors = {}, configs = {} } = registries;
  const files: Record<string, string> = {};
  for (const [registry, mirror] of Object.entries(mirrors)) {
    const endpoints = mirror?.endpoint ?? [];
    const last = endpoints.at(-1);
    // containerd asks the server after all hosts; a mirror in its place leaves nobody else to ask.
    const server =
      mirrorsOnly && last !== undefined ? last : registry === '*' ? undefined : `https://${serverOf(registry)}`;
    const hosts = mirrorsOnly ? endpoints.slice(0, -1) : endpoints;
    const own = server === undefined ? undefined : configs[mirrorsOnly ? hostOf(server) : registry]?.tls;
    files[folderOf(registry)] = [
      HEAD,
      ...(server === undefined ? [] : [`server = ${quoted(apiOf(server))}\n${serverLines(server)}`]),
      tlsLines(own),
      ...hosts.map(
        endpoint => `\n[host.${quoted(apiOf(endpoint))}]\n${hostLines(endpoint, configs[hostOf(endpoint)]?.tls)}`,
      ),
      ...(hosts.length === 0 ? [NO_HOSTS] : []),
    ].join('');
  }
  for (const [registry, config] of Object.entries(configs)) {
    if (!config?.tls || files[folderOf(registry)] !== undefined || registry === '*') continue;
    const server = `server = ${quoted(`https://${serverOf(registry)}`)}\n`;
    files[registry] = `${HEAD}${server}${tlsLines(config.tls)}${NO_HOSTS}`;
  }
  return files;
}

/** containerd takes no file without it. */
const NO_HOSTS = '\n[host]\n';

const quoted = (text: string): string => JSON.stringify(text);

/** An endpoint with a path of its own: `https://harbor.example.com/v2/proxy`; containerd adds `/v2` to those without. */
const hasPath = (endpoint: string): boolean => new URL(endpoint).pathname.replace(/\/+$/, '') !== '';
const apiOf = (endpoint: string): string => endpoint.replace(/\/+$/, '');
const serverLines = (endpoint: string): string => (hasPath(endpoint) ? 'override_path = true\n' : '');
const hostLines = (endpoint: string, tls: RegistryTls | undefined): string =>
  `  capabilities = ["pull", "resolve"]\n${hasPath(endpoint) ? '  override_path = true\n' : ''}${tlsLines(tls, '  ')}`;

function tlsLines(tls: RegistryTls | undefined, indent = ''): string {
  if (!tls) return '';
  const lines: string[] = [];
  if (tls.ca_file !== undefined) lines.push(`ca = ${quoted(tls.ca_file)}`);
  if (tls.cert_file !== undefined && tls.key_file !== undefined)
    lines.push(`client = [[${quoted(tls.cert_file)}, ${quoted(tls.key_file)}]]`);
  if (tls.insecure_skip_verify) lines.push('skip_verify = true');
  return lines.map(line => `${indent}${line}\n`).join('');
}

/** The registry in an image's name. */
export function registryOf(image: string): string {
  const [first = ''] = image.split('/');
  const named = image.includes('/') && (/[.:]/.test(first) || first === 'localhost');
  return named ? (first === 'index.docker.io' ? 'docker.io' : first) : 'docker.io';
}

/**
 * Who this node is where an image may come from, in the order they are asked. Each is for its host only: containerd sends it to no
 * other.
 */
export function nodeCredentials(registries: Registries, image: string): AuthConfig[] {
  const registry = registryOf(image);
  const { mirrors = {}, configs = {} } = registries;
  const endpoints = (mirrors[registry] ?? mirrors['*'])?.endpoint ?? [];
  const asked = [...endpoints.map(endpoint => [hostOf(endpoint), endpoint] as const)];
  const own = [
    [registry, `https://${serverOf(registry)}`],
    [serverOf(registry), `https://${serverOf(registry)}`],
  ] as const;
  const found: AuthConfig[] = [];
  const seen = new Set<string>();
  for (const [host, serverAddress] of [...asked, ...own]) {
    const auth = (configs[host] ?? configs['*'])?.auth;
    if (!auth || seen.has(serverAddress)) continue;
    seen.add(serverAddress);
    found.push({ serverAddress, ...secretsOf(auth) });
  }
  return found;
}

const secretsOf = ({ username, password, auth, identity_token }: RegistryAuth): AuthConfig => ({
  ...(username === undefined ? {} : { username }),
  ...(password === undefined ? {} : { password }),
  ...(auth === undefined ? {} : { auth }),
  ...(identity_token === undefined ? {} : { identityToken: identity_token }),
});

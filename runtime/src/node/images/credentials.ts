/** Registry credentials out of a pod's image pull secrets (`kubernetes.io/dockerconfigjson` and `dockercfg`). */
import type { Pod } from '../../api/generated/types/core.v1.ts';
import type { AuthConfig } from '../cri/types.ts';
import type { NamespaceObjects } from '../spec/env.ts';

interface DockerAuth {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly identitytoken?: string;
}

/** Those that fit the image's registry, the most exact first. A secret that is missing or broken is passed over, as upstream does. */
export async function credentialsFor(pod: Pod, image: string, objects: NamespaceObjects): Promise<AuthConfig[]> {
  const found: { readonly server: string; readonly auth: AuthConfig }[] = [];
  for (const { name } of pod.spec?.imagePullSecrets ?? []) {
    const secret = name ? await objects.secret(name) : undefined;
    for (const [server, entry] of Object.entries(authsOf(secret?.data))) {
      if (matches(server, image)) found.push({ server, auth: authOf(server, entry) });
    }
  }
  return found.sort((a, b) => b.server.length - a.server.length).map(f => f.auth);
}

function authsOf(data: Readonly<Record<string, string>> | undefined): Record<string, DockerAuth> {
  try {
    const json = data?.['.dockerconfigjson'];
    if (json)
      return (
        (JSON.parse(Buffer.from(json, 'base64').toString('utf8')) as { auths?: Record<string, DockerAuth> }).auths ?? {}
      );
    const old = data?.['.dockercfg'];
    return old ? (JSON.parse(Buffer.from(old, 'base64').toString('utf8')) as Record<string, DockerAuth>) : {};
  } catch {
    return {};
  }
}

function authOf(server: string, entry: DockerAuth): AuthConfig {
  const [user, ...rest] = Buffer.from(entry.auth ?? '', 'base64')
    .toString('utf8')
    .split(':');
  const username = entry.username || user;
  const password = entry.password || rest.join(':');
  return {
    serverAddress: server,
    ...(username ? { username } : {}),
    ...(password ? { password } : {}),
    ...(entry.identitytoken ? { identityToken: entry.identitytoken } : {}),
  };
}

/** `https://index.docker.io/v1/`, `registry.example.com:5000/team`, `*.example.com` against an image's name. */
export function matches(server: string, image: string): boolean {
  const [host = '', ...path] = server
    .replace(/^https?:\/\//, '')
    .replace(/\/(v[12]\/?)?$/, '')
    .split('/');
  const first = image.split('/')[0] ?? '';
  const named = image.includes('/') && (first.includes('.') || first.includes(':') || first === 'localhost');
  const registry = named ? first : 'docker.io';
  const repository = named ? image.slice(first.length + 1) : image;
  const wanted = host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host;
  const pattern = wanted.split('.');
  const labels = registry.split('.');
  const sameHost = pattern.length === labels.length && pattern.every((p, i) => p === '*' || p === labels[i]);
  return sameHost && repository.startsWith(path.join('/'));
}

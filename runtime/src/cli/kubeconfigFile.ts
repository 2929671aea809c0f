/** Somebody's kubeconfig as a connection: the current context's cluster and user (https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/). */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import type { HttpTransportOptions } from '../client/http.ts';
import { ownKubeconfig } from '../machine/ownKubeconfig.ts';
import { UsageError } from './command.ts';

type Fields = Readonly<Record<string, unknown>>;
interface Document {
  readonly 'current-context'?: unknown;
  readonly clusters?: readonly { readonly name?: unknown; readonly cluster?: Fields }[];
  readonly users?: readonly { readonly name?: unknown; readonly user?: Fields }[];
  readonly contexts?: readonly { readonly name?: unknown; readonly context?: Fields }[];
}

/** The first that is there of: what was given, KUBECONFIG, this machine's own, `~/.kube/config`. @throws UsageError */
export function kubeconfigPath(given: string | undefined, env: Readonly<Record<string, string | undefined>>): string {
  if (given !== undefined) return given;
  const named = env.KUBECONFIG?.split(delimiter).find(path => path !== '');
  if (named !== undefined) return named;
  const usual = [ownKubeconfig(), `${env.HOME ?? homedir()}/.kube/config`];
  const found = usual.find(path => isReadable(path));
  if (found !== undefined) return found;
  throw new UsageError(
    `--node: there is no kubeconfig that may be read (${usual.join(', ')}): give one with --kubeconfig or KUBECONFIG`,
  );
}

function isReadable(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}

/** @throws UsageError saying what is missing in it */
export function readKubeconfig(path: string): HttpTransportOptions {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  let document: Document | null;
  try {
    document = parse(text) as Document | null;
  } catch (error) {
    throw new UsageError(
      `${path} is no YAML: ${error instanceof Error ? error.message.split('\n', 1)[0] : String(error)}`,
    );
  }
  const wrong = (what: string): UsageError => new UsageError(`${path}: ${what}`);
  const current = document?.['current-context'];
  const context = document?.contexts?.find(({ name }) => name === current)?.context;
  if (!context) throw wrong(`there is no context ${JSON.stringify(current ?? '')} (current-context)`);
  const cluster = document?.clusters?.find(({ name }) => name === context.cluster)?.cluster;
  const user = document?.users?.find(({ name }) => name === context.user)?.user ?? {};
  if (typeof cluster?.server !== 'string')
    throw wrong(`there is no cluster ${JSON.stringify(context.cluster ?? '')} with a server`);
  if (user.exec !== undefined || user['auth-provider'] !== undefined)
    throw wrong('its user is known by a program (exec), which is not run here: use one with a certificate or a token');
  if (cluster['insecure-skip-tls-verify'] === true)
    throw wrong('insecure-skip-tls-verify is not taken: give its certificate-authority');
  const file = (value: unknown): string => readFileSync(resolve(dirname(path), String(value)), 'utf8');
  const pem = (of: Fields, name: string): string | undefined => {
    const data = of[`${name}-data`];
    if (typeof data === 'string') return Buffer.from(data, 'base64').toString('utf8');
    return of[name] === undefined ? undefined : file(of[name]);
  };
  const [caPem, serverName] = [pem(cluster, 'certificate-authority'), cluster['tls-server-name']];
  const token =
    typeof user.token === 'string'
      ? user.token
      : user.tokenFile === undefined
        ? undefined
        : file(user.tokenFile).trim();
  return {
    server: cluster.server,
    ...(caPem === undefined ? {} : { caPem }),
    ...(typeof serverName === 'string' ? { serverName } : {}),
    credentials: { certPem: pem(user, 'client-certificate'), keyPem: pem(user, 'client-key'), token },
  };
}

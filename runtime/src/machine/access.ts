/** How this machine itself reaches the API: as the administrator where it is a server, else as its node. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { HttpTransportOptions } from '../client/http.ts';

interface KubeconfigDocument {
  readonly clusters?: readonly { readonly cluster?: Readonly<Record<string, unknown>> }[];
  readonly users?: readonly { readonly user?: Readonly<Record<string, unknown>> }[];
}

/** Our own kubeconfig's parts (cli/kubeconfig.ts): data inline, one cluster, one user. */
export function kubeconfigAccess(text: string): HttpTransportOptions {
  const document = parse(text) as KubeconfigDocument | null;
  const clusterPart = document?.clusters?.[0]?.cluster ?? {};
  const user = document?.users?.[0]?.user ?? {};
  const decoded = (value: unknown): string =>
    Buffer.from(typeof value === 'string' ? value : '', 'base64').toString('utf8');
  return {
    server: String(clusterPart.server ?? ''),
    caPem: decoded(clusterPart['certificate-authority-data']),
    credentials: {
      certPem: decoded(user['client-certificate-data']),
      keyPem: decoded(user['client-key-data']),
    },
  };
}

/** With the node's certificate; undefined when it has not joined. @param directory `/var/lib/atoll/agent` */
export function nodeAccess(directory: string, server: string): HttpTransportOptions | undefined {
  const read = (file: string): string => readFileSync(join(directory, file), 'utf8');
  try {
    return {
      server,
      caPem: read('server-ca.crt'),
      credentials: { certPem: read('node.crt'), keyPem: read('node.key') },
    };
  } catch {
    return undefined;
  }
}

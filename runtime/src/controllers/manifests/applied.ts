/**
 * What has been applied of a manifest, kept in the cluster as a ConfigMap each in kube-system, as K3s keeps an AddOn: what a file no
 * longer says is known only by it.
 */
import type { ConfigMap } from '../../api/generated/types/core.v1.ts';
import { isNotFound } from '../../client/apiError.ts';
import type { Client } from '../../client/client.ts';
import { ConfigMaps } from '../../client/resources.ts';

/** One object: where it is. */
export interface AppliedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

export interface Applied {
  /** The file's, without its extension. */
  readonly name: string;
  readonly source: string;
  /** SHA-256 of the file when all of it was applied; empty while it is not. */
  readonly checksum: string;
  readonly objects: readonly AppliedObject[];
}

const NAMESPACE = 'kube-system';
export const LABEL = 'atoll.dev/manifest';

export const recordName = (name: string): string => `manifest-${name}`;

export async function readApplied(client: Client, signal: AbortSignal): Promise<Map<string, Applied>> {
  const found = new Map<string, Applied>();
  for await (const { metadata, data } of client.listAll(ConfigMaps, {
    namespace: NAMESPACE,
    labelSelector: LABEL,
    signal,
  })) {
    const name = metadata.name?.replace(/^manifest-/, '') ?? '';
    found.set(name, {
      name,
      source: data?.source ?? '',
      checksum: data?.checksum ?? '',
      objects: parseObjects(data?.objects),
    });
  }
  return found;
}

export async function writeApplied(client: Client, applied: Applied, signal: AbortSignal): Promise<void> {
  const { name, source, checksum, objects } = applied;
  const record: ConfigMap = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: recordName(name), namespace: NAMESPACE, labels: { [LABEL]: 'applied' } },
    data: { source, checksum, objects: objects.map(object => JSON.stringify(object)).join('\n') },
  };
  const key = { namespace: NAMESPACE, name: recordName(name) };
  await client.patch(ConfigMaps, key, record, { type: 'apply', fieldManager: 'atoll-manifests', force: true, signal });
}

export async function forgetApplied(client: Client, name: string, signal: AbortSignal): Promise<void> {
  try {
    await client.delete(ConfigMaps, { namespace: NAMESPACE, name: recordName(name) }, {}, { signal });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

function parseObjects(text = ''): AppliedObject[] {
  try {
    return text
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as AppliedObject);
  } catch {
    return [];
  }
}

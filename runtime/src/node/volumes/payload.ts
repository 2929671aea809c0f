/** The files of ConfigMap, Secret, downward API and projected volumes (https://kubernetes.io/docs/concepts/storage/projected-volumes/). */
import type {
  ConfigMap,
  DownwardAPIVolumeFile,
  KeyToPath,
  Pod,
  Secret,
  Volume,
  VolumeProjection,
} from '../../api/generated/types/core.v1.ts';
import type { NamespaceObjects } from '../spec/env.ts';
import { fieldValue, type PodAddresses, resourceFieldValue } from '../spec/fieldRef.ts';
import type { Payload, ProjectedFile } from './atomicWriter.ts';
import type { Tokens } from './tokens.ts';

export interface PayloadSources {
  readonly objects: NamespaceObjects;
  readonly tokens: Pick<Tokens, 'get'>;
  readonly addresses: PodAddresses;
  readonly allocatable: Readonly<Record<string, string>>;
}

export interface VolumePayload {
  readonly files: Payload;
  /** When it must be made again though nothing changed (a token's renewal); ms since 1970. */
  readonly renewAt?: number;
}

const DEFAULT_MODE = 0o644;

export function isPayloadVolume(volume: Volume): boolean {
  return !!(volume.configMap || volume.secret || volume.downwardAPI || volume.projected);
}

/** @throws Error in upstream's words when something named is not there and not optional. */
export async function payloadOf(pod: Pod, volume: Volume, sources: PayloadSources): Promise<VolumePayload> {
  const files = new Map<string, ProjectedFile>();
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap) {
    const { defaultMode = DEFAULT_MODE, ...of } = configMap;
    return { files: await configMapFiles(pod, of, defaultMode, sources) };
  }
  if (secret) {
    const { secretName: name, defaultMode = DEFAULT_MODE, ...of } = secret;
    return { files: await secretFiles(pod, { name, ...of }, defaultMode, sources) };
  }
  if (downwardAPI)
    return { files: downwardFiles(pod, downwardAPI.items ?? [], downwardAPI.defaultMode ?? DEFAULT_MODE, sources) };
  const renewals: number[] = [];
  for (const source of projected?.sources ?? []) {
    const part = await projection(pod, source, projected?.defaultMode ?? DEFAULT_MODE, sources);
    for (const [path, file] of part.files) files.set(path, file);
    if (part.renewAt !== undefined) renewals.push(part.renewAt);
  }
  return renewals.length > 0 ? { files, renewAt: Math.min(...renewals) } : { files };
}

async function projection(
  pod: Pod,
  source: VolumeProjection,
  mode: number,
  sources: PayloadSources,
): Promise<VolumePayload> {
  if (source.configMap) return { files: await configMapFiles(pod, source.configMap, mode, sources) };
  if (source.secret) return { files: await secretFiles(pod, source.secret, mode, sources) };
  if (source.downwardAPI) return { files: downwardFiles(pod, source.downwardAPI.items ?? [], mode, sources) };
  if (source.serviceAccountToken) {
    const { token, renewAt } = await sources.tokens.get(pod, source.serviceAccountToken);
    const uid = onlyUser(pod);
    const closed = uid !== undefined || pod.spec?.securityContext?.fsGroup !== undefined;
    const file = { data: Buffer.from(token), mode: closed ? 0o600 : mode, uid };
    return { files: new Map([[source.serviceAccountToken.path, file]]), renewAt };
  }
  throw new Error(`unsupported projected volume source: ${Object.keys(source).join(', ') || 'none'}`);
}

/** The user all containers run as, who then owns the token (KEP-1205, file permission). */
export function onlyUser(pod: Pod): number | undefined {
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  const users = new Set(containers.map(c => c.securityContext?.runAsUser ?? pod.spec?.securityContext?.runAsUser));
  const [first] = users;
  return users.size === 1 ? first : undefined;
}

interface ObjectSource {
  readonly name?: string | undefined;
  readonly items?: KeyToPath[] | undefined;
  readonly optional?: boolean | undefined;
}

async function configMapFiles(pod: Pod, of: ObjectSource, mode: number, sources: PayloadSources): Promise<Payload> {
  const map = await sources.objects.configMap(of.name ?? '');
  if (!map && !of.optional) throw new Error(`configmap "${of.name}" not found`);
  const text = `${pod.metadata.namespace}/${of.name}`;
  return pick(map ? configMapData(map) : new Map(), of, mode, `configmap references non-existent config key: `, text);
}

async function secretFiles(pod: Pod, of: ObjectSource, mode: number, sources: PayloadSources): Promise<Payload> {
  const secret = await sources.objects.secret(of.name ?? '');
  if (!secret && !of.optional) throw new Error(`secret "${of.name}" not found`);
  const text = `${pod.metadata.namespace}/${of.name}`;
  return pick(secret ? secretData(secret) : new Map(), of, mode, `references non-existent secret key: `, text);
}

function configMapData(map: ConfigMap): Map<string, Buffer> {
  return new Map([
    ...Object.entries(map.data ?? {}).map(([k, v]) => [k, Buffer.from(v)] as const),
    ...Object.entries(map.binaryData ?? {}).map(([k, v]) => [k, Buffer.from(v, 'base64')] as const),
  ]);
}

function secretData(secret: Secret): Map<string, Buffer> {
  return new Map(Object.entries(secret.data ?? {}).map(([k, v]) => [k, Buffer.from(v, 'base64')]));
}

function pick(
  data: ReadonlyMap<string, Buffer>,
  of: ObjectSource,
  defaultMode: number,
  missing: string,
  text: string,
): Payload {
  if (!of.items) return new Map([...data].map(([key, value]) => [key, { data: value, mode: defaultMode }]));
  const files = new Map<string, ProjectedFile>();
  for (const { key, path, mode } of of.items) {
    const value = data.get(key);
    if (value) files.set(path, { data: value, mode: mode ?? defaultMode });
    else if (!of.optional) throw new Error(`${missing}${key} (${text})`);
  }
  return files;
}

function downwardFiles(
  pod: Pod,
  items: readonly DownwardAPIVolumeFile[],
  defaultMode: number,
  { addresses, allocatable }: PayloadSources,
): Payload {
  return new Map(
    items.map(item => {
      const text = item.fieldRef
        ? fieldValue(pod, item.fieldRef.fieldPath, addresses)
        : item.resourceFieldRef
          ? resourceFieldValue(pod, undefined, item.resourceFieldRef, allocatable)
          : '';
      return [item.path, { data: Buffer.from(text), mode: item.mode ?? defaultMode }];
    }),
  );
}

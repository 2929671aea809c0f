/**
 * The volumes of one node's pods, under `<pods>/<uid>/volumes/kubernetes.io~<kind>/<name>` as upstream; secrets and tokens under
 * `dirs.memory` (a tmpfs), so that they never reach the card.
 *
 * Always true: after `mount` every volume of the pod is there or it threw; `mount` may be repeated; after `unmount` no mount and
 * no file of the pod's volumes is left, also those of an earlier life of this process.
 */
import { chmod, chown, lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod, Volume } from '../../api/generated/types/core.v1.ts';
import { quantityValue } from '../../api/quantity.ts';
import { writePayload } from './atomicWriter.ts';
import { prepareHostPath } from './hostPath.ts';
import { mountsUnder, mountTmpfs, unmountUnder } from './mounts.ts';
import { isPayloadVolume, type PayloadSources, payloadOf } from './payload.ts';

export interface VolumeDirs {
  readonly pods: string;
  /** On a tmpfs; default `/run/atoll/volumes`. */
  readonly memory: string;
}

/** A volume that cannot be provided; the message is the event's. */
export class MountError extends Error {
  constructor(volume: string, cause: unknown) {
    super(
      `MountVolume.SetUp failed for volume "${volume}" : ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
      },
    );
    this.name = 'MountError';
  }
}

export class Volumes {
  readonly #dirs: VolumeDirs;

  constructor(dirs: VolumeDirs) {
    this.#dirs = dirs;
  }

  /**
   * Provides every volume. @returns when to call it again for a token's renewal, ms since 1970.
   * @throws MountError
   */
  async mount(pod: Pod, sources: PayloadSources): Promise<number | undefined> {
    let renewAt: number | undefined;
    for (const volume of pod.spec?.volumes ?? []) {
      try {
        const at = await this.#mountOne(pod, volume, sources);
        if (at !== undefined) renewAt = Math.min(at, renewAt ?? at);
      } catch (error) {
        throw new MountError(volume.name, error);
      }
    }
    return renewAt;
  }

  /** Brings files up to date after an object changed. @throws MountError; the files stay as they were. */
  async refresh(pod: Pod, sources: PayloadSources): Promise<number | undefined> {
    const volumes = (pod.spec?.volumes ?? []).filter(isPayloadVolume);
    return this.mount({ ...pod, spec: { containers: [], ...pod.spec, volumes } }, sources);
  }

  /** Where containers find the volume on the host. */
  hostPath(pod: Pod, volume: Volume): string {
    if (volume.hostPath) return volume.hostPath.path;
    const uid = pod.metadata.uid ?? '';
    const root = inMemory(volume) ? join(this.#dirs.memory, uid) : join(this.#dirs.pods, uid);
    return join(root, 'volumes', `kubernetes.io~${kindOf(volume)}`, volume.name);
  }

  async unmount(uid: string): Promise<void> {
    for (const root of [join(this.#dirs.pods, uid, 'volumes'), join(this.#dirs.memory, uid)]) {
      await unmountUnder(root);
      await rm(root, { recursive: true, force: true });
    }
  }

  /** Uids that have anything here, for cleaning up after a crash. */
  async uids(): Promise<string[]> {
    const lists = await Promise.all(
      [this.#dirs.pods, this.#dirs.memory].map(path => readdir(path).catch(() => [] as string[])),
    );
    return [...new Set(lists.flat())];
  }

  async #mountOne(pod: Pod, volume: Volume, sources: PayloadSources): Promise<number | undefined> {
    const path = this.hostPath(pod, volume);
    const group = pod.spec?.securityContext?.fsGroup;
    if (volume.hostPath) {
      await prepareHostPath(volume.hostPath);
      return undefined;
    }
    if (volume.emptyDir) {
      await emptyDir(path, volume, group);
      return undefined;
    }
    if (!isPayloadVolume(volume)) throw new Error(`volumes of kind ${sourceOf(volume)} are not supported yet`);
    const { files, renewAt } = await payloadOf(pod, volume, sources);
    await mkdir(path, { recursive: true });
    if (group !== undefined) await chown(path, 0, group);
    await chmod(path, group === undefined ? 0o777 : 0o2777);
    await writePayload(path, files, { group });
    return renewAt;
  }
}

async function emptyDir(path: string, volume: Volume, group: number | undefined): Promise<void> {
  const fresh = !(await lstat(path).catch(() => undefined));
  await mkdir(path, { recursive: true });
  if (volume.emptyDir?.medium === 'Memory' && (await mountsUnder(path))[0] !== path) {
    const limit = volume.emptyDir.sizeLimit;
    await mountTmpfs(path, limit ? quantityValue(limit) : undefined);
  } else if (!fresh) return;
  if (group !== undefined) await chown(path, 0, group);
  await chmod(path, group === undefined ? 0o777 : 0o2777);
}

function inMemory(volume: Volume): boolean {
  return !!volume.secret || !!volume.projected?.sources?.some(s => s.secret || s.serviceAccountToken);
}

function sourceOf(volume: Volume): string {
  return Object.keys(volume).find(key => key !== 'name') ?? 'none';
}

/** Upstream's plugin names. */
function kindOf(volume: Volume): string {
  const names: Readonly<Record<string, string>> = {
    emptyDir: 'empty-dir',
    configMap: 'configmap',
    downwardAPI: 'downward-api',
  };
  const source = sourceOf(volume);
  return names[source] ?? source;
}

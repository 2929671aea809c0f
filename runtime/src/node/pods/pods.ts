/**
 * All pods of this node: a worker for each uid that the API, the disk or the runtime knows.
 *
 * Always true: a pod has one worker; a pod that the API server did not say is gone keeps running; what the runtime has and the API
 * server, asked and answering, has not is ended and removed.
 */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../../api/generated/types/core.v1.ts';
import type { Informer } from '../../client/informer.ts';
import { writeFileAtomic } from '../../lib/files.ts';
import { watchRuntime } from '../cri/watch.ts';
import { POD_NAME, POD_NAMESPACE, POD_UID } from '../labels.ts';
import type { PodDependencies } from './dependencies.ts';
import type { Desired } from './model.ts';
import { podDirectory, uidOf } from './paths.ts';
import { PodWorker } from './worker.ts';

const RECORD = 'pod.json';

export class PodSet {
  readonly #parts: PodDependencies;
  readonly #workers = new Map<string, PodWorker>();
  readonly #recorded = new Map<string, string>();
  #synced = false;

  constructor(parts: PodDependencies) {
    this.#parts = parts;
  }

  /** Follows `pods` (this node's) and the runtime until `signal` aborts, then resolves with every worker at rest. */
  async run(pods: Informer<Pod>, signal: AbortSignal): Promise<void> {
    const { cri, clock, logger } = this.#parts.context;
    await this.#readRecords();
    const end = pods.on({
      add: pod => this.#want(pod),
      update: pod => this.#want(pod),
      delete: pod => this.#gone(pod),
    });
    void pods.synced.then(() => {
      if (signal.aborted) return;
      this.#synced = true;
      for (const worker of this.#workers.values())
        if (!this.#inApi(pods, worker)) worker.update({ pod: worker.pod, gone: true });
      return this.#findOrphans(pods);
    });
    const onPod = (uid: string): void => {
      const worker = this.#workers.get(uid);
      if (worker) worker.poke();
      else if (this.#synced) void this.#findOrphans(pods);
    };
    await watchRuntime({ cri, clock, logger, onPod }, signal);
    end();
    await Promise.all([...this.#workers.values()].map(worker => worker.close()));
    this.#workers.clear();
  }

  get(uid: string): PodWorker | undefined {
    return this.#workers.get(uid);
  }

  /** The pod as the node knows it; of two with one name the one that is not gone. */
  find(namespace: string, name: string): PodWorker | undefined {
    const found = [...this.#workers.values()].filter(
      ({ pod }) => pod.metadata.name === name && pod.metadata.namespace === namespace,
    );
    return found.find(worker => !worker.gone) ?? found[0];
  }

  /** The worker of the pod that has this container; undefined: no pod has it any more. */
  withContainer(id: string): PodWorker | undefined {
    return [...this.#workers.values()].find(worker => worker.observed.containers.some(c => c.id === id));
  }

  list(): Pod[] {
    return [...this.#workers.values()].filter(worker => !worker.gone).map(worker => worker.pod);
  }

  /** Objects that these pods hold have changed. */
  objectChanged(uids: ReadonlySet<string>): void {
    for (const uid of uids) void this.#workers.get(uid)?.objectChanged();
  }

  /** The clock has been set: tokens may have ended, and what waited for a time waits no longer. */
  clockChanged(): void {
    for (const worker of this.#workers.values()) void worker.objectChanged();
  }

  #want(pod: Pod): void {
    this.#record(pod);
    const worker = this.#workers.get(uidOf(pod));
    if (worker) worker.update({ pod, gone: false });
    else this.#start({ pod, gone: false });
  }

  #gone(pod: Pod): void {
    const worker = this.#workers.get(uidOf(pod));
    worker?.update({ pod: { ...pod, spec: worker.pod.spec ?? pod.spec }, gone: true });
  }

  #start(desired: Desired): void {
    const uid = uidOf(desired.pod);
    const worker = new PodWorker(desired, this.#parts, () => {
      this.#workers.delete(uid);
      this.#recorded.delete(uid);
    });
    this.#workers.set(uid, worker);
    worker.poke();
  }

  #inApi(pods: Informer<Pod>, worker: PodWorker): boolean {
    const { namespace, name = '' } = worker.pod.metadata;
    return pods.get(namespace, name)?.metadata.uid === worker.uid;
  }

  /** Sandboxes and directories that no pod owns: they get a worker that only ends things. */
  async #findOrphans(pods: Informer<Pod>): Promise<void> {
    const { cri, logger } = this.#parts.context;
    try {
      const [sandboxes, containers] = await Promise.all([cri.listPodSandbox(), cri.listContainers()]);
      for (const { labels } of [...sandboxes, ...containers]) {
        const uid = labels[POD_UID];
        if (!uid || this.#workers.has(uid)) continue;
        const metadata = { uid, name: labels[POD_NAME] ?? uid, namespace: labels[POD_NAMESPACE] ?? 'default' };
        logger.info({ pod: metadata }, 'the runtime has a pod that the API has not: it is ended');
        this.#start({ pod: { metadata, spec: { containers: [] } }, gone: true });
      }
      for (const uid of await this.#parts.volumes.uids()) {
        if (this.#workers.has(uid)) continue;
        const stub: Pod = { metadata: { uid, name: uid, namespace: 'unknown' }, spec: { containers: [] } };
        const known = [...pods.list()].find(pod => pod.metadata.uid === uid);
        if (!known) this.#start({ pod: stub, gone: true });
      }
    } catch (error) {
      logger.warn({ err: error }, 'what pods the runtime has left over is not known');
    }
  }

  /** Kept on disk, so that pods run on when this process starts while the server is away. One write for each change of a specification. */
  #record(pod: Pod): void {
    const { dirs, logger } = this.#parts.context;
    const uid = uidOf(pod);
    const { managedFields: _, ...metadata } = pod.metadata;
    const version = `${metadata.generation ?? 0}/${metadata.deletionTimestamp ?? ''}/${JSON.stringify(pod.spec).length}`;
    if (this.#recorded.get(uid) === version) return;
    this.#recorded.set(uid, version);
    const directory = podDirectory(dirs, uid);
    const write = async (): Promise<void> => {
      await mkdir(directory, { recursive: true, mode: 0o755 });
      await writeFileAtomic(join(directory, RECORD), JSON.stringify({ ...pod, metadata }), { mode: 0o600 });
    };
    write().catch(error => logger.warn({ err: error, directory }, 'the pod is not on disk'));
  }

  async #readRecords(): Promise<void> {
    const { dirs, logger } = this.#parts.context;
    for (const uid of await readdir(dirs.pods).catch(() => [] as string[])) {
      const path = join(dirs.pods, uid, RECORD);
      try {
        const pod = JSON.parse(await readFile(path, 'utf8')) as Pod;
        if (uidOf(pod) === uid && pod.spec && !this.#workers.has(uid))
          this.#start({ pod, gone: false, recorded: true });
      } catch (error) {
        logger.debug({ err: error, path }, 'no record of a pod');
      }
    }
  }
}

/**
 * Tells which pods to look at, from the runtime's events; with a slow comparison of lists as a safety net, and a quick one where
 * the runtime has no events (containerd 1.6).
 */
import { type Clock, delay } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import { POD_UID } from '../labels.ts';
import { type CriClient, CriError } from './client.ts';

export interface RuntimeWatchOptions {
  readonly cri: CriClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Something of the pod changed. */
  readonly onPod: (uid: string) => void;
}

const SAFETY_NET_MS = 90_000;
const WITHOUT_EVENTS_MS = 1000;
const RECONNECT_MS = 500;

/** Runs until `signal` aborts; never rejects. */
export async function watchRuntime(options: RuntimeWatchOptions, signal: AbortSignal): Promise<void> {
  const { cri, clock, logger } = options;
  let hasEvents = true;
  const compare = comparison(options);
  const net = (async () => {
    while (!signal.aborted) {
      await delay(hasEvents ? SAFETY_NET_MS : WITHOUT_EVENTS_MS, signal, clock);
      if (!signal.aborted) await compare().catch(error => logger.debug({ err: error }, 'the runtime does not answer'));
    }
  })();
  while (!signal.aborted && hasEvents) {
    try {
      // What happened while no stream was open.
      await compare();
      for await (const event of cri.events(signal)) {
        const uid = event.podSandboxStatus?.metadata.uid;
        if (uid) options.onPod(uid);
      }
    } catch (error) {
      if (error instanceof CriError && error.code === 'UNIMPLEMENTED') {
        logger.info('the runtime has no events: it is looked at every second');
        hasEvents = false;
      } else logger.debug({ err: error }, 'the stream of runtime events ended');
    }
    await delay(RECONNECT_MS, signal, clock);
  }
  await net;
}

/** Lists everything and tells of each pod whose sandboxes or containers are not in the state they were in at the last call. */
function comparison({ cri, onPod }: RuntimeWatchOptions): () => Promise<void> {
  let before = new Map<string, string>();
  return async () => {
    const [sandboxes, containers] = await Promise.all([cri.listPodSandbox(), cri.listContainers()]);
    const now = new Map<string, string>();
    for (const { id, state, labels } of [...sandboxes, ...containers]) {
      const uid = labels[POD_UID];
      if (uid) now.set(uid, `${now.get(uid) ?? ''}${id}${state};`);
    }
    const uids = new Set([...before.keys(), ...now.keys()]);
    const changed = [...uids].filter(uid => before.get(uid) !== now.get(uid));
    before = now;
    for (const uid of changed) onPod(uid);
  };
}

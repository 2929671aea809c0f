/**
 * Tells which pods to look at, from the runtime's events; with a slow comparison of lists as a safety net, and a quick one where
 * the runtime has no events (containerd 1.6), and until a stream has shown that they come to it.
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
/**
 * containerd 1.7 has one queue of events for all streams, and learns that a stream's reader has gone when it sends an event to it: that
 * one is lost (https://github.com/containerd/containerd/issues/7318). Those who have waited longest are served first, so that with the
 * first event that comes here all who had gone before are through.
 */
const WITHOUT_EVENTS_MS = 1000;
/** So often where there are events, which have not come yet: then on an idle node, which is to sleep. */
const QUICK_LOOKS = 60;
const SILENT_MS = 10_000;
const RECONNECT_MS = 500;

/** Runs until `signal` aborts; never rejects. */
export async function watchRuntime(options: RuntimeWatchOptions, signal: AbortSignal): Promise<void> {
  const { cri, clock, logger } = options;
  const compare = comparison(options);
  const net = async (stream: { readonly comes?: boolean }, until: AbortSignal): Promise<void> => {
    for (let looks = 0; !until.aborted; looks++) {
      const silentMs = stream.comes === undefined && looks >= QUICK_LOOKS ? SILENT_MS : WITHOUT_EVENTS_MS;
      await delay(stream.comes ? SAFETY_NET_MS : silentMs, until, clock);
      if (!until.aborted) await compare().catch(error => logger.debug({ err: error }, 'the runtime does not answer'));
    }
  };
  while (!signal.aborted) {
    const stream: { comes?: boolean } = {};
    const ended = new AbortController();
    let comparing: Promise<void> | undefined;
    try {
      // What happened while no stream was open.
      await compare();
      comparing = net(stream, AbortSignal.any([signal, ended.signal]));
      for await (const event of cri.events(signal)) {
        stream.comes = true;
        const uid = event.podSandboxStatus?.metadata.uid;
        if (uid) options.onPod(uid);
      }
    } catch (error) {
      if (error instanceof CriError && error.code === 'UNIMPLEMENTED') {
        logger.info('the runtime has no events: it is looked at every second');
        stream.comes = false;
        await comparing;
      } else logger.debug({ err: error }, 'the stream of runtime events ended');
    }
    ended.abort();
    await comparing;
    await delay(RECONNECT_MS, signal, clock);
  }
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

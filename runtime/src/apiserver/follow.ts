/**
 * Keeps something derived from all objects under a prefix: told of each object at first and of each change from then on.
 *
 * Invariants: `put` and `remove` are called in the order of revisions; when the store ends the watch everything begins again
 * with `reset`, until it is closed; after {@link Followed.ready} nothing that is durable is missing. Closed, it knows what it
 * knew: a request that is still being answered must not find nothing where there was something.
 */
import { type Store, StoreClosedError } from '../store/store.ts';

export interface Follower {
  /** Forget everything: all objects are told again. */
  reset(): void;
  put(key: string, value: Buffer, revision: number): void;
  /** Also called for keys that were never put. */
  remove(key: string): void;
}

export interface Followed {
  /** Resolves when everything has been told once; the first call begins. @throws StoreClosedError closed before that. */
  ready(): Promise<void>;
  close(): void;
}

export function follow(store: Store, prefix: string, follower: Follower): Followed {
  let started: Promise<void> | undefined;
  let stop: () => void = () => undefined;
  let closed = false;

  async function load(): Promise<void> {
    const { items, revision } = await store.range({ prefix });
    if (closed) throw new StoreClosedError(`closed before ${prefix} was read`);
    follower.reset();
    for (const { key, value, modRevision } of items) follower.put(key, value, modRevision);
    stop = store.watch(
      { prefix, afterRevision: revision },
      {
        onEvents: events => {
          for (const { type, key, value, revision: at } of events) {
            if (type === 'put') follower.put(key, value, at);
            else follower.remove(key);
          }
        },
        onEnd: () => {
          if (!closed) load().catch(() => undefined); // closing; a failed range has nothing to add
        },
      },
    );
  }

  return {
    ready() {
      // A failed first range is tried again by whoever asks next.
      started ??= load().catch((error: unknown) => {
        started = undefined;
        throw error;
      });
      return started;
    },
    close() {
      closed = true;
      stop();
    },
  };
}

/** What has come of the installations that polling has begun: what is not tried again by itself, and when the next try is due. */
import type { NodeProgress } from '../../api/nodeUpgrade.ts';

/** Of one agent's life, and by version. */
export class PollFailures {
  readonly #everyMs: number;
  readonly #times = new Map<string, number>();
  #begun: { readonly key: string; readonly before: number | undefined } | undefined;
  #away = 0;
  /** Not before then; a server that is away is asked ever less often, at least every hour, or period where that is longer. */
  againMs = 0;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** @param before pid of the installation before it */
  begun(key: string, before: number | undefined): void {
    this.#begun = { key, before };
  }

  /** Called when nothing is at work: what was begun has come to its end. */
  look(last: Pick<NodeProgress, 'pid' | 'phase' | 'mayPass'> | undefined, nowMs: number): void {
    if (!this.#begun) return;
    const { key, before } = this.#begun;
    this.#begun = undefined;
    if (last?.pid !== before && last?.phase === 'failed' && last.mayPass === true) {
      const pauseMs = Math.min(this.#everyMs * 2 ** Math.min(this.#away++, 20), Math.max(this.#everyMs, HOUR_MS));
      // A period has gone by since it was begun.
      this.againMs = nowMs + pauseMs - this.#everyMs;
      return;
    }
    this.#away = 0;
    this.#times.set(key, (this.#times.get(key) ?? 0) + 1);
  }

  /** Keys of what has failed too often. */
  get final(): ReadonlySet<string> {
    return new Set([...this.#times].filter(([, times]) => times >= MAX_TRIES).map(([key]) => key));
  }
}

const HOUR_MS = 3_600_000;
/** What fails so often, and not for a server that is away, will fail again. */
const MAX_TRIES = 5;

/**
 * What a write load was told has happened, to be held against what is there after a power cut.
 *
 * Each key has one writer that does one thing at a time, so a key's states have one order. After a cut a key must be in the
 * state of its last acknowledged write, or of a later one that was under way; never an earlier one.
 *
 * Moments are sizes of the disk's write log (write-log.ts): what led to an acknowledgement is in the log before it.
 */

interface Write {
  /** The key's value after it; undefined: deleted. */
  readonly state: string | undefined;
  acknowledgedAt: number | undefined;
}

export interface Verdict {
  /** What is wrong, one line a key. */
  readonly wrong: readonly string[];
  /** Keys something was acknowledged of. */
  readonly compared: number;
}

export class AcknowledgedWrites {
  readonly #history = new Map<string, Write[]>();

  /**
   * A write is being asked for.
   * @returns to be called when it was acknowledged, with the moment
   */
  begin(key: string, state: string | undefined): (at: number) => void {
    const write: Write = { state, acknowledgedAt: undefined };
    const writes = this.#history.get(key) ?? [];
    this.#history.set(key, writes);
    writes.push(write);
    return at => {
      write.acknowledgedAt = at;
    };
  }

  /** The moments of all acknowledgements. */
  get moments(): number[] {
    return [...this.#history.values()].flat().flatMap(({ acknowledgedAt }) => acknowledgedAt ?? []);
  }

  /**
   * @param actual key → its value, as it is after a cut
   * @param at the moment of the cut; default: after everything
   */
  verify(actual: ReadonlyMap<string, string>, at = Number.POSITIVE_INFINITY): Verdict {
    const wrong: string[] = [];
    let compared = 0;
    for (const [key, writes] of this.#history) {
      const last = writes.findLastIndex(({ acknowledgedAt }) => acknowledgedAt !== undefined && acknowledgedAt <= at);
      const possible = writes.slice(Math.max(0, last)).map(({ state }) => state);
      const state = actual.get(key);
      if (last === -1) {
        possible.push(undefined);
      } else {
        compared += 1;
      }
      if (!possible.includes(state)) {
        const acknowledged = last === -1 ? 'nothing' : (writes[last]?.state ?? 'its deletion');
        wrong.push(`${key} is ${state ?? 'absent'}, but ${acknowledged} was acknowledged`);
      }
    }
    return { wrong, compared };
  }
}

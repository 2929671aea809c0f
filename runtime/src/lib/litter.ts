/** Buffers that were read into and are done with. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { readonly type: 'minor' }) => void;

/**
 * Has young garbage collected when so many bytes of it have come together. What a socket gives is a new Buffer each time, beside V8's heap: with
 * nothing else to do V8 looks for those that nobody has only when there are 30 MB of them. A collection of a young generation of 2 MB
 * takes a millisecond or two.
 */
export class Litter {
  #bytes = 0;
  #collect: Collect | undefined;

  constructor(private readonly mostBytes: number) {}

  /** So much more is done with. */
  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < this.mostBytes) return;
    this.#bytes = 0;
    this.#collect ??= collector();
    this.#collect({ type: 'minor' });
  }
}

/** Source: V8's `--expose-gc`; contexts that are made afterwards have it. */
function collector(): Collect {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as Collect;
  setFlagsFromString('--no-expose-gc');
  return collect;
}

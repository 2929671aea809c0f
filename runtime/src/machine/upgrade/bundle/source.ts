/** Where the bytes of a bundle come from. */

export interface Source {
  /** For people: without credentials or queries. */
  readonly shown: string;
  readonly sizeBytes: number;
  /** What came from it so far, whatever became of it. */
  readonly receivedBytes: number;
  /** Measured at what was read so far; undefined: too little was. */
  readonly bytesPerSecond: number | undefined;
  /** It cannot begin anywhere: going back costs as much as beginning again. */
  readonly sequential: boolean;
  /**
   * Exactly `lengthBytes` from `offset`, in pieces that are the taker's for as long as it does not ask for the next.
   * @throws UpgradeError when they cannot be had; what `signal` was aborted with
   */
  stream(offset: number, lengthBytes: number, signal: AbortSignal): AsyncIterable<Buffer>;
  /** A small file that stands beside it, or undefined: there is none, or it cannot be had now. Never more than `mostBytes`. */
  beside(name: string, mostBytes: number, signal: AbortSignal): Promise<Buffer | undefined>;
  close(): Promise<void>;
}

/** All of a stretch at once; for what is small. */
export async function readSource(
  source: Source,
  offset: number,
  lengthBytes: number,
  signal: AbortSignal,
): Promise<Buffer> {
  const all = Buffer.allocUnsafe(lengthBytes);
  let filled = 0;
  for await (const piece of source.stream(offset, lengthBytes, signal)) filled += piece.copy(all, filled);
  return all;
}

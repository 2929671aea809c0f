/** How long an installation will take, from what looking at it has taken. */
import type { Source } from './bundle/source.ts';
import type { Plan } from './plan.ts';

export interface Estimate {
  /** What the source has to send: all of it, where it cannot begin in the middle. */
  readonly transferBytes: number;
  /** How fast the bytes came that the look needed; absent: too few came, or none. */
  readonly bytesPerSecond?: number;
  /** Absent: that cannot be told. */
  readonly transferSeconds?: number;
  /** Comparing, which the look has done, and once more as much for reading back: the same bytes of the same disk. Without what writing takes. */
  readonly diskSeconds: number;
}

/** @param planMs what {@link planInstall} took */
export function estimate(
  { downloadBytes }: Pick<Plan, 'downloadBytes'>,
  { sequential, sizeBytes, bytesPerSecond }: Pick<Source, 'sequential' | 'sizeBytes' | 'bytesPerSecond'>,
  planMs: number,
): Estimate {
  const transferBytes = sequential && downloadBytes > 0 ? sizeBytes : downloadBytes;
  const known = transferBytes === 0 || bytesPerSecond !== undefined;
  return {
    transferBytes,
    ...(bytesPerSecond === undefined ? {} : { bytesPerSecond: Math.round(bytesPerSecond) }),
    ...(known ? { transferSeconds: Math.ceil(transferBytes / (bytesPerSecond ?? 1)) } : {}),
    diskSeconds: Math.ceil((2 * planMs) / 1000),
  };
}

/** How full the store is: decided as data, told by the store (`onSpace`), cleared by itself. */

export type SpaceLevel =
  | 'ok'
  /** Near the quota: time to act. */
  | 'low'
  /** Writes are refused with 507; deletions work. */
  | 'full';

/** Part of the quota from which a warning is given… */
const LOW_FROM = 0.85;
/** …until it is below this: a warning that comes and goes with every write is none. */
const LOW_TO = 0.8;

export interface Space {
  readonly usedBytes: number;
  readonly quotaBytes: number;
  /** A write has been refused since the last look that found space. */
  readonly refused: boolean;
}

export function spaceLevel({ usedBytes, quotaBytes, refused }: Space, was: SpaceLevel): SpaceLevel {
  if (refused || usedBytes >= quotaBytes) return 'full';
  return usedBytes >= quotaBytes * (was === 'ok' ? LOW_FROM : LOW_TO) ? 'low' : 'ok';
}

const mib = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

/** One sentence for people: what, and what to do. Empty when all is well. */
export function spaceText(
  level: SpaceLevel,
  { usedBytes, quotaBytes, diskFull }: Pick<Space, 'usedBytes' | 'quotaBytes'> & { readonly diskFull: boolean },
): string {
  const used = `${mib(usedBytes)} of its quota of ${mib(quotaBytes)}`;
  switch (level) {
    case 'ok':
      return '';
    case 'low':
      return `the store uses ${used}: delete what is not needed, or start the server with a larger --store-quota`;
    case 'full':
      return !diskFull
        ? `the store is full (${used}): only deletions are taken until there is room; or start the server with a larger --store-quota`
        : `the disk of the store is full (the store itself uses ${used}): only deletions are taken until there is space again`;
  }
}

/** Sizes and durations as people read them. */

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `29.8 GiB`, `512 MiB` */
export function sizeText(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1)} ${units[power]}`;
}

/** `8 s`, `2 min 5 s` */
export function durationText(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

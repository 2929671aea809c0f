/** Channels of IEEE 802.11 (annex E): channel → MHz. Of 5 GHz those of 20 MHz, which every access point announces itself on. */
export function frequencies(band: '5GHz' | '5G' | '2.4GHz' | '2.4G'): ReadonlyMap<number, number> {
  if (band.startsWith('2'))
    return new Map([...Array.from({ length: 13 }, (_, i) => [i + 1, 2412 + 5 * i] as const), [14, 2484]]);
  const runs = [
    [36, 64],
    [100, 144],
    [149, 173],
  ] as const;
  return new Map(
    runs.flatMap(([from, to]) =>
      Array.from({ length: (to - from) / 4 + 1 }, (_, i) => [from + 4 * i, 5000 + 5 * (from + 4 * i)] as const),
    ),
  );
}

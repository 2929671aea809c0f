/** What the loaders' tests put into the slots: kernels that say who they are and restart, as large as kernels are not. */
const PADDING = 600_000;

export const versions = {
  one: { version: '0.2.0', roothash: '1'.repeat(64), slot: 'a', says: 'KERNEL one', paddingBytes: PADDING },
  two: { version: '0.3.0', roothash: '2'.repeat(64), slot: 'b', says: 'KERNEL two', paddingBytes: PADDING + 4096 },
  three: { version: '0.1.0', roothash: '3'.repeat(64), slot: 'a', says: 'KERNEL three', paddingBytes: PADDING - 4096 },
} as const;

export type VersionName = keyof typeof versions;
export const versionNames = ['one', 'two', 'three'] as const;

export type GuestTask =
  /** `full`: nothing is free on the partition after each arming. */
  | { readonly kind: 'walk'; readonly loader: 'systemd-boot' | 'u-boot'; readonly full: boolean }
  /** Of each disk, from the second on, which version runs. */
  | { readonly kind: 'tidy'; readonly loader: 'systemd-boot' | 'u-boot'; readonly running: readonly VersionName[] };

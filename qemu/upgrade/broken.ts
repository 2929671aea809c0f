/** The versions that must not survive: what is wrong with each, and what a machine has to say of it. */
export interface Broken {
  readonly definition: string;
  readonly what: string;
  /** What the reason names. */
  readonly reason: RegExp;
  /** Its server runs and takes writes until the deadline. */
  readonly serves?: true;
}

export const broken: readonly Broken[] = [
  // Before anything could be kept: that is what it says.
  {
    definition: 'panics.yaml',
    what: 'whose kernel panics at once',
    reason: /its kernel, its initrd or its root does not come up/,
  },
  { definition: 'crashes.yaml', what: 'whose kernel panics later', reason: /kernel panicked: sysrq triggered crash/ },
  { definition: 'never-ready.yaml', what: 'whose node does not get Ready', reason: /containerd|node/i },
  { definition: 'pods-lost.yaml', what: 'whose pods do not come back', reason: /hello/, serves: true },
  {
    definition: 'hangs.yaml',
    what: 'whose boot never ends',
    reason: /still starting: systemd-tmpfiles-setup\.service/,
  },
  // Its three boots end by the watchdog's reset.
  { definition: 'freezes.yaml', what: 'whose systemd freezes', reason: /(started|without a word) 3 times/ },
];

/**
 * Entries of systemd-boot as files: `loader/entries/<id>[+<left>[-<done>]].conf`, and the order they are booted in.
 * Sources: UAPI.1 Boot Loader Specification, "Type #1", "Boot counting", "Sorting"; systemd-boot 257.
 */
import { compareVersions } from './versionOrder.ts';

export interface BootEntry {
  /** File name. */
  readonly name: string;
  /** The file name without its counters. */
  readonly id: string;
  readonly sortKey?: string;
  readonly machineId?: string;
  readonly version?: string;
  /** Path of the program on the boot partition, with slashes. */
  readonly efi?: string;
  /** Absent: not counted. */
  readonly triesLeft?: number;
  readonly triesDone?: number;
}

export interface Counters {
  readonly id: string;
  readonly triesLeft?: number;
  readonly triesDone?: number;
}

/** `atoll-b+2-1.conf` → `atoll-b.conf`, 2, 1. What is no counter, or stands in the middle, belongs to the name. */
export function countersOf(name: string): Counters {
  const match = /^(.*)\+([0-9]{1,9})(?:-([0-9]{1,9}))?(\.conf|\.efi)$/s.exec(name);
  if (!match) return { id: name };
  const [, prefix = '', left = '', done = '0', suffix = ''] = match;
  return { id: prefix + suffix, triesLeft: Number(left), triesDone: Number(done) };
}

/** One entry's text: `key value` lines. */
export function parseEntry(name: string, text: string): BootEntry {
  const values = new Map<string, string>();
  for (const line of text.split(/[\r\n]+/)) {
    const [, key, value] = /^[ \t]*([^#\s]\S*)[ \t]+(.*?)[ \t]*$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined && value !== '') values.set(key, value);
  }
  const keyed = (key: string, as: keyof BootEntry): Partial<BootEntry> => {
    const value = values.get(key);
    return value === undefined ? {} : { [as]: value };
  };
  return {
    name,
    ...countersOf(name),
    ...keyed('sort-key', 'sortKey'),
    ...keyed('machine-id', 'machineId'),
    ...keyed('version', 'version'),
    ...keyed('efi', 'efi'),
  };
}

const order = (a: number | string | boolean, b: number | string | boolean): number => (a < b ? -1 : a > b ? 1 : 0);

/** Negative: `a` is booted before `b`. */
export function compareEntries(a: BootEntry, b: BootEntry): number {
  return (
    order(a.triesLeft === 0, b.triesLeft === 0) ||
    order(a.sortKey === undefined, b.sortKey === undefined) ||
    (a.sortKey !== undefined && b.sortKey !== undefined
      ? order(a.sortKey, b.sortKey) ||
        order(a.machineId ?? '', b.machineId ?? '') ||
        -compareVersions(a.version ?? '', b.version ?? '')
      : 0) ||
    // The counters are part of the name here, as they are for the loader of 257.
    -compareVersions(a.name.toLowerCase(), b.name.toLowerCase()) ||
    (a.triesLeft === undefined || b.triesLeft === undefined
      ? 0
      : order(b.triesLeft, a.triesLeft) || order(a.triesDone ?? 0, b.triesDone ?? 0))
  );
}

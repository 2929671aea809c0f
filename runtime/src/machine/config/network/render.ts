/** A checked network as files of networkd and wpa_supplicant. Pure. */
import type { Rendered } from '../types.ts';
import type { NetworkDocument } from './schema.ts';

/** What a network adds to what a configuration becomes. */
export interface RenderedNetwork extends Pick<Rendered, 'files' | 'sysctls' | 'modules' | 'units'> {
  /** Absolute paths of programs it needs that not every image has: `/usr/sbin/wpa_supplicant`. */
  readonly programs: readonly string[];
}

export function renderNetwork(_document: NetworkDocument): RenderedNetwork {
  return { files: [], sysctls: {}, modules: [], units: [], programs: [] };
}

/** How long builds take, beside mkosi's and mmdebstrap's with the same packages; they take turns, so that a busy moment meets both. */

import { Mkosi } from '../../../builder/src/bench/mkosi.ts';
import { Mmdebstrap } from '../../../builder/src/bench/mmdebstrap.ts';
import { measureBuild, prepareBuild } from '../../../builder/src/bench.ts';
import { architectures } from '../../../builder/src/boards.ts';
import { buildHost } from '../../../builder/src/build-host.ts';
import { loadDefinition } from '../../../builder/src/definition/load.ts';
import { cacheDirectory } from '../../../builder/src/paths.ts';
import type { Figure } from '../figures.ts';
import { reason, type Section, type SectionContext } from '../section.ts';

const CHANGE_AIM_MS = 30_000;
/** From downloaded packages. */
const COLD_AIM_MS = 60_000;

/** @returns a section of its own state: mkosi's tree and caches last from `prepare` to `close`. */
export function buildSection(): Section {
  let mkosi: Mkosi | undefined;
  let mmdebstrap: Mmdebstrap | undefined;
  const absent: string[] = [];

  const peer = async (): Promise<{ coldMs: number; warmMs: number; compressedBytes: number } | undefined> => {
    if (mkosi === undefined) return undefined;
    const coldMs = await mkosi.cold();
    return { coldMs, compressedBytes: await mkosi.compressedBytes(), warmMs: await mkosi.warm() };
  };

  return {
    name: 'build',
    ofImage: true,
    title: 'build time (peer: mkosi with the same package list)',
    notes: [
      'Cold: packages downloaded, nothing else at hand. Warm: again with nothing changed (mkosi: with its incremental cache).',
      'Peers build for this machine only: an image of another architecture stands alone.',
      'mkosi, as root, runs the maintainer scripts and makes a plain disk; it compiles nothing, and makes no verity, initrd or UKI.',
    ],
    async prepare({ image, signal, say }: SectionContext) {
      await prepareBuild({ image, signal, say });
      const options = { image, signal, say, cache: cacheDirectory() };
      const tried = <T>(name: string, peer: Promise<T>): Promise<T | undefined> =>
        peer.catch((error: unknown) => {
          signal.throwIfAborted();
          absent.push(`${name}: ${reason(error)}`);
          return undefined;
        });
      const { architecture } = (await loadDefinition(image)).image;
      if (architectures[architecture].debian !== buildHost().debian) return;
      mkosi = await tried('mkosi', Mkosi.prepare(options));
      mmdebstrap = await tried('mmdebstrap', Mmdebstrap.prepare(options));
    },
    async run({ image, signal, say }) {
      const ours = await measureBuild({ image, signal, say });
      say('mkosi, cold and warm');
      const theirs = await peer();
      say('mmdebstrap');
      const installedMs = await mmdebstrap?.cold();
      const with_ = (value: number | undefined): { peer?: number } => (value === undefined ? {} : { peer: value });
      const ms = (id: string, label: string, value: number): Figure => ({ id, label, unit: 'ms', value });
      return {
        figures: [
          {
            ...ms('cold', 'cold build', ours.coldMs),
            ...with_(theirs?.coldMs),
            compared: 'cold build',
            atMost: COLD_AIM_MS,
          },
          ms('cold.native', 'in it, beside the rest: compiling better-sqlite3 for the device', ours.nativeMs),
          ...(installedMs === undefined
            ? []
            : [
                {
                  ...ms('cold.tree', 'cold build (peer: mmdebstrap, which only installs)', ours.coldMs),
                  peer: installedMs,
                },
              ]),
          { ...ms('warm', 'warm build', ours.warmMs), ...with_(theirs?.warmMs), compared: 'warm build' },
          {
            ...ms('change', 'one line of the runtime changed', ours.changeMs),
            compared: 'one line changed',
            atMost: CHANGE_AIM_MS,
          },
          {
            id: 'compressed',
            label: 'the disk image, compressed in the same way',
            unit: 'bytes',
            value: ours.compressedBytes,
            ...with_(theirs?.compressedBytes),
          },
        ],
        ...(absent.length === 0 ? {} : { problems: absent }),
      };
    },
    async close() {
      await mkosi?.close();
      await mmdebstrap?.close();
    },
  };
}

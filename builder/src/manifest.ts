/** `manifest.json`: what an artefact is made of, how large its parts are and how long they took. */
import { readFile } from 'node:fs/promises';
import type { ArchitectureName } from './boards.ts';
import type { BootMethodName } from './boot/method.ts';
import type { ResolvedPackage } from './packages/resolve.ts';
import type { StepTiming } from './step.ts';

export interface BuildManifest {
  readonly image: string;
  readonly version: string;
  readonly architecture: ArchitectureName;
  readonly board: string;
  readonly boot: BootMethodName;
  readonly kernel: string;
  /** dm-verity root hash, hex. */
  readonly roothash: string;
  readonly commandLine: string;
  /** ISO 8601: the image's own time, not when it was built. */
  readonly time: string;
  /** Name of the UKI on the ESP. */
  readonly uki: string;
  /** As flashed, in disk order. */
  readonly partitions: readonly {
    readonly label: string;
    readonly type: string;
    readonly sizeBytes: number;
    readonly usedBytes: number;
  }[];
  readonly packages: readonly Pick<ResolvedPackage, 'name' | 'version' | 'architecture' | 'sha256' | 'url'>[];
  /** Bytes by what they are, before compression. */
  readonly root: {
    readonly files: number;
    readonly bytes: number;
    readonly bytesByOrigin: Readonly<Record<string, number>>;
  };
  /** File → bytes. */
  readonly sizes: Readonly<Record<string, number>>;
  /** File → SHA-256 of what the build published. */
  readonly sha256: Readonly<Record<string, string>>;
  readonly timings: readonly StepTiming[];
}

export function manifestText(manifest: BuildManifest): string {
  return `${JSON.stringify(manifest, undefined, 1)}\n`;
}

/** @param path as {@link artefactPaths} names it. @throws what reading a file throws */
export async function readManifest(path: string): Promise<BuildManifest> {
  return JSON.parse(await readFile(path, 'utf8')) as BuildManifest;
}

/** Where configurations come from in the boot tests: the image with files on its ESP, and volumes labelled CIDATA. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDirectory } from '../../builder/src/paths.ts';
import { tool } from '../../builder/src/tools.ts';
import { findPartition } from '../src/gpt.ts';
import { isoImage } from '../src/iso.ts';
import { artefacts } from './image.ts';

const run = promisify(execFile);

export type Files = Readonly<Record<string, string>>;

/** A folder that goes with the test. */
export class Disks implements AsyncDisposable {
  readonly folder: string;
  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<Disks> {
    const machines = join(cacheDirectory(), 'machines');
    await mkdir(machines, { recursive: true });
    return new Disks(await mkdtemp(join(machines, `${process.pid}-config-`)));
  }

  /** The built image (or another) with these files on its ESP, as a person's computer would put them there. */
  async flashed(files: Files, image: string = artefacts.raw): Promise<string> {
    const raw = join(this.folder, 'flashed.raw');
    await run('cp', ['--sparse=always', '--reflink=auto', image, raw]);
    const { offset } = await findPartition(raw, 'esp');
    await this.#copy(files, `${raw}@@${offset}`);
    return raw;
  }

  /** A FAT volume with a label, as a stick has it (without partitions). */
  async fat(label: string, files: Files): Promise<string> {
    const image = join(this.folder, `${label}.img`);
    await writeFile(image, '');
    await truncate(image, 4 * 1024 ** 2);
    await tool(['mkfs.vfat', '-n', label, image], { binds: [this.folder] });
    await this.#copy(files, image);
    return image;
  }

  async iso(label: string, files: Files): Promise<string> {
    const image = join(this.folder, `${label}.iso`);
    await writeFile(image, isoImage(label, files));
    return image;
  }

  /** An empty disk. */
  async empty(name: string, sizeBytes: number): Promise<string> {
    const image = join(this.folder, `${name}.raw`);
    await writeFile(image, '');
    await truncate(image, sizeBytes);
    return image;
  }

  async #copy(files: Files, image: string): Promise<void> {
    const source = await mkdtemp(join(this.folder, 'files-'));
    for (const [name, content] of Object.entries(files)) {
      await writeFile(join(source, name), content);
      await tool(['mcopy', '-o', '-i', image, join(source, name), `::${name}`], {
        binds: [this.folder],
        env: { MTOOLS_SKIP_CHECK: '1' },
      });
    }
    await rm(source, { recursive: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

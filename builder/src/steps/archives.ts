/** Fetches every package archive; the newest time in them is the image's time (SOURCE_DATE_EPOCH of all its parts). */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileRef } from '../files.ts';
import { ensureArchives, openArchive } from '../packages/archives.ts';
import { readPackages } from '../packages/resolve.ts';
import type { Step } from '../step.ts';

export const fetchArchives: Step<{ readonly packages: FileRef }, 'epoch'> = {
  name: 'archives',
  title: 'Fetch package archives',
  module: import.meta.url,
  outputs: ['epoch'],
  async run(inputs, context) {
    const packages = await readPackages(inputs.packages.path);
    await ensureArchives(packages, context);
    let epoch = 0;
    for (const one of packages) {
      const archive = await openArchive(one, context.cache);
      for (const { mtime } of archive.members) epoch = Math.max(epoch, mtime);
      await archive.close();
    }
    await writeFile(join(context.directory, 'epoch'), String(epoch));
  },
};

/** Writes what is published of the configuration anew: `node --import tsx runtime/src/cli/config/publish.ts`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { published } from './published.ts';

for (const [path, content] of Object.entries(published))
  writeFileSync(join(import.meta.dirname, '../../../..', path), content());

/** What `encryption.test.ts` kills: a store with encryption, that does what its file of keys says. Arguments: directory. */
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { rootLogger } from '../../lib/log.ts';
import { openSqliteStore } from '../sqlite/open.ts';
import { Encryption } from './encryption.ts';

async function main(directory: string): Promise<void> {
  const logger = rootLogger('child', { ATOLL_LOG: 'error' });
  const path = join(directory, 'cred', 'encryption-config.json');
  const encryption = await Encryption.load({
    path,
    enabled: true,
    resources: ['secrets'],
    logger,
    now: () => new Date(),
  });
  const store = await openSqliteStore({
    path: join(directory, 'state.db'),
    codec: encryption.codec,
    logger,
    reserveBytes: 0,
  });
  await encryption.start(store);
  writeSync(1, 'open\n');
  // Somebody writes all the time.
  for (let index = 0; ; index++) {
    await store.commit({ key: `/registry/core/secrets/busy/${index % 50}`, value: Buffer.from(`{"busy":${index}}`) });
    await new Promise(resolve => setTimeout(resolve, 1));
  }
}

void main(process.argv[2] ?? '');

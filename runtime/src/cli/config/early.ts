/**
 * The entry of `/usr/lib/atoll/config.js`: what the configuration needs Node.js for at boot. Small, and what is not always needed is
 * loaded late, because a start of it is on the way to Ready.
 *
 *   node config.js boot         new bytes in the local sources (called by /usr/lib/atoll/config)
 *   node config.js fetch        the first boot: wait for the URL, but not for ever
 *   node config.js refresh      every other boot: is there something new at the URL?
 *   node config.js phone-home   tell the URL of phone_home that the machine is up
 */
import { join } from 'node:path';
import { compile } from '../../machine/config/compile.ts';
import { configBase, linkedFolder } from '../../machine/config/generations.ts';
import { takeAtBoot, workDir } from '../../machine/config/onNode.ts';
import { readGathered } from '../../machine/config/sources/gathered.ts';
import { say, tellJournal } from './journal.ts';

/** A node without any configuration waits so long for its URL before it comes up with the defaults. */
const FIRST_PATIENCE_MS = 120_000;
const PATIENCE_MS = 15 * 60_000;

async function main(command: string | undefined): Promise<number> {
  if (command === 'boot') {
    tellJournal(takeAtBoot(readGathered(join(workDir, 'sources')), compile).status);
    return 0;
  }
  if (command === 'fetch' || command === 'refresh') {
    const { fetchConfiguration } = await import('./fetch.ts');
    const booting = command === 'fetch';
    return fetchConfiguration(booting ? FIRST_PATIENCE_MS : PATIENCE_MS, booting);
  }
  if (command === 'phone-home') {
    const { phoneHome } = await import('../../machine/config/phoneHome.ts');
    return phoneHome(linkedFolder(configBase, 'generation') ?? '', say);
  }
  say(`there is no "${command ?? ''}": boot, fetch, refresh, phone-home`);
  return 2;
}

// The clock's timers keep no process alive, and between two attempts there is nothing else.
const alive = setInterval(() => undefined, 60_000);
main(process.argv[2])
  .finally(() => clearInterval(alive))
  .then(
    status => {
      process.exitCode = status;
    },
    (error: unknown) => {
      say(error instanceof Error ? (error.stack ?? error.message) : String(error));
      process.exitCode = 1;
    },
  );

/**
 * The entry of `config-bundle.js`, which `/usr/lib/atoll/config.js` runs ({@link file://./loader.ts}): what the configuration needs Node.js for at boot. Small, and what is not always needed is
 * loaded late, because a start of it is on the way to Ready.
 *
 *   node config.js boot         new bytes in the local sources (called by /usr/lib/atoll/config)
 *   node config.js volume       the same while systemd starts the machine (atoll-config-look.service): a volume the initrd did not see
 *   node config.js fetch        the first boot: wait for the URL, but not for ever
 *   node config.js refresh      every other boot: is there something new at the URL? 75: nothing of it is in force, ask again
 *   node config.js phone-home   tell the URL of phone_home that the machine is up
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takeSources } from '../../machine/config/apply.ts';
import { compile } from '../../machine/config/compile.ts';
import { configBase, linkedFolder } from '../../machine/config/generations.ts';
import { takeAtBoot, takeLive, workDir } from '../../machine/config/onNode.ts';
import { readGathered } from '../../machine/config/sources/gathered.ts';
import { say, tellJournal } from './journal.ts';

/** A node without any configuration waits so long for its URL before it comes up with the defaults. */
const FIRST_PATIENCE_MS = 120_000;
const PATIENCE_MS = 15 * 60_000;
/** EX_TEMPFAIL of sysexits(3): atoll-config-refresh.service is started again by it. */
export const AGAIN = 75;

async function main(command: string | undefined): Promise<number> {
  if (command === 'boot') {
    tellJournal(takeAtBoot(readGathered(join(workDir, 'sources')), compile).status);
    return 0;
  }
  if (command === 'volume') {
    const { outcome, failed } = takeLive(readGathered(join(workDir, 'sources')), compile, { booting: true });
    tellJournal(outcome.status);
    for (const program of failed) say(`failed: ${program}`);
    return 0;
  }
  if (command === 'fetch') {
    const { fetchConfiguration } = await import('./fetch.ts');
    return (await fetchConfiguration({ patienceMs: FIRST_PATIENCE_MS, booting: true })) === 'taken' ? 0 : 1;
  }
  if (command === 'refresh') return refresh();
  if (command === 'phone-home') {
    const { phoneHome } = await import('../../machine/config/phoneHome.ts');
    return phoneHome(linkedFolder(configBase, 'generation') ?? '', say);
  }
  say(`there is no "${command ?? ''}": boot, volume, fetch, refresh, phone-home`);
  return 2;
}

/** Patient once in a boot; after that, systemd is, which takes no memory. */
async function refresh(): Promise<number> {
  const { fetchConfiguration } = await import('./fetch.ts');
  const asked = join(workDir, 'asked');
  const result = await fetchConfiguration({ patienceMs: existsSync(asked) ? 0 : PATIENCE_MS, booting: false });
  writeFileSync(asked, '');
  if (existsSync(join(linkedFolder(configBase, 'generation') ?? '', 'sources/url'))) return result === 'taken' ? 0 : 1;
  return AGAIN;
}

export function run(): void {
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
}

const sample = `#cloud-config
hostname: sample
users: [{name: ops, gecos: Operations}]
write_files: [{path: /etc/sample, content: sample}]
machine: {sysctls: {net.core.somaxconn: 4096}}
atoll: {node-label: [sample=yes]}
`;
const sampleNetwork = 'version: 2\nethernets: {all: {match: {name: "e*"}, dhcp4: true}}\n';

/** Takes a configuration in a folder of its own, for V8's code cache to hold what that compiles. */
export function preload(): void {
  const base = join(tmpdir(), 'atoll-config-preload');
  const documents = { 'user-data': Buffer.from(sample), 'network-config': Buffer.from(sampleNetwork) };
  const now = { sources: [{ source: 'esp', location: 'sample', documents } as const], problems: [] };
  const accounts = () => ({ passwd: '', group: '', shadow: '', gshadow: '' });
  try {
    const { kind, status } = takeSources(now, { base, image: '', compile, accounts });
    if (kind !== 'stored') throw new Error(`the sample is ${kind}: ${JSON.stringify(status.problems)}`);
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

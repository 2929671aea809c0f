/** Runs inside of a guest: firmware sets on a real FAT, one after the other (see firmware.test.ts). */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { updateFirmware } from '../../runtime/src/machine/firmware/sets.ts';
import { broughtBy, firmwareVersions } from './firmwareVersions.ts';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const places = { source: '/run/firmware', boot: '/efi' };

async function mark(name: string): Promise<void> {
  process.stdout.write(`@mark ${name}\n`);
  await lines.next();
}

execFileSync('mount', ['-t', 'vfat', '-o', 'umask=0077,errors=continue', '/dev/vdb', '/efi']);
await mark('begin');
for (const version of firmwareVersions) {
  rmSync(places.source, { recursive: true, force: true });
  for (const [name, content] of Object.entries(broughtBy(version))) {
    mkdirSync(dirname(join(places.source, name)), { recursive: true });
    writeFileSync(join(places.source, name), content);
  }
  await mark(`to ${version}`);
  await updateFirmware(places);
  await mark(`at ${version}`);
}
process.stdout.write('@end\n');
process.exit();

/** Reads a file of a web server twice, as an installation does, and prints how many MB more memory it had at most: `upgradeMemoryChild.ts <URL>`. */
import { readFileSync } from 'node:fs';
import { openHttpSource } from '../src/machine/upgrade/bundle/httpSource.ts';

const [named = ''] = process.argv.slice(2);
/** proc(5), in MiB. */
const status = (name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;

const { signal } = new AbortController();
// Compiling is over.
(await openHttpSource(new URL(`${named}?small`), signal).catch(() => undefined))?.close();
const before = status('VmRSS');
const source = await openHttpSource(new URL(named), signal);
let bytes = 0;
for await (const piece of source.stream(0, source.sizeBytes, signal)) bytes += piece.length;
await source.close();
process.stdout.write(`${bytes} ${(status('VmHWM') - before).toFixed(1)}\n`);

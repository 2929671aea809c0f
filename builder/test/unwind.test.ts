/** Node.js without the unwind tables of its library is the same Node.js: the tools tree's, run both ways. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { buildHost } from '../src/build-host.ts';
import { withoutUnwindTables } from '../src/formats/elf-unwind.ts';
import { run } from '../src/process.ts';
import { tool, toolPath } from '../src/tools.ts';

const folderOfLibraries = `/usr/lib/${buildHost().multiarch}`;
const library = 'libnode.so.115';

test('libnode does all that it did, errors and workers too', async () => {
  const original = await readFile(toolPath(`${folderOfLibraries}/${library}`));
  const smaller = withoutUnwindTables(original);
  assert.ok(smaller);
  assert.equal(smaller.length, original.length);
  const folder = await mkdtemp(join(tmpdir(), 'atoll-unwind-'));
  try {
    await writeFile(join(folder, library), smaller);
    const { stdout } = await run(['readelf', '-lW', join(folder, library)]);
    assert.doesNotMatch(stdout, /GNU_EH_FRAME/);
    const script = `
      const { Worker } = require('node:worker_threads');
      try { null.x } catch (error) { console.log(error.message, error.stack.split('\\n').length > 1) }
      try { new WebAssembly.Module(Buffer.from('no')) } catch (error) { console.log(error.name) }
      console.log(JSON.stringify([5n ** 70n, [1.5, /ü/iu.test('Ü')]], (_, v) => typeof v === 'bigint' ? String(v) : v));
      console.log(require('node:crypto').createHash('sha256').update('x').digest('hex'));
      console.log(new Intl.NumberFormat('de').format(1234.5), require('node:zlib').gzipSync('x').length);
      const worker = new Worker('throw new RangeError("from a worker")', { eval: true });
      worker.on('error', error => { console.log(error.message); process.exitCode = 7 });`;
    const said = (environment: readonly string[]) =>
      tool(['env', ...environment, 'sh', '-c', 'node -e "$1"; echo $?', 'sh', script], { readOnly: [folder] });
    const before = await said([]);
    assert.match(before.stdout, /from a worker\n7\n$/);
    assert.equal((await said([`LD_LIBRARY_PATH=${folder}`])).stdout, before.stdout);
    const loaded = await tool(
      ['env', `LD_LIBRARY_PATH=${folder}`, 'node', '-p', 'process.report.getReport().sharedObjects.join()'],
      { readOnly: [folder] },
    );
    assert.match(loaded.stdout, new RegExp(`${folder}/${library}`), 'it was the smaller one that ran');
    // Its native stack trace ends where the tables would begin; the process ends as before.
    const aborted = await tool(
      ['env', `LD_LIBRARY_PATH=${folder}`, 'sh', '-c', 'node -e "process.abort()" 2> /dev/null; echo $?'],
      { readOnly: [folder] },
    );
    assert.equal(aborted.stdout, '134\n');
  } finally {
    await rm(folder, { recursive: true });
  }
  const packed = (content: Buffer): number => deflateRawSync(content, { level: 1 }).length;
  assert.ok(packed(original) - packed(smaller) > 1_000_000);
  assert.equal(withoutUnwindTables(smaller), undefined, 'there is nothing more to lose');
});

test('a library that exceptions pass through stays as it is', async () => {
  for (const name of ['libstdc++.so.6', 'libicuuc.so.76'])
    assert.equal(withoutUnwindTables(await readFile(toolPath(`${folderOfLibraries}/${name}`))), undefined, name);
});

/** A Go program without its exports is the same program: the tools tree's kubectl, run both ways. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { buildHost } from '../src/build-host.ts';
import { symbolNames, withoutExports } from '../src/formats/elf-exports.ts';
import { run } from '../src/process.ts';
import { tool, toolPath } from '../src/tools.ts';

let original: Buffer;
let known: ReadonlySet<string>;
before(async () => {
  original = await readFile(toolPath('/usr/bin/kubectl'));
  known = symbolNames(await readFile(toolPath(`/usr/lib/${buildHost().multiarch}/libc.so.6`)));
});

test('kubectl runs without them, and takes a sixth less room', async () => {
  const smaller = withoutExports(original, known);
  assert.ok(smaller);
  assert.equal(smaller.length, original.length);
  const folder = await mkdtemp(join(tmpdir(), 'atoll-exports-'));
  try {
    const program = join(folder, 'kubectl');
    await writeFile(program, smaller, { mode: 0o755 });
    for (const words of [['version', '--client'], ['create', 'deployment', '--help'], ['options']]) {
      const before = await tool(['kubectl', ...words]);
      const { stdout } = await tool([program, ...words], { readOnly: [folder] });
      assert.equal(stdout, before.stdout);
    }
    const { stdout } = await run(['readelf', '-W', '--dyn-syms', program]);
    const exported = stdout.split('\n').filter(line => / (GLOBAL|WEAK) .* \d+ \S+$/.test(line));
    assert.deepEqual(
      exported.map(line => line.split(' ').at(-1)),
      ['runtime.tlsg'],
      'what its own relocations name',
    );
  } finally {
    await rm(folder, { recursive: true });
  }
  const packed = (content: Buffer): number => deflateRawSync(content, { level: 1 }).length;
  assert.ok(packed(smaller) < 0.85 * packed(original));
  assert.equal(withoutExports(smaller, known), undefined, 'there is nothing more to lose');
});

test('a name that a library knows stays, and is found', () => {
  const asked = new Set([...known, 'main', 'crosscall2']);
  const smaller = withoutExports(original, asked);
  assert.ok(smaller);
  const left = symbolNames(smaller);
  for (const name of ['main', 'crosscall2', 'runtime.tlsg', 'pthread_create']) assert.ok(left.has(name), name);
  assert.ok(!left.has('main.main'));
});

/** The house stands: a floor imports only from floors under it, and rooms on one floor do not know each other. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** From the ground up; rooms of one floor side by side (ARCHITECTURE: "The house"). */
const FLOORS = [
  ['lib'],
  ['api'],
  ['store'],
  ['apiserver'],
  ['client'],
  ['controllers', 'scheduler'],
  ['node', 'net'],
  ['machine'],
  ['cli'],
];

const root = dirname(fileURLToPath(import.meta.url));
const floorOf = new Map(FLOORS.flatMap((rooms, floor) => rooms.map(room => [room, floor] as const)));

test('every import goes down', async () => {
  const files = (await readdir(root, { recursive: true })).filter(path => path.endsWith('.ts') && path.includes('/'));
  assert.ok(files.length > 200, `only ${files.length} files found`);
  const wrong: string[] = [];
  for (const file of files) {
    const room = file.split('/', 1)[0] ?? '';
    const floor = floorOf.get(room);
    assert.ok(floor !== undefined, `${room}/ is on no floor: add it to this test and to docs/contracts.md`);
    const text = await readFile(join(root, file), 'utf8');
    for (const [, specifier = ''] of text.matchAll(/(?:from |import\()'(\.[^']+)'/g)) {
      const target = relative(root, join(root, dirname(file), specifier));
      const under = floorOf.get(target.split('/', 1)[0] ?? '');
      const outside = target.startsWith('..'); // tests may use runtime/test
      if (outside ? !/\.test\.ts$/.test(file) : room !== target.split('/', 1)[0] && (under ?? floor) >= floor)
        wrong.push(`${file} → ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

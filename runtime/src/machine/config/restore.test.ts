import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import { restore } from './restore.ts';

const rows: readonly {
  readonly what: string;
  readonly image: readonly string[];
  readonly here: readonly string[];
  readonly take: readonly string[];
  readonly left: Readonly<Record<string, string>>;
}[] = [
  { what: 'a file', image: [], here: ['/etc/motd'], take: ['/etc/motd'], left: {} },
  {
    what: "a file in the place of the image's",
    image: ['/etc/motd'],
    here: ['/etc/motd'],
    take: ['/etc/motd'],
    left: { '/etc/motd': 'image' },
  },
  {
    what: 'all files of a folder, for a file may take its place',
    image: [],
    here: ['/etc/site/a/b', '/etc/site/c'],
    take: ['/etc/site/a/b', '/etc/site/c'],
    left: {},
  },
  {
    what: "a file beside somebody else's",
    image: [],
    here: ['/etc/site/a', '/etc/site/theirs'],
    take: ['/etc/site/a'],
    left: { '/etc/site/theirs': 'here' },
  },
  {
    what: "the only file of a folder of the image's",
    image: ['/etc/site/.keep'],
    here: ['/etc/site/a'],
    take: ['/etc/site/a'],
    left: { '/etc/site': 'a folder' },
  },
  {
    what: 'what was a folder, where the image has a file',
    image: ['/etc/site'],
    here: [],
    take: ['/etc/site'],
    left: { '/etc/site': 'image' },
  },
  { what: 'what is gone already', image: [], here: [], take: ['/etc/no/file'], left: {} },
];

for (const { what, image, here, take, left } of rows)
  it(`takes out ${what}`, t => {
    const folder = mkdtempSync(join(tmpdir(), 'restore-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const [imageRoot, top] = [join(folder, 'image'), join(folder, 'top')];
    const write = (root: string, paths: readonly string[], content: string): void => {
      mkdirSync(join(root, 'etc'), { recursive: true });
      for (const path of paths) {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        writeFileSync(join(root, path), content);
      }
    };
    write(imageRoot, image, 'image');
    write(top, here, 'here');
    for (const path of take) restore(path, { image: imageRoot, top });
    const found = readdirSync(top, { recursive: true, withFileTypes: true }).map(entry => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(top.length), entry.isDirectory() ? 'a folder' : readFileSync(path, 'utf8')] as const;
    });
    // Folders above something that is told are not told themselves.
    const told = found.filter(([path]) => path !== '/etc' && !found.some(([other]) => other.startsWith(`${path}/`)));
    assert.deepEqual(Object.fromEntries(told), left);
  });

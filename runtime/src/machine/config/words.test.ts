/** `/usr/lib/atoll/config-words` as a boot uses it: the first words in the initrd, the others when systemd has started. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const words = fileURLToPath(new URL('../../../../rootfs/overlay/usr/lib/atoll/config-words', import.meta.url));

/** Says what of `boot` is done; what a word does is replaced by saying its name and first word, but for whether it is done at all. */
function done(phase: string, boot: readonly string[]): string[] {
  const script = `
exec 3>&1
. "$1"
# Everything a word calls, as a word that is said.
written() { echo "put $2"; }
cmp() { :; }; tail() { :; }; stat() { :; }
of_boot() { return 1; }
ln() { echo "zone" >&3; }
udevadm() { echo cards; }
timeout() { :; }
mkdir() { echo "home $2" >&3; }; chmod() { :; }; chown() { :; }
rm() { :; }
disk() { ! mine disk || echo "disk $1"; }
zram() { ! mine zram || echo zram; }
early() { ! mine early || echo "early $1"; }
fits() { :; }
${phase}
${boot.join('\n')}
echo "count=\${count:-} left=\${left:-}"`;
  const out = execFileSync('sh', ['-c', script, 'sh', words], { encoding: 'utf8' });
  return [...new Set(out.trim().split('\n'))];
}

const put = (path: string): string => `put files/0 ${path} 600 -`;
const rows: readonly {
  readonly what: string;
  readonly boot: readonly string[];
  readonly first: readonly string[];
  readonly count: number;
  readonly others?: readonly string[];
}[] = [
  { what: 'nothing', boot: [], first: [], count: 0 },
  { what: 'files only', boot: [put('/a'), put('/b')], first: ['put /a', 'put /b'], count: 2 },
  {
    what: 'a home with keys',
    boot: ['keys files/1 /no/home 1 1'],
    first: ['home /no/home/.ssh', 'put /no/home/.ssh/authorized_keys'],
    count: 1,
  },
  { what: 'nobody has a key', boot: ['keys - /h 0 0', put('/a')], first: ['put /a'], count: 2 },
  { what: 'cards, which udev sees for the first time', boot: ['cards', put('/a')], first: ['put /a'], count: 2 },
  {
    what: 'a disk, and files that may be on it',
    boot: [put('/a'), 'disk /dev/vdb data /var/data', put('/var/data/b')],
    first: ['put /a'],
    count: 1,
    others: ['disk /dev/vdb', 'put /var/data/b'],
  },
  {
    what: 'a bootcmd before files',
    boot: ['early files/2', put('/a')],
    first: [],
    count: 0,
    others: ['early files/2', 'put /a'],
  },
  {
    what: 'a file in /tmp, which systemd mounts',
    boot: [put('/var/a'), put('/tmp/b'), put('/var/c')],
    first: ['put /var/a'],
    count: 1,
    others: ['put /tmp/b', 'put /var/c'],
  },
  {
    what: 'cards after what has to wait',
    boot: ['zram 1 lz4', put('/etc/udev/rules.d/a'), 'cards'],
    first: [],
    count: 0,
    others: ['zram', 'put /etc/udev/rules.d/a', 'cards'],
  },
];

describe('the words of a configuration, at a boot', () => {
  for (const { what, boot, first, count, others } of rows)
    it(`${what}: each is done once, in its order`, () => {
      assert.deepEqual(done('first_words', boot), [...first, `count=${count} left=${others ? 'yes' : ''}`]);
      if (others) assert.deepEqual(done(`other_words ${count}`, boot).slice(0, -1), others);
    });

  it('every word of a boot asks whether it is to be done', () => {
    const text = readFileSync(words, 'utf8');
    for (const word of 'put append home keys name zone certificates zram disk cards early'.split(' '))
      assert.match(text, new RegExp(`^${word}\\(\\) \\{\\s+(! )?mine ${word}( "\\$2")? \\|\\| `, 'm'), word);
  });

  it('all of them are done by whoever does not say otherwise', () => {
    assert.deepEqual(done(':', [put('/a'), 'disk /dev/vdb d /d', 'cards', 'early x']).slice(0, -1), [
      'put /a',
      'disk /dev/vdb',
      'cards',
      'early x',
    ]);
  });

  it('what is appended is there once, whatever others write after it', () => {
    const here = mkdtempSync(join(tmpdir(), 'atoll-words-'));
    const file = join(here, 'file');
    try {
      const append = (part: string): string => {
        writeFileSync(join(here, 'a'), part);
        execFileSync('sh', ['-c', '. "$1"; here=$2; sync() { :; }; append a "$2/file" 644 -', 'sh', words, here]);
        return readFileSync(file, 'utf8');
      };
      assert.equal(append('[a]\nx=1\n'), '[a]\nx=1\n');
      assert.equal(append('[a]\nx=1\n'), '[a]\nx=1\n');
      appendFileSync(file, '# ä\n\n[b]\n');
      assert.equal(append('[a]\nx=1\n'), '[a]\nx=1\n# ä\n\n[b]\n');
      assert.equal(append('x=1\n# ä\n\n'), '[a]\nx=1\n# ä\n\n[b]\n');
      assert.equal(append('x=2\n'), '[a]\nx=1\n# ä\n\n[b]\nx=2\n');
      // Not the whole of a part is not the part.
      assert.equal(append('[b]\nx=2\ny\n'), '[a]\nx=1\n# ä\n\n[b]\nx=2\n[b]\nx=2\ny\n');
      assert.equal(append(''), '[a]\nx=1\n# ä\n\n[b]\nx=2\n[b]\nx=2\ny\n');
    } finally {
      rmSync(here, { recursive: true });
    }
  });

  it('bootcmd knows its instance, and one that hangs is ended and told of, while the boot goes on', () => {
    const here = mkdtempSync(join(tmpdir(), 'atoll-words-'));
    try {
      const run = (script: string): string => {
        writeFileSync(join(here, 'a'), script);
        writeFileSync(join(here, 'instance'), 'i-1\n');
        const after = '. "$1"; here=$2; early_seconds=1; say() { echo "said: $*"; }; early a; echo on';
        return execFileSync('sh', ['-c', after, 'sh', words, here], { encoding: 'utf8' });
      };
      assert.equal(run('echo "$INSTANCE_ID"\n'), 'i-1\non\n');
      assert.equal(run('exit 3\n'), 'said: bootcmd ended with 3\non\n');
      assert.equal(
        run('exec sleep 60\n'),
        'said: bootcmd was ended after 1 s, and so were the commands that had not run yet\non\n',
      );
    } finally {
      rmSync(here, { recursive: true });
    }
  });
});

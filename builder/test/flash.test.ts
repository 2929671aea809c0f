/**
 * `atoll-builder flash` on loop devices and files: what a person does with it, and what cards do to people. Needs root, for the
 * loop devices.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, open, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Observer, Target } from '../src/flash/card.ts';
import { listDisks } from '../src/flash/disks.ts';
import { flash } from '../src/flash/flash.ts';
import { openImage } from '../src/flash/source.ts';
import { partitionsOf, tableBytes } from '../src/formats/partition-table.ts';
import { cacheDirectory, repositoryRoot } from '../src/paths.ts';
import { run } from '../src/process.ts';
import { tool } from '../src/tools.ts';
import { makeTemporary } from '../src/workspace.ts';
import {
  assertFlashed,
  assertNotBootable,
  attach,
  bytesOf,
  contentBytes,
  imageBytes,
  type Loop,
  makeImage,
  mebibyte,
  onFat,
  publishSums,
  type TestImage,
} from './flashing.ts';
import {
  cli,
  cliCommand,
  interruptingItselfAt,
  makeWorkshop,
  namesIn,
  nothingLivesIn,
  type Outcome,
  processesWith,
  succeeded,
} from './workshop.ts';

const cardBytes = imageBytes + 30 * mebibyte;
let workshop = '';
let image: TestImage;
before(async () => {
  workshop = await makeWorkshop();
  image = await makeImage(join(workshop, 'out'));
});
after(() => rm(workshop, { recursive: true, force: true }));

const at = (name: string): string => join(workshop, name);
const flashed = (...args: string[]): Promise<Outcome> => cli(['flash', image.name, '--out', image.out, ...args]);

/** A card of its own for a test; the file goes with it. */
async function card(name: string, sizeBytes = cardBytes, options: readonly string[] = []): Promise<Loop> {
  const loop = await attach(at(`${name}.img`), sizeBytes, options);
  return {
    ...loop,
    [Symbol.asyncDispose]: async () => {
      await loop[Symbol.asyncDispose]();
      await rm(loop.file);
    },
  };
}

describe('a whole card', () => {
  test('a loop device: the used blocks are the image, the others are left alone, an old table at its end is gone', async () => {
    await using loop = await card('whole');
    const outcome = succeeded(await flashed('--to', loop.path, '--yes'));
    assert.match(outcome.stdout, new RegExp(`│ ✔ ${loop.path} .* written and read back │`));
    assert.match(outcome.stderr, /^loop\d+: Flash \/dev\/loop\d+\nloop\d+: done after \d+\.\d s\n$/);
    await assertFlashed(loop.path, image);
    const free = mebibyte + 40 * mebibyte + contentBytes;
    assert.ok(
      (await bytesOf(loop.path, free, mebibyte)).equals(Buffer.alloc(mebibyte, 0xa5)),
      'free room is not written',
    );
    const last = await bytesOf(loop.path, cardBytes - tableBytes, tableBytes);
    assert.ok(last.equals(Buffer.alloc(tableBytes)));
  });

  test('from the compressed image, with its map beside it and without', async () => {
    await using loop = await card('compressed');
    succeeded(await cli(['flash', image.compressed, '--to', loop.path, '--yes']));
    await assertFlashed(loop.path, image);
    const alone = at('alone.raw.zst');
    await cp(image.compressed, alone);
    succeeded(await cli(['flash', alone, '--to', loop.path, '--yes']));
    assert.ok((await bytesOf(loop.path, 0, imageBytes)).equals(await readFile(image.raw)), 'all of it');
  });

  test('the same bytes as dd', async () => {
    const [ours, theirs] = [at('ours.img'), at('theirs.img')];
    succeeded(await flashed('--to', ours));
    await run(['sh', '-c', `zstd -d -q -c '${image.compressed}' | dd of='${theirs}' bs=4M conv=fsync status=none`]);
    await run(['cmp', ours, theirs]);
  });

  test('bmaptool of Debian takes the map, and writes what we write', async () => {
    await using loop = await card('bmaptool');
    await run(['bmaptool', 'copy', '--bmap', image.bmap, image.compressed, loop.path]);
    await assertFlashed(loop.path, image);
  });

  test('a new file: sparse, of the size that is wanted', async () => {
    const file = at('node.img');
    succeeded(await flashed('--to', file, '--size', '4G'));
    const { size, blocks } = await stat(file);
    assert.equal(size, 4 * 1024 ** 3);
    assert.ok(blocks * 512 < 80 * mebibyte, `${blocks * 512} bytes are used`);
    await assertFlashed(file, image);
    const asked = await flashed('--to', file);
    assert.equal(asked.status, 2, asked.stderr);
    assert.match(
      asked.stderr,
      /all that is on \S+node\.img would be lost, and there is no terminal to ask on \[USAGE\]/,
    );
    succeeded(await flashed('--to', file, '--yes'));
    assert.equal((await stat(file)).size, imageBytes);
  });
});

describe('cards that are told what they shall be', () => {
  test('one after a pattern each, in parallel, with a secret that nobody sees', async () => {
    await using one = await card('one');
    await using two = await card('two');
    const token = `K10${'ab12'.repeat(16)}::server:topsecret${process.pid}`;
    await writeFile(at('token'), `${token}\n`, { mode: 0o600 });
    const seen: string[] = [];
    const watch = setInterval(() => void processesWith(token).then(found => seen.push(...found)), 50);
    const outcome = await flashed(
      ...['--to', one.path, '--to', two.path, '--yes', '--hostname-pattern', 'node-{nn}', '--first', '9'],
      ...['--server', 'https://192.0.2.1:6443', '--token', at('token')],
    );
    clearInterval(watch);
    succeeded(outcome);
    assert.ok(!`${outcome.stdout}${outcome.stderr}`.includes('topsecret'));
    assert.deepEqual(seen, [], 'the token is in no list of processes');
    for (const [loop, name] of [
      [one, 'node-09'],
      [two, 'node-10'],
    ] as const) {
      assert.equal(
        await onFat(loop.path, 'user-data'),
        `#cloud-config\nhostname: ${name}\natoll:\n  role: agent\n  server: https://192.0.2.1:6443\n  token: ${token}\n`,
      );
      assert.equal((await onFat(loop.path, 'kernel'))?.length !== undefined, true);
    }
  });

  for (const kind of ['csv', 'yaml'] as const)
    test(`each with documents of its own, by a .${kind}`, async () => {
      const [one, two] = [at(`first-${kind}.img`), at(`second-${kind}.img`)];
      const own = '#cloud-config\n# a comment stays\nhostname: old # as does this\ntimezone: Europe/Berlin\n';
      const network = 'version: 2\nethernets:\n  eth0:\n    addresses: [192.0.2.7/24]\n';
      await writeFile(at('own.yaml'), own);
      await writeFile(at('network.yaml'), network);
      const csv = `to,hostname,user-data,network-config\n${one},"press-1",${at('own.yaml')},\n${two},,,${at('network.yaml')}\n`;
      const yaml = `- to: ${one}\n  hostname: press-1\n  user-data: ${at('own.yaml')}\n- to: ${two}\n  network-config: ${at('network.yaml')}\n`;
      await writeFile(at(`cards.${kind}`), kind === 'csv' ? csv : yaml);
      succeeded(await flashed('--cards', at(`cards.${kind}`)));
      assert.equal(await onFat(one, 'user-data'), own.replace('old', 'press-1'));
      assert.equal(await onFat(one, 'network-config'), undefined);
      assert.equal(await onFat(two, 'user-data'), undefined);
      assert.equal(await onFat(two, 'network-config'), network);
      assert.equal((await stat(one)).mode & 0o777, 0o600, 'what is on it may be a secret');
      await chmod(one, 0o644);
      succeeded(await flashed('--to', one, '--hostname', 'press-2', '--yes'));
      assert.equal((await stat(one)).mode & 0o777, 0o600, 'also if it was there before');
    });

  test('a configuration the node would refuse: nothing is written, the line is shown, the secret is not', async () => {
    const path = at('wrong.yaml');
    await writeFile(path, '#cloud-config\nhostname: a\natoll:\n  role: agnet\n  token: K10hidden\n');
    const { status, stderr } = await flashed('--to', at('never.img'), '--user-data', path);
    assert.equal(status, 1);
    assert.match(stderr, /wrong\.yaml:4:9: error: atoll\.role: must be one of server, agent, not "agnet"/);
    assert.match(stderr, /\[CONFIGURATION_INVALID\]/);
    assert.ok(!stderr.includes('K10hidden'));
    assert.ok(!(await namesIn(workshop)).includes('never.img'));
    const host = await flashed('--to', at('never.img'), '--hostname', 'a_b');
    assert.match(host.stderr, /hostname: must be a host name: letters, digits and "-", not "a_b"/);
  });

  test('one name for two cards is refused wherever it is from; the name in the table is the one the node will have', async () => {
    const same = at('same.yaml');
    await writeFile(same, '#cloud-config\nhostname: Press-7.example.org\n');
    const both = await flashed('--to', at('twin-1.img'), '--to', at('twin-2.img'), '--user-data', same);
    assert.equal(both.status, 1, both.stdout);
    assert.match(both.stderr, /twin-1\.img and \S+twin-2\.img would both be called press-7 \[CONFIGURATION_INVALID\]/);
    assert.deepEqual(
      (await namesIn(workshop)).filter(name => name.startsWith('twin')),
      [],
    );
    const one = succeeded(await flashed('--to', at('twin-1.img'), '--user-data', same));
    assert.match(one.stdout, /twin-1\.img │ press-7 +│/);
    await rm(at('twin-1.img'));
  });

  test('what a flash that was killed has left of a secret is removed by the next', async () => {
    const left = await makeTemporary(join(cacheDirectory(), 'tmp'));
    // As of a process of that number that started at another time.
    const dead = left.replace(/\/(\d+)-\d+-(\w+-\w{6})$/, '/$1-1-$2');
    assert.notEqual(dead, left);
    await rename(left, dead);
    await writeFile(join(dead, 'fat.img'), 'K10secret');
    succeeded(await flashed('--to', at('next.img'), '--hostname', 'next'));
    await assert.rejects(stat(dead), /ENOENT/);
    await rm(at('next.img'));
  });

  test('what does not fit together is said before anything is read', async () => {
    for (const [args, said] of [
      [['--to', at('a.img'), '--token', 'K10abc::server:x'], /--token takes a file with the token, not the token/],
      [['--to', at('a.img'), '--to', at('a.img')], /the card \S+ is there twice/],
      [['--to', at('a.img'), '--to', at('b.img'), '--hostname', 'same'], /the host name same is there twice/],
      [['--to', at('a.img'), '--hostname-pattern', 'node'], /--hostname-pattern node has no \{n\} in it/],
      [['--to', at('a.img'), '--size', '12Q'], /--size is 12Q/],
      [['--to', at('a.img'), '--user-data', at('none')], /none cannot be read: there is no such file/],
      [['--to', at('a.img'), '--hostnam', 'b'], /unknown option --hostnam \[USAGE\]\n {2}→ Did you mean --hostname\?/],
    ] as const) {
      const { status, stderr } = await flashed(...args);
      assert.equal(status, 2, stderr);
      assert.match(stderr, said);
      assert.ok(!stderr.includes('K10abc'));
    }
    assert.deepEqual(
      (await namesIn(workshop)).filter(name => /^[ab]\.img$/.test(name)),
      [],
    );
  });
});

describe('what is refused', () => {
  const refused = async (args: readonly string[], said: RegExp): Promise<void> => {
    const { status, stderr, stdout } = await flashed(...args);
    assert.equal(status, 1, stdout + stderr);
    assert.match(stderr, said);
    assert.match(stderr, /\[TARGET_REFUSED\]/);
  };

  test('the disk this system runs from, named by mistake, whatever the options say', async () => {
    const { stdout } = await run(['findmnt', '--noheadings', '--output', 'SOURCE', '--target', repositoryRoot]);
    const source = stdout.trim();
    assert.match(source, /^\/dev\//, 'the checkout is on a disk');
    const parent = await run(['lsblk', '--noheadings', '--output', 'PKNAME', '--nodeps', source]);
    const disk = parent.stdout.trim() === '' ? source : `/dev/${parent.stdout.trim()}`;
    await refused(
      ['--to', disk, '--yes', '--force', '--unmount'],
      /is the disk this system runs from: \S+ is on \/dev\//,
    );
    const list = succeeded(await flashed());
    assert.ok(list.stdout.includes(`${disk} (the system is on it)`), list.stdout);
  });

  test('too small, read-only, a slip of the finger, a folder, a file that is a loop device', async () => {
    await using small = await card('small', 20 * mebibyte);
    await refused(['--to', small.path, '--yes'], /is too small: it has 20 MiB, the image 122 MiB/);
    assert.ok((await readFile(small.file)).equals(Buffer.alloc(20 * mebibyte, 0xa5)), 'it is as it was');
    await using locked = await card('locked', cardBytes, ['--read-only']);
    await refused(['--to', locked.path, '--yes'], /is read-only/);
    await using large = await card('large-sectors', cardBytes, ['--sector-size', '4096']);
    await refused(['--to', large.path, '--yes'], /has sectors of 4096 bytes, the image's partition table is for 512/);
    await refused(['--to', '/dev/sdzz', '--yes'], /\/dev\/sdzz does not exist/);
    await refused(['--to', workshop, '--yes'], /is neither a disk nor a file/);
    await refused(['--to', small.file, '--yes'], /is in use as \/dev\/loop\d+/);
    await refused(['--to', at('x.img'), '--size', '16M'], /would be too small: 16 MiB, the image has 122 MiB/);
    await refused(['--to', image.raw, '--yes'], /is the image itself/);
  });

  test('a mounted one, unless it may be unmounted', async () => {
    await using loop = await card('mounted');
    const point = at('mounted');
    await mkdir(point);
    await run(['mkfs.ext4', '-q', '-F', loop.path]);
    await run(['mount', loop.path, point]);
    try {
      await refused(['--to', loop.path, '--yes', '--force'], new RegExp(`is mounted: ${loop.path} on ${point}`));
      succeeded(await flashed('--to', loop.path, '--yes', '--unmount'));
      assert.ok(!(await readFile('/proc/self/mounts', 'utf8')).includes(point));
    } finally {
      await run(['umount', point], { allowedExitCodes: [0, 32] });
    }
    await assertFlashed(loop.path, image);
  });

  test('cards that are mounted one in the other, in whatever order they are named', async () => {
    await using outer = await card('outer');
    await using inner = await card('inner');
    const point = at('outer');
    for (const [loop, folder] of [
      [outer, point],
      [inner, join(point, 'inner')],
    ] as const) {
      await run(['mkfs.ext4', '-q', '-F', loop.path]);
      await mkdir(folder);
      await run(['mount', loop.path, folder]);
    }
    try {
      succeeded(await flashed('--to', outer.path, '--to', inner.path, '--yes', '--unmount'));
    } finally {
      for (const folder of [join(point, 'inner'), point]) await run(['umount', folder], { allowedExitCodes: [0, 32] });
    }
  });

  test('a mount that is in use: which, by whom, and which are gone; nothing is written', async () => {
    await using idle = await card('idle');
    await using busy = await card('busy');
    const points = [at('a-long-name-goes-first'), at('busy')] as const;
    for (const [index, loop] of [idle, busy].entries()) {
      await run(['mkfs.ext4', '-q', '-F', loop.path]);
      await mkdir(points[index] ?? '');
      await run(['mount', loop.path, points[index] ?? '']);
    }
    await writeFile(join(points[1], 'open'), '');
    const user = await open(join(points[1], 'open'), 'r');
    try {
      const { status, stderr } = await flashed('--to', idle.path, '--to', busy.path, '--yes', '--unmount');
      assert.equal(status, 1, stderr);
      assert.match(
        stderr,
        new RegExp(
          `error: ${busy.path} cannot be unmounted from ${points[1]}: something is using it \\[TARGET_REFUSED\\]\\n.*target is busy.*\\n` +
            ` {2}→ End what uses it: fuser -vm ${points[1]} lists it\\. Nothing was written; not mounted any more: ${points[0]}\\.`,
        ),
      );
    } finally {
      await user.close();
      for (const point of points) await run(['umount', point], { allowedExitCodes: [0, 32] });
    }
    await run(['fsck.ext4', '-n', idle.path]);
  });

  test('the disk that the image itself is on', async () => {
    await using loop = await card('self', 400 * mebibyte);
    const point = at('self');
    await mkdir(point);
    await run(['mkfs.ext4', '-q', '-F', loop.path]);
    await run(['mount', loop.path, point]);
    try {
      await cp(image.raw, join(point, 'own.raw'));
      const { status, stderr } = await cli(['flash', join(point, 'own.raw'), '--to', loop.path, '--yes', '--unmount']);
      assert.equal(status, 1, stderr);
      assert.match(stderr, /\/dev\/loop\d+ is the disk that the image is on: \S+self\/own\.raw \[TARGET_REFUSED\]/);
      assert.ok((await readFile('/proc/self/mounts', 'utf8')).includes(point), 'it is mounted still');
    } finally {
      await run(['umount', point], { allowedExitCodes: [0, 32] });
    }
  });

  test('one that something else has open for itself', async () => {
    await using loop = await card('taken');
    // O_RDWR | O_EXCL, as a virtual machine or another flasher takes it.
    const other = await open(loop.path, 0o2 | 0o200);
    try {
      await refused(['--to', loop.path, '--yes'], /cannot be opened for writing: something is using it/);
    } finally {
      await other.close();
    }
  });
});

describe('an image that is not what it was', () => {
  const copied = async (name: string): Promise<TestImage> => {
    const out = at(name);
    await cp(join(image.out, image.name), join(out, image.name), { recursive: true });
    const moved = (path: string): string => path.replace(image.out, out);
    return { ...image, out, raw: moved(image.raw), compressed: moved(image.compressed), bmap: moved(image.bmap) };
  };
  const spoil = async (path: string, offset: number): Promise<void> => {
    const file = await open(path, 'r+');
    const [byte = 0] = await bytesOf(path, offset, 1);
    await file.write(Buffer.from([byte ^ 0xff]), 0, 1, offset);
    await file.close();
  };
  const fails = async (path: string, said: RegExp): Promise<void> => {
    await using loop = await card('unlucky');
    const { status, stderr, stdout } = await cli(['flash', path, '--to', loop.path, '--yes']);
    assert.equal(status, 1, stderr);
    assert.match(stderr, said);
    assert.match(stdout, /✘ \/dev\/loop\d+ .* NOT flashed/);
    assert.match(stderr, /has no partition table now: nothing boots from it/);
    await assertNotBootable(loop.path, cardBytes);
  };

  test('one wrong byte', async () => {
    const wrong = await copied('wrong-byte');
    await spoil(wrong.raw, 60 * mebibyte + 5);
    await fails(wrong.raw, /small\.raw is damaged between 50331648 and 67108864 bytes \[IMAGE_DAMAGED\]/);
  });

  test('one wrong byte of the compressed image', async () => {
    const wrong = await copied('wrong-zst');
    await spoil(wrong.compressed, Math.floor((await stat(wrong.compressed)).size / 2));
    await fails(wrong.compressed, /\[IMAGE_DAMAGED\]/);
  });

  test('cut short, compressed or not', async () => {
    const short = await copied('short');
    await truncate(short.compressed, Math.floor((await stat(short.compressed)).size / 2));
    await fails(short.compressed, /small\.raw\.zst cannot be decompressed: .*[\s\S]*\[IMAGE_DAMAGED\]/);
    await truncate(short.raw, 50 * mebibyte);
    const { status, stderr } = await cli(['flash', short.raw, '--to', at('short.img')]);
    assert.equal(status, 1);
    assert.match(stderr, /has 52428800 bytes, its block map is of an image with 127926272/);
  });

  test('a file that is no image of a disk: it is said what it is, and nothing is written', async () => {
    const other = (name: string): string => join(image.out, name);
    const binds = { binds: [image.out] };
    await tool(['qemu-img', 'convert', '-O', 'qcow2', image.raw, other('small.qcow2')], binds);
    await tool(['sh', '-c', `gzip -1 -c '${image.raw}' > '${other('small.img.gz')}'`], binds);
    await tool(['zstd', '-q', image.bmap, '-o', other('map.raw.zst')], binds);
    await cp(image.compressed, other('small.img'));
    for (const [path, said] of [
      [
        other('small.qcow2'),
        /small\.qcow2 is no image of a disk: it is a qcow2 image \[USAGE\]\n {2}→ .*qemu-img convert/,
      ],
      [
        other('small.img.gz'),
        /it is compressed with gzip \[USAGE\]\n {2}→ Unpack it first: gunzip\. Nothing was written\.$/m,
      ],
      [other('small.img'), /it is compressed with zstd \[USAGE\]\n {2}→ Give it a name that ends with \.raw\.zst/],
      [other('map.raw.zst'), /map\.raw\.zst is no image of a disk: there is no partition table in it \[USAGE\]/],
      [
        join(image.out, image.name, 'SHA256SUMS'),
        /SHA256SUMS is no image of a disk: there is no partition table in it/,
      ],
    ] as const) {
      await writeFile(at('spared.img'), 'mine');
      const { status, stderr } = await cli(['flash', path, '--to', at('spared.img'), '--yes']);
      assert.equal(status, 2, stderr);
      assert.match(stderr, said);
      assert.equal(await readFile(at('spared.img'), 'utf8'), 'mine');
    }
  });

  test('another than SHA256SUMS names; a map that was changed', async () => {
    const other = await copied('other');
    await rm(other.bmap);
    await publishSums(join(other.out, other.name), ['small.raw']);
    await spoil(other.raw, 60 * mebibyte);
    await fails(other.raw, /small\.raw is not the one SHA256SUMS names/);
    const changed = await copied('changed');
    await writeFile(changed.bmap, (await readFile(changed.bmap, 'utf8')).replace('0-', '1-'));
    const { stderr } = await cli(['flash', changed.raw, '--to', at('changed.img')]);
    assert.match(stderr, /the block map \S+ is damaged: its checksum is of something else/);
    assert.ok(!(await namesIn(workshop)).includes('changed.img'));
  });
});

describe('what cards do', () => {
  const target = (path: string): Target => ({
    path,
    kind: 'device',
    description: '',
    sizeBytes: cardBytes,
    exists: true,
    isPrivate: false,
  });
  const flashWith = async (paths: readonly string[], observer: Observer, signal = new AbortController().signal) =>
    flash({
      image: await openImage(image.compressed, image.out),
      cards: paths.map(path => ({ target: target(path), patches: [] })),
      signal,
      observer,
    });

  test('one of two is pulled half-way: it does not look bootable, the other is whole', async () => {
    await using pulled = await card('pulled');
    await using other = await card('other');
    let isPulled = false;
    const [first, second] = await flashWith([pulled.path, other.path], {
      async progress(path, done) {
        if (path !== pulled.path || isPulled || done < 20 * mebibyte) return;
        isPulled = true;
        // What is behind it is gone: the device ends where it has been written to.
        await truncate(pulled.file, 16 * mebibyte);
        await run(['losetup', '--set-capacity', pulled.path]);
      },
    });
    assert.ok(isPulled);
    assert.match(String(first?.error), /\/dev\/loop\d+ could not be written at \d+(\.\d)? MiB: .*\((EIO|ENOSPC)\)/);
    assert.match(String(first?.state), /has no partition table now: nothing boots from it/);
    assert.equal(partitionsOf(await bytesOf(pulled.file, 0, tableBytes)), undefined);
    assert.equal(second?.error, undefined);
    await assertFlashed(other.path, image);
  });

  test('one is exchanged in its reader after it was chosen: nothing is written to any', async () => {
    await using reader = await card('reader');
    await using other = await card('waiting');
    const { sequence = '' } = (await listDisks()).find(({ path }) => path === reader.path) ?? {};
    assert.match(sequence, /^\d+$/);
    await run(['losetup', '--detach', reader.path]);
    await run(['losetup', reader.path, reader.file]);
    await assert.rejects(
      flash({
        image: await openImage(image.compressed, image.out),
        cards: [target(other.path), { ...target(reader.path), sequence }].map(each => ({ target: each, patches: [] })),
        signal: new AbortController().signal,
      }),
      /another card is in \/dev\/loop\d+ now than the one that was chosen/,
    );
    for (const { file } of [reader, other])
      assert.ok((await readFile(file)).equals(Buffer.alloc(cardBytes, 0xa5)), 'it is as it was');
  });

  test('one gives back something else than was written: noticed, though the page cache knows better', async () => {
    await using liar = await card('liar');
    const place = 70 * mebibyte + 12_345;
    const [result] = await flashWith([liar.path], {
      async phase(_, phase) {
        if (phase !== 'reading back') return;
        const behind = await open(liar.file, 'r+');
        await behind.write(Buffer.from('not what was written'), 0, 20, place);
        await behind.sync();
        await behind.close();
      },
    });
    assert.match(
      String(result?.error),
      /gives back something else than was written, within \d+(\.\d)? MiB at \d+(\.\d)? MiB/,
    );
    await assertNotBootable(liar.path, cardBytes);
  });

  test('one loses its first block at the very end: noticed, and the rest of its table is taken away', async () => {
    await using liar = await card('forgetful');
    let isFinishing = false;
    const [result] = await flashWith([liar.path], {
      async phase(_, phase) {
        isFinishing = phase === 'finishing';
      },
      async progress(_, done, total) {
        // The tail has been read back; the head comes next.
        if (!isFinishing || done === total) return;
        isFinishing = false;
        const behind = await open(liar.file, 'r+');
        await behind.write(Buffer.alloc(512, 1), 0, 512, 0);
        await behind.sync();
        await behind.close();
      },
    });
    assert.match(String(result?.error), /gives back something else than was written/);
    await assertNotBootable(liar.path, cardBytes);
  });

  test('interrupted while it writes: it does not look bootable, nothing is left behind', async () => {
    await using loop = await card('interrupted');
    const abort = new AbortController();
    const [result] = await flashWith([loop.path], { progress: () => abort.abort() }, abort.signal);
    assert.match(String(result?.error), /flashing was interrupted/);
    await assertNotBootable(loop.path, cardBytes);
  });

  test('a file that cannot be removed: it is said, and the others are let go of', async () => {
    const [stays, goes] = [at('stays.img'), at('goes.img')];
    const abort = new AbortController();
    const results = await flash({
      image: await openImage(image.compressed, image.out),
      cards: [stays, goes].map(path => ({
        target: { ...target(path), kind: 'file', exists: false },
        patches: [],
      })),
      signal: abort.signal,
      observer: {
        async progress(path) {
          if (path !== stays || abort.signal.aborted) return;
          abort.abort();
          await rm(path);
          await mkdir(path);
        },
      },
    });
    assert.match(results[0]?.state ?? '', /stays\.img could not be removed \(ERR_FS_EISDIR\): do not use it\.$/);
    assert.match(results[1]?.state ?? '', /goes\.img was removed\.$/);
    assert.ok(!(await namesIn(workshop)).includes('goes.img'));
    await rm(stays, { recursive: true });
  });

  test('Ctrl-C', async () => {
    await using loop = await card('ctrl-c');
    const { status, stderr } = await cli(['flash', image.compressed, '--to', loop.path, '--yes'], {
      env: interruptingItselfAt(/^loop\d+: Flash/m),
    });
    assert.equal(status, 130, stderr);
    assert.match(stderr, /error: flashing was interrupted \[INTERRUPTED\]/);
    assert.match(stderr, /has no partition table now/);
    await assertNotBootable(loop.path, cardBytes);
    await nothingLivesIn(image.compressed);
  });

  test('the disk of a file is full: the file is gone, the error says so', async () => {
    const folder = at('full');
    await mkdir(folder);
    await run(['mount', '-t', 'tmpfs', '-o', 'size=20M', 'tmpfs', folder]);
    try {
      const { status, stderr } = await flashed('--to', join(folder, 'node.img'));
      assert.equal(status, 1, stderr);
      assert.match(stderr, /node\.img could not be written at .*: the disk it is on is full \(ENOSPC\)/);
      assert.match(stderr, /node\.img was removed/);
      assert.deepEqual(await namesIn(folder), []);
    } finally {
      await run(['umount', folder]);
    }
  });
});

describe('on a terminal', () => {
  /** Flashes a card on a terminal of 100 columns; each answer is typed when its question is seen. */
  async function answered(
    path: string,
    answers: readonly (readonly [question: RegExp, typed: string, before?: () => Promise<unknown>])[],
    options: readonly string[] = [],
  ): Promise<{ status: number | null; screen: string }> {
    const words = [...cliCommand(), 'flash', image.name, '--out', image.out, '--to', path, ...options];
    const child = spawn('script', ['-qec', `stty cols 100; ${words.map(word => `'${word}'`).join(' ')}`, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, CI: '', TERM: 'xterm' },
      timeout: 60_000,
      killSignal: 'SIGKILL',
    });
    let screen = '';
    const left = [...answers];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      screen += text;
      const [next] = left;
      if (!next?.[0].test(screen)) return;
      left.shift();
      void Promise.resolve(next[2]?.()).then(() => child.stdin.write(next[1]));
    });
    const [status] = (await once(child, 'close')) as [number | null];
    assert.deepEqual(left, [], screen);
    return { status, screen };
  }
  const question = /Type \S+ or yes to go on: /;

  test('a card that is exchanged while it asks is not flashed, nor a file that has come', async () => {
    await using loop = await card('first-card');
    const other = at('second-card.img');
    await cp(loop.file, other);
    // A card reader keeps its name when its card is changed.
    const exchange = async (): Promise<void> => {
      await run(['losetup', '--detach', loop.path]);
      await run(['losetup', loop.path, other]);
    };
    const { status, screen } = await answered(loop.path, [[question, 'yes\r', exchange]]);
    assert.equal(status, 1, screen);
    assert.match(
      screen.replaceAll(/\s+/g, ' '),
      /is not what it was when it was chosen: its file was \S+first-card\.img and is \S+second-card\.img/,
    );
    assert.ok((await readFile(other)).equals(Buffer.alloc(cardBytes, 0xa5)), 'it is as it was');
    // Of cards in one reader nothing but the kernel's count tells which it is.
    const third = at('third-card.img');
    await cp(other, third);
    const exchangeUnseen = async (): Promise<void> => {
      await run(['losetup', '--detach', loop.path]);
      await rename(third, other);
      await run(['losetup', loop.path, other]);
    };
    const unseen = await answered(loop.path, [[question, 'yes\r', exchangeUnseen]]);
    assert.equal(unseen.status, 1, unseen.screen);
    assert.match(
      unseen.screen.replaceAll(/\s+/g, ' '),
      /is not what it was when it was chosen: its number of a change of cards was \d+ and is \d+/,
    );
    assert.ok((await readFile(other)).equals(Buffer.alloc(cardBytes, 0xa5)), 'it is as it was');
    const fresh = at('fresh.img');
    const came = await answered(loop.path, [[question, 'yes\r', () => writeFile(fresh, 'mine')]], ['--to', fresh]);
    assert.equal(came.status, 1, came.screen);
    assert.match(came.screen, /fresh\.img is not what it was when it was chosen: it was not there/);
    assert.equal(await readFile(fresh, 'utf8'), 'mine');
  });

  test('a token that is typed is not shown, and the question can be answered still; Ctrl-D is an answer to both', async () => {
    const file = at('typed.img');
    await writeFile(file, 'old');
    const token = [/The token \(it is not shown\): /, 'typed-by-hand\r'] as const;
    const options = ['--server', 'https://192.0.2.1:6443', '--token', '-'];
    const no = await answered(file, [token, [question, '\u0004']], options);
    assert.equal(no.status, 130, no.screen);
    assert.match(no.screen, /error: not confirmed \[INTERRUPTED\]/);
    const none = await answered(file, [[token[0], '\u0004']], options);
    assert.equal(none.status, 2, none.screen);
    assert.match(none.screen, /there is no token/);
    assert.equal(await readFile(file, 'utf8'), 'old');
    const yes = await answered(file, [token, [question, 'yes\r']], options);
    assert.equal(yes.status, 0, yes.screen);
    assert.ok(!yes.screen.includes('typed-by-hand'), yes.screen);
    assert.match((await onFat(file, 'user-data')) ?? '', /\n {2}token: typed-by-hand\n/);
  });

  test('the question names the disk; another answer leaves it alone, Ctrl-C too; its name flashes it', async () => {
    await using loop = await card('asked');
    const old = await bytesOf(loop.path, 0, tableBytes);
    for (const answer of ['nein\r', '\u0003']) {
      const no = await answered(loop.path, [[question, answer]]);
      assert.equal(no.status, 130, no.screen);
      assert.match(
        no.screen,
        /All that is on this will be lost:\r\n {2}\/dev\/loop\d+ {2}\S+asked\.img, 152 MiB; on it: nothing known/,
      );
      assert.match(no.screen, /error: not confirmed \[INTERRUPTED\]\r\n {2}→ Nothing was written\./);
      assert.ok((await bytesOf(loop.path, 0, tableBytes)).equals(old));
    }
    const yes = await answered(loop.path, [[question, `${loop.path.slice('/dev/'.length)}\r`]]);
    assert.equal(yes.status, 0, yes.screen);
    assert.match(yes.screen, /… Flash \/dev\/loop\d+ {2}\d+\.\d s {2}(writing|reading back)/);
    await assertFlashed(loop.path, image);
  });
});

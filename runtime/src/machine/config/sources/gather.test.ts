/** `/usr/lib/atoll/config-gather` and the boot partition, which others mount and check too. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readGathered } from './gathered.ts';

const gather = fileURLToPath(new URL('../../../../../rootfs/overlay/usr/lib/atoll/config-gather', import.meta.url));

interface Case {
  readonly what: string;
  /** What `mount` says to each attempt, the last to all that follow; empty: it mounts. */
  readonly says: readonly string[];
  /** Somebody has mounted it after so many attempts. */
  readonly mountedAfter?: number;
  readonly attempts: number;
  readonly error?: RegExp;
  readonly userData?: string;
}
const busy = 'mount: mounting /dev/vda1 on /run/atoll/config/volume failed: Device or resource busy';
const damaged = 'mount: mounting /dev/vda1 on /run/atoll/config/volume failed: Invalid argument';
const cases: readonly Case[] = [
  { what: 'is read', says: [''], attempts: 1, userData: '#cloud-config\n' },
  { what: 'is waited for while it is being checked', says: [busy, busy, ''], attempts: 3, userData: '#cloud-config\n' },
  { what: 'is read where somebody has mounted it meanwhile', says: [busy], mountedAfter: 2, attempts: 2 },
  {
    what: 'is not waited for when it is damaged',
    says: [damaged],
    attempts: 1,
    error: /^it cannot be mounted: .*Inval/,
  },
  { what: 'is not waited for for ever', says: [busy], attempts: 300, error: /^it cannot be mounted: .*busy/ },
];

for (const { what, says, mountedAfter = 1000, attempts, error, userData } of cases) {
  it(`the boot partition ${what}`, async t => {
    const run = await mkdtemp(join(tmpdir(), 'atoll-gather-'));
    t.after(() => rm(run, { recursive: true, force: true }));
    const work = join(run, 'atoll/config');
    await mkdir(join(work, 'volume'), { recursive: true });
    await writeFile(join(work, 'volume/user-data'), '#cloud-config\n');
    await mkdir(join(run, 'disk/atoll'), { recursive: true });
    await writeFile(join(run, 'disk/atoll/esp'), '');
    await writeFile(join(run, 'says'), says.map(line => `${line}\n`).join(''));
    const script = `
attempts=0
mount() {
    attempts=$((attempts + 1))
    echo $attempts > "$ATOLL_RUN/attempts"
    said=$(sed -n "$attempts{p;q};\\$p" "$ATOLL_RUN/says" | head -n 1)
    [ -z "$said" ] || { echo "$said" >&2; return 1; }
}
umount() { :; }
timeout() { :; }
usleep() { :; }
grep() {
    case "$*" in
        *' /efi vfat '*) [ $attempts -ge ${mountedAfter} ] ;;
        *) command grep "$@" ;;
    esac
}
. "$1"`;
    execFileSync('sh', ['-c', script, 'sh', gather], { env: { ...process.env, ATOLL_RUN: run, ATOLL_DEV: run } });
    assert.equal((await readFile(join(run, 'attempts'), 'utf8')).trim(), String(attempts));
    const esp = join(work, 'sources/esp');
    const read = (name: string): Promise<string | undefined> =>
      readFile(join(esp, name), 'utf8').catch(() => undefined);
    assert.equal(await read('user-data'), userData);
    if (error) assert.match((await read('error')) ?? '', error);
    else assert.equal(await read('error'), undefined, (await readdir(work)).join());
  });
}

const text = '#cloud-config\nhostname: press-7\natoll: {role: agent}\n';
const base64 = Buffer.from(text).toString('base64');
const strings: readonly (readonly [what: string, value: string, userData: string | undefined])[] = [
  ['is read', base64, text],
  ['may be broken into lines', base64.replace(/.{20}/g, '$& '), text],
  ['is refused when it was cut', base64.slice(0, 42), undefined],
  ['is refused when it was cut after a letter', base64.slice(0, 41), undefined],
  ['is refused when nothing is left of it', '', undefined],
  ['is refused when it is something else', '#cloud-config', undefined],
  ['is refused with something else in it', `${base64.slice(0, 40)}!!!!${base64.slice(40)}`, undefined],
  ['is refused in another alphabet', Buffer.from('#cloud-config\nlocale: "??>>~~"').toString('base64url'), undefined],
];
for (const [what, value, userData] of strings)
  it(`an SMBIOS string ${what}`, async t => {
    const folder = await mkdtemp(join(tmpdir(), 'atoll-gather-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const entry = join(folder, 'sys/firmware/dmi/entries/11-0');
    await mkdir(entry, { recursive: true });
    await mkdir(join(folder, 'run/atoll/config'), { recursive: true });
    await writeFile(join(entry, 'raw'), `\x0b\x05\x0b\x00\x01io.atoll.user-data=${value}\0other\0\0`);
    const script = `mount() { :; }; umount() { :; }; timeout() { :; }; . ${gather}`;
    execFileSync('sh', ['-c', script], {
      env: { ...process.env, ATOLL_RUN: join(folder, 'run'), ATOLL_SYS: join(folder, 'sys') },
    });
    const found = readGathered(join(folder, 'run/atoll/config/sources'));
    assert.deepEqual(
      found.sources.map(({ documents }) => documents['user-data']?.toString()),
      userData === undefined ? [] : [userData],
    );
    const said = found.problems.map(({ message }) => message);
    if (userData !== undefined) assert.deepEqual(said, []);
    else
      assert.match(
        said.join(),
        /^SMBIOS type 11: io\.atoll\.user-data is not base64, or was cut: \d+ characters have come$/,
      );
  });

const lines: readonly (readonly [cmdline: string, url: string | undefined, serial?: string])[] = [
  ['root=x quiet', undefined],
  ['ds=nocloud', undefined],
  ['ds=nocloud;s=http://h/a/', 'url=http://h/a/\nfrom=the kernel command line\n'],
  ['ds=nocloud-net;seedfrom=https://h/a;dsmode=net', 'url=https://h/a/\nfrom=the kernel command line\n'],
  ['ds=nocloud;s=http://h/a/?k=v', 'url=http://h/a/?k=v\nfrom=the kernel command line\n'],
  [
    'ds=nocloud;h=press-7;i=i-7;s=http://h/',
    'local-hostname=press-7\ninstance-id=i-7\nurl=http://h/\nfrom=the kernel command line\n',
  ],
  ['ds=nocloud;s=/cdrom/', 'untaken=s=/cdrom/\n'],
  ['ds=nocloud;s=http://h/;x=y', 'url=http://h/\nfrom=the kernel command line\nuntaken=x=y\n'],
  ['ds=nocloudy;s=http://h/', undefined],
  ['quiet', "url=http://h/\nfrom=the machine's serial number\n", 'ds=nocloud;s=http://h/'],
  ['ds=nocloud;s=http://k/', 'url=http://k/\nfrom=the kernel command line\n', 'ds=nocloud;s=http://h/;h=x'],
  [
    'atoll.config.sha256.meta-data=cd ds=nocloud;s=http://k/;h=x atoll.config=http://h/a.yaml atoll.config.sha256=ab',
    'url=http://h/a.yaml\nfrom=the kernel command line\nsha256.meta-data=cd\nsha256=ab\n',
  ],
];
for (const [cmdline, url, serial] of lines)
  it(`a URL from ${serial === undefined ? '' : `the serial number ${serial} and `}${cmdline}`, async t => {
    const folder = await mkdtemp(join(tmpdir(), 'atoll-gather-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    for (const one of ['run/atoll/config', 'sys/class/dmi/id', 'proc'])
      await mkdir(join(folder, one), { recursive: true });
    await writeFile(join(folder, 'proc/cmdline'), `${cmdline}\n`);
    if (serial !== undefined) await writeFile(join(folder, 'sys/class/dmi/id/product_serial'), `${serial}\n`);
    const script = `mount() { :; }; umount() { :; }; timeout() { :; }; . ${gather}`;
    execFileSync('sh', ['-c', script], {
      env: {
        ...process.env,
        ATOLL_RUN: join(folder, 'run'),
        ATOLL_SYS: join(folder, 'sys'),
        ATOLL_PROC: join(folder, 'proc'),
      },
    });
    assert.equal(await readFile(join(folder, 'run/atoll/config/url'), 'utf8').catch(() => undefined), url);
  });

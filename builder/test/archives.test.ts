/**
 * Nothing is believed that is not what Debian signed: the index, the archives a mirror sends, the archives in the cache. The
 * mirror here is a server on loopback that lies in one way at a time.
 */
import assert from 'node:assert/strict';
import { copyFile, mkdir, open, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { BuildError } from '../src/errors.ts';
import { hashFile } from '../src/files.ts';
import { mirrorsFrom } from '../src/packages/apt.ts';
import { ensureArchives } from '../src/packages/archives.ts';
import { freshIndex } from '../src/packages/fresh-index.ts';
import { type ResolvedPackage, readPackages } from '../src/packages/resolve.ts';
import { cacheDirectory, repositoryRoot } from '../src/paths.ts';
import { createProgress } from '../src/progress.ts';
import { cli, coldCache, makeWorkshop, namesIn, type Outcome, stepsIn, succeeded, warmCache } from './workshop.ts';

let workshop = '';
let mirror: Server;
let address = '';
/** What the mirror answers, by path; undefined is 404. */
let answer: (path: string) => Buffer | undefined = () => undefined;
/** The release file as Debian signed it. */
let release = '';
let netbase: ResolvedPackage;

/** A suite of amd64 as the machine's own cache has it: its release file, and the list of packages that names. */
async function signed(suite: string): Promise<{ release: string; packages: Buffer }> {
  const apt = join(cacheDirectory(), 'apt');
  for (const name of await readdir(apt)) {
    const lists = join(apt, name, 'lists');
    const file = (await namesIn(lists)).find(each => each.endsWith(`_dists_${suite}_InRelease`));
    if (!file || !name.startsWith('amd64-')) continue;
    const release = await readFile(join(lists, file), 'utf8');
    assert.match(release, /^-----BEGIN PGP SIGNED MESSAGE-----/);
    const packages = await readFile(join(lists, file.replace(/InRelease$/, 'main_binary-amd64_Packages')));
    return { release, packages };
  }
  throw new Error(`no index of ${suite} in ${apt}`);
}

before(async () => {
  workshop = await makeWorkshop();
  mirror = createServer((request, response) => {
    const body = answer(request.url ?? '');
    response.writeHead(body ? 200 : 404, { 'content-length': body?.length ?? 0 }).end(body);
  });
  await new Promise<void>(resolve => mirror.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(mirror.address() as AddressInfo).port}`;
  const warm = join(workshop, 'warm-up');
  succeeded(await cli(['build', '--no-compress', '--out', warm]));
  const cache = cacheDirectory();
  ({ release } = await signed('trixie'));
  const manifest = JSON.parse(await readFile(join(warm, 'vm-x86_64/manifest.json'), 'utf8')) as {
    timings: { step: string; key: string }[];
  };
  const key = manifest.timings.find(({ step }) => step === 'packages')?.key ?? '';
  const found = (await readPackages(join(cache, 'steps/packages', key, 'packages.json'))).find(
    ({ name }) => name === 'netbase',
  );
  assert.ok(found);
  netbase = found;
});
after(async () => {
  await new Promise(resolve => mirror.close(resolve));
  await rm(workshop, { recursive: true, force: true });
});

/** A build that has only this mirror, and no index yet. */
async function buildFrom(url: string): Promise<Outcome> {
  const folder = join(workshop, 'mirrored');
  await rm(folder, { recursive: true, force: true });
  const cache = await coldCache(join(folder, 'cache'));
  await rm(join(cache, 'apt'));
  const definition = join(folder, 'vm-x86_64.yaml');
  const image = await readFile(join(repositoryRoot, 'images/vm-x86_64.yaml'), 'utf8');
  await writeFile(definition, image.replace(/suites: .*/, 'suites: [trixie]'));
  const outcome = await cli(['build', definition, '--out', join(folder, 'out')], {
    cache,
    env: { ATOLL_DEBIAN_MIRROR: `${url}/debian` },
  });
  assert.deepEqual(await namesIn(join(folder, 'out')), []);
  assert.deepEqual(await namesIn(join(cache, 'steps')), []);
  return outcome;
}

function refused({ status, stderr }: Outcome, words: readonly string[]): void {
  assert.equal(status, 1, stderr);
  assert.match(stderr, /^index: FAILED after/m);
  for (const word of words) assert.ok(stderr.includes(word), `${word}\nin\n${stderr}`);
  assert.doesNotMatch(stderr, /^ {4}at /m, 'no stack');
}

for (const { what, text } of [
  { what: 'was changed after it was signed', text: () => release.replace(/^Codename: .*$/m, 'Codename: trixiE') },
  {
    what: 'is not signed',
    text: () => release.replace(/^[\s\S]*?\n\n/, '').replace(/-----BEGIN PGP SIGNATURE-----[\s\S]*/, ''),
  },
]) {
  test(`refused: an index that ${what}`, async () => {
    assert.notEqual(text(), release);
    answer = path => (path.endsWith('/InRelease') ? Buffer.from(text()) : undefined);
    refused(await buildFrom(address), [
      '[SIGNATURE_INVALID]',
      `the package index of ${address}/debian does not carry Debian's signature`,
      'Nothing of it was used',
    ]);
  });
}

test('refused: a list of packages that is not the one the signed index names', async () => {
  const size = Number(/^ [0-9a-f]{64} +(\d+) main\/binary-amd64\/Packages\.xz$/m.exec(release)?.[1]);
  assert.ok(size > 0);
  answer = path =>
    path.endsWith('/InRelease') ? Buffer.from(release) : /Packages|by-hash/.test(path) ? Buffer.alloc(size) : undefined;
  refused(await buildFrom(address), [
    '[HASH_MISMATCH]',
    'is not the one its signed release file names',
    'ATOLL_DEBIAN_MIRROR',
  ]);
});

test('a suite the image may lack is left out when its index does not hold, and that is said; for a release it is refused', async () => {
  const cache = await coldCache(join(workshop, 'lacking'));
  const said: string[] = [];
  const progress = createProgress({ write: text => said.push(text) });
  // This mirror has the security suite as Debian signed it, and other packages than it names.
  const security = (await signed('trixie-security')).release;
  answer = path =>
    path.endsWith('/InRelease') ? Buffer.from(security) : /Packages|by-hash/.test(path) ? Buffer.alloc(100) : undefined;
  const options = {
    cache,
    sources: {
      architecture: 'amd64',
      suites: ['trixie', 'trixie-security'],
      components: ['main'],
      mirrors: { main: mirrorsFrom(process.env).main, security: `${address}/debian-security` },
    },
    maximumAgeMs: 24 * 3_600_000,
    progress,
    signal: AbortSignal.timeout(300_000),
  };
  await assert.rejects(freshIndex({ ...options, mayLack: [] }), { code: 'HASH_MISMATCH' });
  assert.deepEqual(said, []);
  const { sources } = await freshIndex({ ...options, mayLack: ['trixie-security'] });
  assert.deepEqual(sources.suites, ['trixie']);
  assert.match(
    said.join('\n'),
    /^warning: an index of .*: built without trixie-security, .*a release would not be built/,
  );
});

describe('a mirror on which the release does not hold', () => {
  /** Its `trixie` and security have other packages than their release files name; what `stable` is varies. */
  const indexFrom = async (cache: string, stable: { release: string; packages: Buffer }, mayLack: string[]) => {
    const { release: security } = await signed('trixie-security');
    answer = path => {
      const isList = /Packages|by-hash/.test(path);
      if (path.includes('/dists/stable/'))
        return path.endsWith('/InRelease')
          ? Buffer.from(stable.release)
          : path.endsWith('/Packages')
            ? stable.packages
            : undefined;
      return isList ? Buffer.alloc(100) : Buffer.from(path.startsWith('/debian-security/') ? security : release);
    };
    const said: string[] = [];
    const index = await freshIndex({
      cache: await coldIndex(cache),
      sources: {
        architecture: 'amd64',
        suites: ['trixie', 'trixie-security'],
        components: ['main'],
        mirrors: { main: `${address}/debian`, security: `${address}/debian-security` },
      },
      mayLack,
      maximumAgeMs: 24 * 3_600_000,
      progress: createProgress({ write: text => said.push(text) }),
      signal: AbortSignal.timeout(300_000),
    }).catch((error: BuildError) => error);
    return { index, said: said.join('\n') };
  };
  /** A cache with the tools tree, and no index. */
  const coldIndex = async (name: string): Promise<string> => {
    const cache = await coldCache(join(workshop, name));
    await rm(join(cache, 'apt'));
    return cache;
  };

  test('is built from as far as it holds under the other name, which is said', async () => {
    const { index, said } = await indexFrom('elsewhere', await signed('trixie'), ['trixie-security']);
    assert.ok('apt' in index, String(index));
    assert.deepEqual(index.sources.suites, ['stable']);
    assert.match(
      said,
      /^warning: an index of .*: built from stable as of \w+, .* UTC \(Debian 13\.\d+\), without trixie-security, .*a release would not be built/,
    );
    assert.match((await index.apt.apt(['apt-cache', 'show', 'netbase'])).stdout, /^Package: netbase$/m);
  });

  test('is refused when the other name is another release by now', async () => {
    const { index, said } = await indexFrom('moved', await signed('trixie-updates'), ['trixie-security']);
    assert.equal((index as BuildError).code, 'HASH_MISMATCH');
    assert.equal(said, '');
  });

  test('is refused for a release', async () => {
    const { index, said } = await indexFrom('release', await signed('trixie'), []);
    assert.equal((index as BuildError).code, 'HASH_MISMATCH');
    assert.equal(said, '');
  });
});

test('refused: no mirror at all', async () => {
  const gone = createServer();
  await new Promise<void>(resolve => gone.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(gone.address() as AddressInfo).port}`;
  await new Promise(resolve => gone.close(resolve));
  refused(await buildFrom(url), [
    '[ARCHIVE_UNREACHABLE]',
    'the package index of trixie cannot be fetched',
    `Check the network and ${url}/debian; ATOLL_DEBIAN_MIRROR names another mirror`,
  ]);
});

/** Fetches netbase, as the mirror has it, into an empty cache. */
async function fetchNetbase(): Promise<{ archives: string[]; temporary: string[]; error: BuildError | undefined }> {
  const cache = join(workshop, 'fetching');
  await rm(cache, { recursive: true, force: true });
  const archive = { ...netbase, url: `${address}/netbase.deb` };
  const error = await ensureArchives([archive], {
    ...{ cache, signal: new AbortController().signal, note: () => undefined, warn: () => undefined },
  }).then(
    () => undefined,
    (reason: BuildError) => reason,
  );
  return { archives: await namesIn(join(cache, 'archives')), temporary: await namesIn(join(cache, 'tmp')), error };
}

test('refused: an archive that is not the one the signed index names', async () => {
  answer = () => Buffer.alloc(netbase.sizeBytes, 'x');
  const { archives, temporary, error } = await fetchNetbase();
  assert.equal(error?.code, 'HASH_MISMATCH');
  assert.match(error?.message ?? '', /a package archive is not the one the signed index names/);
  assert.deepEqual([archives, temporary], [[], []]);
});

test('refused: an archive the mirror no longer has', async () => {
  answer = () => undefined;
  const { archives, temporary, error } = await fetchNetbase();
  assert.equal(error?.code, 'ARCHIVE_UNREACHABLE');
  assert.match(error?.tail ?? '', /404/);
  assert.match(error?.hint ?? '', /--update/);
  assert.deepEqual([archives, temporary], [[], []]);
});

test('a damaged archive in the cache is noticed and fetched again, and the build is what it was', async () => {
  const cache = await warmCache(join(workshop, 'damaged'));
  const real = join(cacheDirectory(), 'archives');
  const own = join(cache, 'archives');
  await rm(own);
  await mkdir(own);
  for (const name of await readdir(real)) await symlink(join(real, name), join(own, name));
  const [sha256 = ''] = /^[0-9a-f]{64}/.exec(netbase.sha256) ?? [];
  const name = (await readdir(real)).find(each => each.startsWith(sha256)) ?? '';
  await rm(join(own, name));
  await copyFile(join(real, name), join(own, name));
  const file = await open(join(own, name), 'r+');
  await file.write(Buffer.from('!'), 0, 1, 700);
  await file.close();
  await rm(join(cache, 'steps/archives'), { recursive: true });
  const outcome = succeeded(await cli(['build', '--no-compress', '--out', join(workshop, 'repaired')], { cache }));
  assert.match(
    outcome.stderr,
    new RegExp(`^warning: the cached archive of netbase ${netbase.version} was damaged; fetching it again$`, 'm'),
  );
  assert.deepEqual(stepsIn(outcome).done, ['archives']);
  assert.equal(await hashFile(join(own, name)), await hashFile(join(real, name)));
  assert.ok((await stat(join(own, name))).isFile());
});

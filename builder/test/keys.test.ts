/**
 * Keys from the first to the last: made, replaced, revoked. What is signed with them is a real bundle by RAUC; who judges it is the node's
 * own reader (runtime/src/machine/upgrade/bundle/), with what an image would trust.
 */
import assert from 'node:assert/strict';
import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readBundle } from '../../runtime/src/machine/upgrade/bundle/bundle.ts';
import { openFileSource } from '../../runtime/src/machine/upgrade/bundle/fileSource.ts';
import { UpgradeError } from '../../runtime/src/machine/upgrade/upgradeError.ts';
import { listTree } from '../src/files.ts';
import {
  addAuthority,
  ensureKeys,
  retireAuthorities,
  revocationLists,
  revokeSigning,
  rotateSigning,
  type Signer,
  signerOf,
  signingKeys,
  switchAuthority,
  trustOf,
} from '../src/keys/keyring.ts';
import { asn1Time, makeSigning } from '../src/keys/openssl.ts';
import { authorityPath, type KeyKind, readRing, signingPath } from '../src/keys/places.ts';
import { tool } from '../src/tools.ts';
import { tinyBundle } from './tinyBundle.ts';

let workshop = '';
/** Keys made once; each test has a copy. */
let made = '';
const { signal } = new AbortController();

before(async () => {
  workshop = await mkdtemp(join(tmpdir(), 'atoll-keys-'));
  made = join(workshop, 'made/deep');
  assert.equal(await ensureKeys('development', { keys: made }), true);
  assert.equal(await ensureKeys('release', { keys: made }), true);
});
after(() => rm(workshop, { recursive: true, force: true }));

let count = 0;
async function freshKeys(): Promise<string> {
  const keys = join(workshop, `keys-${++count}`);
  await cp(made, keys, { recursive: true });
  return keys;
}

/** What an image built now has in /usr/lib/atoll/ota. */
async function imageOf(kind: KeyKind, keys: string): Promise<string> {
  const folder = join(workshop, `image-${++count}`);
  await mkdir(folder);
  const { authorities, revoked } = await trustOf(kind, keys);
  await writeFile(join(folder, 'authorities.pem'), authorities);
  await writeFile(join(folder, 'revoked.crl.pem'), revoked);
  return folder;
}

async function bundleBy(signer: Signer): Promise<string> {
  return tinyBundle(join(workshop, `bundle-${++count}`), { signer });
}

const signedNow = async (kind: KeyKind, keys: string): Promise<string> => bundleBy(await signerOf(kind, keys));

/** `accepted`, or the code of the refusal. */
async function judged(bundle: string, trustDir: string): Promise<string> {
  try {
    // Each image runs on a node of its own.
    const trust = { trustDir, runDir: workshop, stateDir: `${trustDir}-state` };
    await (await readBundle(await openFileSource(bundle), trust, signal)).close();
    return 'accepted';
  } catch (error) {
    if (error instanceof UpgradeError) return error.code;
    throw error;
  }
}

test('keys are for their owner only, and are not made a second time', async () => {
  const keys = await freshKeys();
  const contents = async (): Promise<string[]> => {
    const files = (await listTree(keys)).filter(({ type }) => type === 'file');
    return Promise.all(files.map(async ({ path }) => `${path} ${await readFile(join(keys, path), 'latin1')}`));
  };
  const first = await contents();
  assert.equal(await ensureKeys('development', { keys }), false);
  assert.deepEqual(await contents(), first);
  for (const { path, type } of await listTree(made)) {
    const { mode } = await stat(join(made, path));
    assert.equal((mode & 0o777).toString(8), type === 'directory' ? '700' : '600', path);
  }
  assert.equal(((await stat(made)).mode & 0o777).toString(8), '700');
});

test('who makes keys at the same time makes one set', async () => {
  const keys = join(workshop, 'together');
  const results = await Promise.all([1, 2, 3].map(() => ensureKeys('development', { keys })));
  assert.equal(results.filter(Boolean).length, 1);
  assert.deepEqual(await readdir(keys), ['development'], 'nothing half-made is left');
  assert.equal((await signingKeys('development', keys)).length, 1);
});

test('an image takes what its own kind signed; a development image what releases signed too', async () => {
  const keys = await freshKeys();
  const [development, release] = await Promise.all([imageOf('development', keys), imageOf('release', keys)]);
  const tried = await signedNow('development', keys);
  const released = await signedNow('release', keys);
  assert.equal(await judged(tried, development), 'accepted');
  assert.equal(await judged(released, development), 'accepted');
  assert.equal(await judged(released, release), 'accepted');
  assert.equal(await judged(tried, release), 'UNKNOWN_AUTHORITY');
});

test('RAUC and openssl themselves take the signature, by the authority alone', async () => {
  const signer = await signerOf('release', made);
  const bundle = await bundleBy(signer);
  const mounts = { readOnly: [workshop] };
  const { stdout } = await tool(
    ['rauc', `--keyring=${signer.authority}`, 'info', '--output-format=json-2', bundle],
    mounts,
  );
  const info = JSON.parse(stdout) as { update: { compatible: string }; images: { adaptive: string[] }[] };
  assert.equal(info.update.compatible, 'atoll-tiny');
  assert.deepEqual(
    info.images.map(({ adaptive }) => adaptive),
    [['block-hash-index'], ['block-hash-index'], ['block-hash-index']],
  );
  const purpose = [
    'openssl',
    'verify',
    '-purpose',
    'codesign',
    '-CAfile',
    signer.authority,
    signer.certificate,
  ] as const;
  assert.match((await tool([...purpose], mounts)).stdout, /: OK$/m);
  const other = (await signerOf('development', made)).authority;
  await assert.rejects(tool(['rauc', `--keyring=${other}`, 'info', bundle], mounts), /rauc ended with status 1/);
});

test('another signing key of the same authority is taken by the images there are', async () => {
  const keys = await freshKeys();
  const image = await imageOf('release', keys);
  const before = await signedNow('release', keys);
  await rotateSigning('release', { keys });
  assert.equal(await judged(await signedNow('release', keys), image), 'accepted');
  assert.equal(await judged(before, image), 'accepted');
  assert.equal((await signingKeys('release', keys)).length, 2, 'the one before it is kept');
});

test('another authority: refused by who knows the old one only, taken after the image between', async () => {
  const keys = await freshKeys();
  const old = await imageOf('release', keys);
  assert.equal(await addAuthority('release', { keys }), 2);
  const between = await imageOf('release', keys);
  const bundleOfBetween = await signedNow('release', keys);
  assert.equal(await judged(bundleOfBetween, old), 'accepted', 'the old authority still signs');
  await assert.rejects(addAuthority('release', { keys }), /two authorities already/);
  assert.equal(await switchAuthority('release', { keys }), 2);
  const next = await signedNow('release', keys);
  assert.equal(await judged(next, old), 'UNKNOWN_AUTHORITY');
  assert.equal(await judged(next, between), 'accepted');
  await assert.rejects(switchAuthority('release', { keys }), /signs already/);
  assert.deepEqual(await retireAuthorities('release', { keys }), [1]);
  const last = await imageOf('release', keys);
  assert.equal(await judged(bundleOfBetween, last), 'UNKNOWN_AUTHORITY');
  assert.equal(await judged(next, last), 'accepted');
  assert.equal(await addAuthority('release', { keys }), 3, 'numbers are not used twice');
});

test('a revoked key: refused by images built after it, and by all that see the list beside the bundle', async () => {
  const keys = await freshKeys();
  const before = await imageOf('release', keys);
  const { signs } = (await readRing(keys, 'release')) ?? assert.fail('no keys');
  const lost = await signedNow('release', keys);
  assert.equal(await judged(lost, before), 'accepted');
  const serial = await revokeSigning('release', signs.serial, { keys });
  assert.notEqual(serial, signs.serial, 'another signs now');
  const good = await signedNow('release', keys);
  const image = await imageOf('release', keys);
  assert.equal(await judged(lost, image), 'REVOKED');
  assert.equal(await judged(good, image), 'accepted');
  assert.equal(await judged(good, before), 'accepted');
  for (const bundle of [lost, good])
    await writeFile(join(bundle, '../revoked.crl.pem'), await revocationLists('release', keys));
  assert.equal(await judged(lost, before), 'REVOKED');
  assert.equal(await judged(good, before), 'accepted');
  await rm(join(lost, '../revoked.crl.pem'));
  assert.equal(await judged(lost, before), 'REVOKED', 'the list is remembered');
  assert.equal(
    await revokeSigning('release', signs.serial.toLowerCase(), { keys }),
    serial,
    'a second time is no error',
  );
  assert.deepEqual(
    (await signingKeys('release', keys)).map(key => [key.serial === serial, key.signs, key.revoked]).sort(),
    [
      [false, false, true],
      [true, true, false],
    ],
  );
  await assert.rejects(revokeSigning('release', '12', { keys }), /no release signing key with the serial 12/);
});

test('several keys can be revoked, the last of them too', async () => {
  const keys = await freshKeys();
  const bundles: string[] = [];
  for (let round = 0; round < 3; round++) {
    const { signs } = (await readRing(keys, 'development')) ?? assert.fail('no keys');
    bundles.push(await signedNow('development', keys));
    await revokeSigning('development', signs.serial, { keys });
  }
  const image = await imageOf('development', keys);
  for (const bundle of bundles) assert.equal(await judged(bundle, image), 'REVOKED');
  assert.equal(await judged(await signedNow('development', keys), image), 'accepted');
});

test('a certificate that has expired, is not valid yet, or is for something else', async () => {
  const keys = await freshKeys();
  const authority = authorityPath(keys, 'release', 1);
  const image = await imageOf('release', keys);
  const day = (offset: number): string => asn1Time(new Date(Date.now() + offset * 24 * 3_600_000));
  await appendFile(
    join(authority, 'openssl.cnf'),
    '[server]\nbasicConstraints = critical, CA:FALSE\nkeyUsage = critical, digitalSignature\nextendedKeyUsage = serverAuth, emailProtection\n',
  );
  const rows = [
    { serial: '51', from: day(-9), until: day(-1), section: 'signing', expected: 'EXPIRED' },
    { serial: '52', from: day(1), until: day(9), section: 'signing', expected: 'NOT_YET_VALID' },
    { serial: '53', from: day(-1), until: day(1), section: 'server', expected: 'WRONG_PURPOSE' },
    { serial: '54', from: day(-1), until: day(1), section: 'signing', expected: 'accepted' },
  ];
  for (const { serial, section, expected, ...validity } of rows) {
    await makeSigning(authority, 'release', serial, validity, section);
    const folder = signingPath(keys, 'release', { authority: 1, serial });
    const signer = {
      ...(await signerOf('release', keys)),
      certificate: join(folder, 'certificate.pem'),
      key: join(folder, 'key.pem'),
    };
    const bundle = await tinyBundle(join(workshop, `bundle-${++count}`), { signer, checked: false });
    assert.equal(await judged(bundle, image), expected, serial);
  }
});

test('a node whose clock is years behind takes bundles, and its lists do not grow old', async () => {
  const keys = await freshKeys();
  await revokeSigning('release', (await readRing(keys, 'release'))?.signs.serial ?? '', { keys });
  const signer = await signerOf('release', keys);
  const list = join(authorityPath(keys, 'release', 1), 'revoked.crl.pem');
  const trusted = join(workshop, 'trusted.pem');
  await writeFile(trusted, (await readFile(signer.authority, 'utf8')) + (await readFile(list, 'utf8')));
  for (const year of [2021, 2035]) {
    const then = String(Math.floor(Date.UTC(year) / 1000));
    const { stdout } = await tool(
      [
        'openssl',
        'verify',
        '-attime',
        then,
        '-crl_check',
        '-purpose',
        'codesign',
        '-CAfile',
        trusted,
        signer.certificate,
      ],
      { readOnly: [workshop] },
    );
    assert.match(stdout, /: OK$/m, String(year));
  }
});

test('a key ring that cannot be read says so, and nothing is made over it', async () => {
  const keys = await freshKeys();
  await writeFile(join(keys, 'release/keys.json'), '{"format":1');
  await assert.rejects(trustOf('release', keys), /the list of keys cannot be read/);
  await assert.rejects(ensureKeys('release', { keys }), /the list of keys cannot be read/);
  await assert.rejects(trustOf('release', join(workshop, 'nowhere')), /there are no release keys/);
});

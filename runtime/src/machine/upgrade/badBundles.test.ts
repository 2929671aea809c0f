/** Every way in which a bundle can be wrong: what is said, and that nothing that boots was touched. */
import assert from 'node:assert/strict';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Authority, type Signer } from './testing/authority.ts';
import type { MadeWrong, Version } from './testing/bundles.ts';
import { noise, squashfs, versionOf } from './testing/bundles.ts';
import { type TestMachine, untouchable } from './testing/machine.ts';
import { Workshop } from './testing/workshop.ts';
import { UpgradeError, type UpgradeErrorCode } from './upgradeError.ts';

type Bytes = (shop: Workshop) => Promise<Buffer>;
interface Case {
  readonly name: string;
  readonly code: UpgradeErrorCode;
  /** `FILE` stands for the bundle's path. */
  readonly message: string | RegExp;
  readonly bytes: Bytes;
  readonly machine?: (machine: TestMachine, shop: Workshop) => Promise<TestMachine | undefined>;
  /** Beside the bundle. */
  readonly list?: (shop: Workshop) => Promise<string>;
}

let other: Authority;
const signers: Record<string, Signer> = {};
const signed =
  (name: string): Bytes =>
  shop =>
    shop.bundle(shop.two, {}, signers[name]);
const wrong =
  (how: MadeWrong): Bytes =>
  shop =>
    shop.bundle(shop.two, how);
const line = (from: string | RegExp, to: string): Bytes => wrong({ manifest: text => text.replace(from, to) });
const cut =
  (bytes: number): Bytes =>
  async shop =>
    (await shop.bundle()).subarray(0, bytes);
const version =
  (how: (shop: Workshop) => Version): Bytes =>
  shop =>
    shop.bundle(how(shop));

const cases: readonly Case[] = [
  // What it is
  { name: 'empty', code: 'NOT_A_BUNDLE', message: 'FILE is empty', bytes: async () => Buffer.alloc(0) },
  {
    name: 'a text',
    code: 'NOT_A_BUNDLE',
    message: 'FILE is not a bundle',
    bytes: async () => Buffer.from('<html>not found</html>'.repeat(100)),
  },
  { name: 'noise', code: 'NOT_A_BUNDLE', message: 'FILE is not a bundle', bytes: async () => noise(1 << 20, 'x') },
  {
    name: 'cut off in the images',
    code: 'DAMAGED',
    message: /^FILE is cut off: it has 1000000 bytes, and its file system alone \d+$/,
    bytes: cut(1_000_000),
  },
  {
    name: 'cut off in the tree',
    code: 'DAMAGED',
    message: 'FILE has no signature at its end: it was cut off, or it is damaged',
    bytes: async shop => (await shop.bundle()).subarray(0, -20_000),
  },
  {
    name: 'cut off in the signature',
    code: 'DAMAGED',
    message: 'FILE has no signature at its end: it was cut off, or it is damaged',
    bytes: async shop => (await shop.bundle()).subarray(0, -100),
  },
  {
    name: 'with something behind it',
    code: 'DAMAGED',
    message: 'FILE has no signature at its end: it was cut off, or it is damaged',
    bytes: async shop => Buffer.concat([await shop.bundle(), Buffer.from('hello')]),
  },
  {
    name: 'with something before it',
    code: 'DAMAGED',
    message: 'FILE has the wrong size for its manifest: it was cut off, or something was added',
    bytes: async shop => {
      const bytes = await shop.bundle();
      return Buffer.concat([bytes.subarray(0, 1 << 20), bytes]);
    },
  },
  {
    name: 'a file system that is compressed',
    code: 'MANIFEST',
    message: `the bundle's file system is compressed (".align"): its blocks cannot be found by their place`,
    bytes: wrong({ compressed: true }),
  },
  // Who signed it
  {
    name: 'not signed',
    code: 'UNSIGNED',
    message: 'FILE is not signed',
    bytes: async () => squashfs([{ name: 'a', content: noise(9999, 'a') }]),
  },
  {
    name: 'signed with nothing',
    code: 'UNSIGNED',
    message: 'FILE is not signed',
    bytes: async () =>
      Buffer.concat([squashfs([{ name: 'a', content: noise(9999, 'a') }]), Buffer.alloc(4096), Buffer.alloc(8)]),
  },
  {
    name: "signed by another authority's key",
    code: 'UNKNOWN_AUTHORITY',
    message: 'the bundle is signed by an authority that this image does not trust',
    bytes: signed('stranger'),
  },
  {
    name: 'signed by an authority of the same name',
    code: 'UNKNOWN_AUTHORITY',
    message: 'the bundle is signed by an authority that this image does not trust',
    bytes: signed('namesake'),
  },
  {
    name: 'signed by whom a signer certified',
    code: 'UNKNOWN_AUTHORITY',
    message: 'the bundle is signed by an authority that this image does not trust',
    bytes: signed('child'),
  },
  {
    name: 'signed by an expired certificate',
    code: 'EXPIRED',
    message: 'the certificate that signed the bundle has expired',
    bytes: signed('expired'),
  },
  {
    name: 'signed by a certificate of the future',
    code: 'NOT_YET_VALID',
    message: 'the certificate that signed the bundle is not valid yet',
    bytes: signed('future'),
  },
  {
    name: 'signed by a revoked certificate',
    code: 'REVOKED',
    message: 'the certificate that signed the bundle has been revoked (by the list of this image)',
    bytes: signed('revoked'),
  },
  {
    name: 'signed by a certificate that a list beside the bundle revokes',
    code: 'REVOKED',
    message: 'the certificate that signed the bundle has been revoked (by the list beside the bundle)',
    bytes: signed('late'),
    list: shop => shop.authority.revoked(signers.late as Signer),
  },
  {
    name: 'signed with a certificate of a web server',
    code: 'WRONG_PURPOSE',
    message: 'the bundle is signed with a certificate that is not for signing code (CN=server)',
    bytes: signed('server'),
  },
  {
    name: 'signed with one for both',
    code: 'WRONG_PURPOSE',
    message: 'the bundle is signed with a certificate that is not for signing code (CN=both)',
    bytes: signed('both'),
  },
  {
    name: 'signed with one for anything',
    code: 'WRONG_PURPOSE',
    message: 'the bundle is signed with a certificate that is not for signing code (CN=plain)',
    bytes: signed('plain'),
  },
  {
    name: 'with another manifest in the same signature',
    code: 'DAMAGED',
    message: "the bundle's signature does not fit what it signs, or is damaged",
    bytes: async shop => {
      const bytes = await shop.bundle();
      bytes.write('version=0.9.0', bytes.lastIndexOf('version=0.2.0'), 'latin1');
      return bytes;
    },
  },
  {
    name: 'for a machine without authorities',
    code: 'NO_TRUST',
    message: /authorities.pem is missing: this image trusts nobody's bundles$/,
    bytes: shop => shop.bundle(),
    machine: async machine => ({ ...machine, places: { ...machine.places, trustDir: '/nowhere' } }),
  },
  {
    name: 'for a machine without a list of what is revoked',
    code: 'NO_TRUST',
    message: "the image has no list of revoked certificates of the bundle's authority",
    bytes: shop => shop.bundle(),
    machine: async machine => void (await writeFile(join(machine.places.trustDir, 'revoked.crl.pem'), '')),
  },
  // What is in it
  {
    name: 'the first block changed behind a good signature',
    code: 'WRONG_BYTES',
    message: 'FILE has other bytes at 0 than the ones that were signed',
    bytes: wrong({ payload: payload => payload.writeUInt8(7, 20) }),
  },
  {
    name: 'the root changed behind a good signature',
    code: 'WRONG_BYTES',
    message: 'FILE has other bytes in its root image at 1052672 than the ones that were signed (1 blocks, 3 attempts)',
    bytes: wrong({ payload: payload => payload.write('evil', 4096 + (1 << 20) + 5000) }),
  },
  {
    name: 'an index changed behind a good signature',
    code: 'WRONG_BYTES',
    message: /^FILE has other bytes at \d+ than the ones that were signed$/,
    bytes: wrong({ payload: payload => payload.write('evil', 4096 + (4 << 20) + 500) }),
  },
  {
    name: 'a signed index of another root',
    code: 'WRONG_BYTES',
    message: /^FILE has other bytes in its root image at 0 than the ones that were signed/,
    bytes: wrong({ index: (image, index) => (image === 'root' ? noise(index.length, 'index') : index) }),
  },
  {
    name: 'a signed hash tree of another root',
    code: 'VERIFY',
    message: /^the bundle's hash tree does not lead to the signed root hash/,
    bytes: shop => shop.bundle({ ...shop.two, verity: shop.one.verity }),
  },
  {
    name: 'a kernel of another root',
    code: 'VERIFY',
    message: /^the bundle's kernel image opens the root [0-9a-f]{8}…, and its manifest says [0-9a-f]{8}…$/,
    bytes: shop => shop.bundle({ ...shop.two, uki: shop.one.uki }),
  },
  {
    name: 'a kernel that is none',
    code: 'VERIFY',
    message: /^the bundle's kernel image opens no root, and/,
    bytes: shop => shop.bundle({ ...shop.two, uki: noise(40960, 'uki') }),
  },
  // What its manifest asks for
  {
    name: 'a hook',
    code: 'MANIFEST',
    message: "the bundle's manifest: has a section [hooks], which this installer does not do",
    bytes: line('[meta.atoll]', '[hooks]\nfilename=x\n\n[meta.atoll]'),
  },
  {
    name: 'a hook of an image',
    code: 'MANIFEST',
    message: "the bundle's manifest: [image.root] has hooks, which this installer does not do",
    bytes: line('[image.root]', '[image.root]\nhooks=install'),
  },
  {
    name: 'an image too many',
    code: 'MANIFEST',
    message: "the bundle's manifest: has an image that no slot is for: image.more",
    bytes: line('[image.uki]', '[image.more]\nfilename=x\n\n[image.uki]'),
  },
  {
    name: 'an image too few',
    code: 'MANIFEST',
    message: "the bundle's manifest: has no image uki",
    bytes: line(/\[image.uki\][^[]*/, ''),
  },
  {
    name: 'another format',
    code: 'MANIFEST',
    message: "the bundle's manifest: its format is crypt: only verity is taken",
    bytes: line('format=verity', 'format=crypt'),
  },
  {
    name: 'something twice',
    code: 'MANIFEST',
    message: /manifest: line 4: version stands there twice$/,
    bytes: line('version=0.2.0', 'version=0.2.0\nversion=0.3.0'),
  },
  {
    name: 'a version that is a path',
    code: 'MANIFEST',
    message: `the bundle's manifest: [update] version is no version: "../../x"`,
    bytes: line('version=0.2.0', 'version=../../x'),
  },
  {
    name: 'a file elsewhere',
    code: 'MANIFEST',
    message: `the bundle's manifest: [image.root] filename is no plain name: "../root"`,
    bytes: line('filename=root.img', 'filename=../root'),
  },
  {
    name: 'a file that is not there',
    code: 'DAMAGED',
    message: 'FILE has no file gone.img, which its manifest names',
    bytes: line('filename=root.img', 'filename=gone.img'),
  },
  {
    name: 'another size',
    code: 'DAMAGED',
    message: 'FILE: root.img has 4194304 bytes, and should have 8192',
    bytes: line('size=4194304', 'size=8192'),
  },
  {
    name: 'half a block',
    code: 'MANIFEST',
    message: `the bundle's manifest: [image.root] size is not a multiple of 4096: "4194305"`,
    bytes: line('size=4194304', 'size=4194305'),
  },
  // Whether it is for this machine
  {
    name: 'of another board',
    code: 'WRONG_IMAGE',
    message: 'the bundle is for atoll-other, and this machine is atoll-test',
    bytes: wrong({ compatible: 'atoll-other' }),
  },
  {
    name: 'older',
    code: 'OLDER',
    message: '0.0.9 is older than 0.1.0, which runs here',
    bytes: version(({ two }) => ({ ...two, version: '0.0.9' })),
  },
  {
    name: 'a pre-release of what runs',
    code: 'OLDER',
    message: '0.1.0~rc1 is older than 0.1.0, which runs here',
    bytes: version(({ two }) => ({ ...two, version: '0.1.0~rc1' })),
  },
  {
    name: 'too far ahead',
    code: 'TOO_OLD_TO_UPGRADE',
    message: '0.2.0 can be installed from 0.1.5 on, and 0.1.0 runs here',
    bytes: wrong({ minimumVersion: '0.1.5' }),
  },
  {
    name: 'refused before',
    code: 'REFUSED_BEFORE',
    message: '0.2.0 was refused here on 2026-11-20: node n1 was not Ready',
    bytes: shop => shop.bundle(),
    machine: async (machine, { two: { version, roothash } }) => ({
      ...machine,
      refused: [
        {
          id: 'x',
          version,
          roothash,
          slot: 'b',
          at: '2026-11-20T10:00:00Z',
          check: 'node',
          reason: 'node n1 was not Ready',
        },
      ],
    }),
  },
  // Whether there is room
  {
    name: 'a root larger than its partition',
    code: 'TOO_LARGE',
    message: /^the root image has 8392704 bytes, and its partition \S+root-b only 8388608$/,
    bytes: version(() => versionOf('0.2.0', noise((8 << 20) + 4096, 'large'))),
  },
  {
    name: 'a tree larger than its partition',
    code: 'TOO_LARGE',
    message: /^the verity image has 77824 bytes, and its partition \S+verity-b only 65536$/,
    bytes: shop => shop.bundle(),
    machine: async machine => void (await truncate(machine.places.verity.b, 65536)),
  },
  {
    name: 'for a machine without a second slot',
    code: 'SLOT',
    message: /^\S+gone cannot be opened: ENOENT/,
    bytes: shop => shop.bundle(),
    machine: async machine => ({
      ...machine,
      places: { ...machine.places, root: { ...machine.places.root, b: `${machine.folder}/gone` } },
    }),
  },
  {
    name: 'for a machine whose other slot is the running one',
    code: 'SLOT',
    message: /root-a is the running slot$/,
    bytes: shop => shop.bundle(),
    machine: async machine => ({
      ...machine,
      places: { ...machine.places, root: { a: machine.places.root.a, b: machine.places.root.a } },
    }),
  },
];

describe('a bundle is refused', () => {
  let shop: Workshop;
  before(async () => {
    shop = await Workshop.open();
    const { authority, folder } = shop;
    other = await Authority.make(join(folder, 'other'), 'another authority');
    const namesake = await Authority.make(join(folder, 'namesake'), 'test authority');
    signers.stranger = await other.signer('stranger');
    signers.namesake = await namesake.signer('namesake');
    signers.expired = await authority.signer('expired', { dates: ['20200101000000Z', '20210101000000Z'] });
    signers.future = await authority.signer('future', { dates: ['20900101000000Z', '20910101000000Z'] });
    signers.server = await authority.signer('server', { purpose: 'server' });
    signers.both = await authority.signer('both', { purpose: 'both' });
    signers.plain = await authority.signer('plain', { purpose: 'plain' });
    signers.revoked = await authority.signer('revoked');
    signers.late = await authority.signer('late');
    const parent = await authority.signer('parent');
    const under = await Authority.under(join(folder, 'under'), parent);
    signers.child = { ...(await under.signer('child')), chain: parent.certificate };
    Object.assign(shop.trust, { revoked: await authority.revoked(signers.revoked) });
  });
  after(() => shop[Symbol.asyncDispose]());

  for (const { name, code, message, bytes, machine: prepare, list } of cases) {
    it(name, async () => {
      const made = await shop.machine();
      const machine = (await prepare?.(made, shop)) ?? made;
      const sum = await untouchable(machine);
      const entries = await machine.loader.entries();
      const path = await shop.file(await bytes(shop));
      if (list) await writeFile(join(path, '../revoked.crl.pem'), await list(shop));
      await assert.rejects(shop.upgrade(machine, path), (error: unknown) => {
        assert.ok(error instanceof UpgradeError, String(error));
        const said = error.message.replaceAll(path, 'FILE');
        if (typeof message === 'string') assert.equal(said, message);
        else assert.match(said, message);
        assert.equal(error.code, code);
        return true;
      });
      assert.equal(await untouchable(machine), sum, 'the running slot and what boots are as before');
      assert.deepEqual(await machine.loader.entries(), entries);
    });
  }

  it('but not for a list beside it that nobody here signed', async () => {
    const path = await shop.file(await shop.bundle());
    await writeFile(join(path, '../revoked.crl.pem'), await other.revoked());
    assert.equal((await shop.upgrade(await shop.machine(), path)).outcome, 'armed');
  });

  it('but not where that was asked for', async () => {
    const machine = await shop.machine();
    const older = { ...shop.two, version: '0.0.9' };
    const refused = [
      { id: 'x', version: '0.0.9', roothash: older.roothash, slot: 'b', at: '', check: 'node', reason: '' },
    ] as const;
    const path = await shop.file(await shop.bundle(older));
    assert.equal((await shop.upgrade({ ...machine, refused }, path, { older: true, again: true })).outcome, 'armed');
  });
});

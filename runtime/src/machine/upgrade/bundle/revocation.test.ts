import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Authority, type Signer } from '../testing/authority.ts';
import type { TestMachine } from '../testing/machine.ts';
import { Workshop } from '../testing/workshop.ts';
import { openBundle } from './find.ts';
import { keptListsName } from './revocation.ts';

describe('a revocation list beside a bundle', () => {
  let shop: Workshop;
  let machine: TestMachine;
  let second: Authority;
  let stranger: Authority;
  const signers: Record<'lost' | 'copied' | 'second', Signer> = {} as never;
  /** Of the first authority, each with more revoked than the one before; and one of each of the others. */
  const lists: Record<'empty' | 'lost' | 'both' | 'second' | 'stranger', string> = {} as never;

  before(async () => {
    shop = await Workshop.open();
    const { authority, folder } = shop;
    second = await Authority.make(join(folder, 'second'), 'second authority');
    stranger = await Authority.make(join(folder, 'stranger'), 'test authority');
    signers.lost = await authority.signer('lost');
    signers.copied = await authority.signer('copied');
    signers.second = await second.signer('second');
    lists.empty = await authority.revoked();
    lists.lost = await authority.revoked(signers.lost);
    lists.both = await authority.revoked(signers.copied);
    lists.second = await second.revoked();
    lists.stranger = await stranger.revoked();
    const authorities = (await authority.certificate()) + (await second.certificate());
    Object.assign(shop.trust, { authorities, revoked: lists.empty + lists.second });
  });
  beforeEach(async () => {
    machine = await shop.machine();
  });
  after(() => shop[Symbol.asyncDispose]());

  const kept = (): Promise<string> =>
    readFile(join(machine.places.stateDir, keptListsName), 'latin1').catch(() => 'nothing');
  /** Looks at a bundle, as `atoll upgrade --check` does. */
  const look = async (signer: Signer, list?: string): Promise<string> => {
    const path = await shop.file(await shop.bundle(shop.two, {}, signer));
    if (list !== undefined) await writeFile(join(path, '../revoked.crl.pem'), list);
    const { places, compatible } = machine;
    try {
      await (await openBundle(path, { trust: places, compatible }, new AbortController().signal)).close();
      return 'taken';
    } catch (error) {
      return (error as Error).message.replace('the certificate that signed the bundle ', '');
    }
  };
  const byKept = 'has been revoked (by the list that was found beside an earlier bundle)';
  const byBeside = 'has been revoked (by the list beside the bundle)';

  it('is obeyed for bundles from elsewhere too, once it was seen', async () => {
    assert.equal(await look(signers.lost), 'taken');
    assert.equal(await look(shop.signer, lists.lost), 'taken');
    assert.equal(await look(signers.lost), byKept);
    assert.equal(await look(signers.copied), 'taken');
  });

  it('is kept from a bundle that is refused by it', async () => {
    assert.equal(await look(signers.lost, lists.lost), byBeside);
    assert.equal(await look(signers.lost), byKept);
  });

  it('gives way to a newer one, and never to an older one', async () => {
    await look(shop.signer, lists.lost);
    await look(shop.signer, lists.both);
    const newest = await kept();
    assert.equal(newest.trim(), lists.both.trim());
    for (const older of [lists.lost, lists.empty]) assert.equal(await look(signers.copied, older), byKept);
    assert.equal(await kept(), newest);
  });

  it('is not kept when no authority of this image signed it', async () => {
    for (const list of [lists.stranger, 'noise', '-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n'])
      assert.equal(await look(shop.signer, list), 'taken');
    assert.equal(await kept(), 'nothing');
  });

  it('is kept for each authority, and says nothing of the others', async () => {
    assert.equal(await look(signers.second, lists.lost), 'taken');
    assert.equal(await look(shop.signer, lists.second + lists.both), 'taken');
    assert.equal((await kept()).match(/BEGIN/g)?.length, 2);
    assert.equal(await look(signers.copied), byKept);
    assert.equal(await look(signers.second), 'taken');
  });

  it('is obeyed where it cannot be kept', async () => {
    // Below a file there is no folder.
    const stateDir = join(machine.places.trustDir, 'authorities.pem/state');
    Object.assign(machine, { places: { ...machine.places, stateDir } });
    assert.equal(await look(signers.lost, lists.lost), byBeside);
    assert.equal(await look(signers.lost), 'taken');
  });
});

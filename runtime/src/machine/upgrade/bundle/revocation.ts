/**
 * Revocation lists besides the image's own: one that lies beside a bundle is obeyed, and kept, so that bundles from elsewhere are judged by it too.
 *
 * Always true: of each authority the newest list that was ever seen is kept, and an older one never takes its place; nothing is kept or obeyed that no
 * authority of this image signed. The image's own list is looked at besides, whatever is kept.
 *
 * Source: RFC 5280, 5.2.3 (a list's number grows with each that an authority issues).
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory, readFileIfExists, writeFileAtomic } from '../../../lib/files.ts';
import { openssl } from './openssl.ts';

/** Where a list comes from. */
export type ListOrigin = 'image' | 'beside' | 'kept';

export interface OtherList {
  readonly from: ListOrigin;
  readonly pem: Buffer;
}

interface SignedList extends OtherList {
  readonly issuer: string;
  readonly number: bigint;
}

/** In the folder of the upgrades' state: as many lists in PEM as there are authorities. */
export const keptListsName = 'revoked.crl.pem';
/** A file has one for each authority; a new authority comes once in many years. */
const mostLists = 16;

/**
 * The newest list of each authority, of those that are kept and those in the file beside the bundle; what is new is kept.
 * @param authoritiesPath certificates in PEM
 * @param scratch a folder for what openssl has to be given as files
 */
export async function otherLists(
  stateDir: string,
  beside: Buffer | undefined,
  authoritiesPath: string,
  scratch: string,
  signal: AbortSignal,
): Promise<readonly OtherList[]> {
  const kept = await readFileIfExists(join(stateDir, keptListsName)).catch(() => undefined);
  const newest = new Map<string, SignedList>();
  let isNew = false;
  for (const [from, file] of [
    ['kept', kept],
    ['beside', beside],
  ] as const) {
    for (const pem of listsIn(file)) {
      const list = await signedList({ from, pem }, authoritiesPath, scratch, signal);
      if (!list || (newest.get(list.issuer)?.number ?? -1n) >= list.number) continue;
      newest.set(list.issuer, list);
      isNew ||= from === 'beside';
    }
  }
  // A data partition that is full is told by whoever needs it: what is in force for this bundle does not depend on it.
  if (isNew) await keep(stateDir, [...newest.values()]).catch(() => undefined);
  return [...newest.values()];
}

const listsIn = (file: Buffer | undefined): readonly Buffer[] =>
  (file?.toString('latin1').match(/-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----/g) ?? [])
    .slice(0, mostLists)
    .map(text => Buffer.from(`${text}\n`));

/** Undefined: no authority of ours signed it. */
async function signedList(
  { from, pem }: OtherList,
  authoritiesPath: string,
  scratch: string,
  signal: AbortSignal,
): Promise<SignedList | undefined> {
  const path = join(scratch, 'list.pem');
  await writeFile(path, pem, { mode: 0o600 });
  const fields = ['-noout', '-issuer', '-crlnumber'];
  const { code, stdout, stderr } = await openssl(
    ['crl', '-in', path, ...fields, '-CAfile', authoritiesPath],
    undefined,
    signal,
  );
  if (code !== 0 || !/^verify OK$/m.test(stderr)) return undefined;
  const said = stdout.toString();
  const [, issuer = ''] = /^issuer=(.*)$/m.exec(said) ?? [];
  const [, number = '0'] = /^crlNumber=(?:0x)?([0-9a-f]+)$/im.exec(said) ?? [];
  return { from, pem, issuer, number: BigInt(`0x${number}`) };
}

async function keep(stateDir: string, lists: readonly OtherList[]): Promise<void> {
  await makeDirectory(stateDir, 0o700);
  await writeFileAtomic(join(stateDir, keptListsName), Buffer.concat(lists.map(({ pem }) => pem)));
}

/**
 * Who signed a bundle. Chain, dates and revocation are openssl's business; what may be signed with the certificate (`codeSigning`, and
 * nothing that servers or everybody have) is looked at here, because openssl knows that purpose only from 3.2 on.
 * Sources: RFC 5652 (CMS); RFC 5280, 4.2.1.12; openssl-cms(1); CA/Browser Forum, Baseline Requirements for Code Signing.
 */
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileIfExists } from '../../../lib/files.ts';
import { UpgradeError, type UpgradeErrorCode } from '../upgradeError.ts';
import { openssl } from './openssl.ts';
import { type ListOrigin, otherLists } from './revocation.ts';

export interface Trust {
  /** `authorities.pem` and `revoked.crl.pem`: what this image trusts. */
  readonly trustDir: string;
  /** For what openssl has to be given as files. */
  readonly runDir: string;
  /** Where lists that were found beside bundles are kept. */
  readonly stateDir: string;
}

export interface Signed {
  readonly content: Buffer;
  /** The certificate's subject in one line. */
  readonly signer: string;
}

const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
const NOT_BESIDE_IT = ['1.3.6.1.5.5.7.3.1', '2.5.29.37.0'];

/**
 * The signed content, when the signature is good.
 * @param signature CMS in DER
 * @param listBeside a revocation list in PEM from beside the bundle; one that no authority of ours signed is not looked at
 * @throws UpgradeError
 */
export async function verifySigned(
  signature: Buffer,
  trust: Trust,
  listBeside: Buffer | undefined,
  signal: AbortSignal,
): Promise<Signed> {
  const authorities = await readFileIfExists(join(trust.trustDir, 'authorities.pem'));
  if (!authorities)
    throw new UpgradeError(
      'NO_TRUST',
      `${trust.trustDir}/authorities.pem is missing: this image trusts nobody's bundles`,
      'flash an image that was built with keys',
    );
  const directory = await mkdtemp(join(trust.runDir, 'upgrade-signature-'));
  try {
    const file = async (name: string, content: Buffer): Promise<string> => {
      await writeFile(join(directory, name), content, { mode: 0o600 });
      return join(directory, name);
    };
    const authoritiesPath = await file('authorities.pem', authorities);
    const signerPath = join(directory, 'signer.pem');
    const ofImage = await readFileIfExists(join(trust.trustDir, 'revoked.crl.pem'));
    const lists: readonly { readonly pem?: Buffer; readonly from: ListOrigin }[] = [
      { ...(ofImage ? { pem: ofImage } : {}), from: 'image' },
      ...(await otherLists(trust.stateDir, listBeside, authoritiesPath, directory, signal)),
    ];
    // Each list by itself: openssl looks at one list of an authority only, and none may hide another.
    let content: Buffer = Buffer.alloc(0);
    for (const { pem, from } of lists) {
      const all = pem ? await file('trust.pem', Buffer.concat([authorities, Buffer.from('\n'), pem])) : authoritiesPath;
      const { code, stdout, stderr } = await openssl(
        [
          ...['cms', '-verify', '-inform', 'DER', '-binary', '-purpose', 'any', '-signer', signerPath],
          ...['-no-CApath', '-no-CAstore', '-CAfile', all, ...(pem ? ['-crl_check'] : [])],
        ],
        signature,
        signal,
      );
      // The signer's authority is another one.
      if (code !== 0 && from !== 'image' && /unable to get certificate CRL/.test(stderr)) continue;
      if (code !== 0) throw explained(stderr, from);
      content = stdout;
    }
    return { content, signer: checkPurpose(await readFile(signerPath, 'latin1')) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** @returns the signer in one line */
function checkPurpose(pem: string): string {
  const signers = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const [one] = signers;
  if (one === undefined || signers.length !== 1)
    throw new UpgradeError('DAMAGED', `the bundle has ${signers.length} signatures: exactly one is taken`);
  const certificate = new X509Certificate(one);
  const signer = certificate.subject.split('\n').join(', ');
  const purposes = certificate.keyUsage ?? [];
  if (!purposes.includes(CODE_SIGNING) || NOT_BESIDE_IT.some(other => purposes.includes(other)) || certificate.ca)
    throw new UpgradeError(
      'WRONG_PURPOSE',
      `the bundle is signed with a certificate that is not for signing code (${signer})`,
      'sign it with a key of `make keys`: its certificate has the purpose codeSigning and no other',
    );
  return signer;
}

type Words = readonly [said: RegExp, code: UpgradeErrorCode, message: string, hint?: string];

/** openssl's words (crypto/x509/x509_txt.c; CMS_R_ reasons), what they mean here, and what to do. */
const words: readonly Words[] = [
  [
    /certificate has expired/,
    'EXPIRED',
    'the certificate that signed the bundle has expired',
    'sign the bundle anew with a certificate that is valid, and look at the clock: `date`',
  ],
  [
    /certificate is not yet valid/,
    'NOT_YET_VALID',
    'the certificate that signed the bundle is not valid yet',
    "look at this machine's clock: `date`",
  ],
  [
    /certificate revoked/,
    'REVOKED',
    'the certificate that signed the bundle has been revoked',
    'do not install it; get one that is signed with the new key',
  ],
  [
    /CRL has expired|CRL is not yet valid/,
    'NO_TRUST',
    "the image's list of revoked certificates is not valid now",
    "look at this machine's clock: `date`",
  ],
  [
    /unable to get certificate CRL|CRL signature failure/,
    'NO_TRUST',
    "the image has no list of revoked certificates of the bundle's authority",
    'flash an image that was built with keys',
  ],
  [
    /local issuer certificate|self.signed certificate|unable to verify the first|unable to get issuer certificate|certificate signature failure|invalid CA certificate|pathlen|path length/i,
    'UNKNOWN_AUTHORITY',
    'the bundle is signed by an authority that this image does not trust',
    'is it a bundle of another maker, or signed with development keys? a new authority is brought by an upgrade that the old one signed',
  ],
  [
    /unsuitable certificate purpose/,
    'WRONG_PURPOSE',
    'the bundle is signed with a certificate that is not for signing code',
    'sign it with a key of `make keys`',
  ],
];

const listWords: Readonly<Record<ListOrigin, string>> = {
  image: 'of this image',
  beside: 'beside the bundle',
  kept: 'that was found beside an earlier bundle',
};

function explained(stderr: string, from: ListOrigin): UpgradeError {
  const found = words.find(([said]) => said.test(stderr));
  if (found) {
    const [, code, message, hint] = found;
    const where = code === 'REVOKED' ? ` (by the list ${listWords[from]})` : '';
    return new UpgradeError(code, `${message}${where}`, hint);
  }
  const last = stderr.trim().split('\n').at(-1) ?? '';
  return new UpgradeError(
    'DAMAGED',
    "the bundle's signature does not fit what it signs, or is damaged",
    `download it again; openssl says: ${last}`,
  );
}

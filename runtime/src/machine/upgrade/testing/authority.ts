/** Authorities, signing certificates and revocation lists for tests, by the host's openssl: in any way wrong that one can be. */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Signer {
  readonly certificate: string;
  readonly key: string;
  /** Certificates between it and the authority. */
  readonly chain?: string;
}

const configuration = `[ca]
default_ca = here
[here]
database = index.txt
crlnumber = crlnumber
certificate = certificate.pem
private_key = key.pem
new_certs_dir = .
serial = serial
default_md = sha256
default_days = 3650
default_crl_days = 3650
unique_subject = no
policy = any
[any]
commonName = supplied
[request]
distinguished_name = none
[none]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[signing]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, codeSigning
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
[both]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = codeSigning, serverAuth
[plain]
basicConstraints = critical, CA:FALSE
`;

const newKey = ['-config', 'openssl.cnf', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

export class Authority {
  private constructor(readonly folder: string) {}

  static async make(folder: string, name: string): Promise<Authority> {
    await mkdir(folder, { recursive: true });
    for (const [file, text] of [
      ['openssl.cnf', configuration],
      ['index.txt', ''],
      ['crlnumber', '01\n'],
      ['serial', '1000\n'],
    ] as const)
      await writeFile(join(folder, file), text);
    const authority = new Authority(folder);
    const how = ['-x509', '-extensions', 'authority', '-subj', `/CN=${name}`, '-days', '3650'];
    await authority.#openssl(['req', ...newKey, ...how, '-keyout', 'key.pem', '-out', 'certificate.pem']);
    return authority;
  }

  /** One that plays authority with a certificate that is none. */
  static async under(folder: string, { certificate, key }: Signer): Promise<Authority> {
    const authority = await Authority.make(folder, 'never used');
    await copyFile(certificate, join(folder, 'certificate.pem'));
    await copyFile(key, join(folder, 'key.pem'));
    return authority;
  }

  /** @param dates ASN.1: `20200101000000Z` */
  async signer(
    name: string,
    {
      purpose = 'signing',
      dates,
    }: { purpose?: 'signing' | 'server' | 'both' | 'plain' | 'authority'; dates?: readonly [string, string] } = {},
  ): Promise<Signer> {
    await this.#openssl(['req', ...newKey, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`]);
    const when = dates ? ['-startdate', dates[0], '-enddate', dates[1]] : [];
    await this.#openssl([
      'ca',
      '-batch',
      '-notext',
      '-config',
      'openssl.cnf',
      '-extensions',
      purpose,
      ...when,
      '-in',
      `${name}.csr`,
      '-out',
      `${name}.pem`,
    ]);
    return { certificate: join(this.folder, `${name}.pem`), key: join(this.folder, `${name}.key`) };
  }

  /** The list of what is revoked, as PEM, with those also. */
  async revoked(...signers: readonly Signer[]): Promise<string> {
    for (const { certificate } of signers)
      await this.#openssl(['ca', '-config', 'openssl.cnf', '-revoke', certificate]);
    await this.#openssl(['ca', '-gencrl', '-config', 'openssl.cnf', '-out', 'revoked.crl.pem']);
    return readFile(join(this.folder, 'revoked.crl.pem'), 'latin1');
  }

  certificate(): Promise<string> {
    return readFile(join(this.folder, 'certificate.pem'), 'latin1');
  }

  async #openssl(argv: readonly string[]): Promise<void> {
    await run('openssl', argv, { cwd: this.folder });
  }
}

/** CMS with the content in it, as `rauc bundle` makes it. */
export async function sign(content: string, signer: Signer, folder: string): Promise<Buffer> {
  const [from, to] = [join(folder, 'content'), join(folder, 'signature')];
  await writeFile(from, content);
  const chain = signer.chain === undefined ? [] : ['-certfile', signer.chain];
  await run('openssl', [
    ...['cms', '-sign', '-binary', '-nodetach', '-nosmimecap', '-md', 'sha256', '-outform', 'DER'],
    ...['-signer', signer.certificate, '-inkey', signer.key, ...chain, '-in', from, '-out', to],
  ]);
  return readFile(to);
}

/**
 * The node's identity: its own key, and the certificates the cluster gave for it.
 *
 * Invariants of the directory: `node.key` is made once and never leaves the machine; `node.crt` and `client-ca.crt`, `server-ca.crt`
 * are replaced whole, and asked for again when they do not fit the key or the node's name, or near their end.
 */
import { createPrivateKey, createPublicKey, randomBytes, sign, X509Certificate } from 'node:crypto';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { join } from 'node:path';
import { makeDirectory, readFileIfExists, writeFileAtomic } from '../lib/files.ts';
import { generateKeyPair } from '../lib/x509.ts';
import { caHashOf, type JoinToken } from './token.ts';

export interface Identity {
  readonly keyPem: string;
  readonly certificatePem: string;
  /** Verifies the API server. */
  readonly serverCaPem: string;
}

/** The server said no, and asking again will not help. */
export class JoinRefusedError extends Error {
  override readonly name = 'JoinRefusedError';
  constructor(
    message: string,
    readonly hint: string,
  ) {
    super(message);
  }
}

const RENEW_BEFORE_MS = 90 * 86_400_000;
const REQUEST_TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 256 * 1024;

export interface IdentityOptions {
  readonly directory: string;
  /** `https://host:port` */
  readonly server: string;
  readonly nodeName: string;
  readonly now: Date;
  /** Read only when it is needed: a node that has joined needs no token. */
  readonly token: () => Promise<JoinToken>;
  readonly signal: AbortSignal;
}

/**
 * The identity kept on disk, or a new one by joining (docs/contracts.md, "Joining").
 *
 * @throws JoinRefusedError for a wrong token, a name owned by another key, or a server that is not the token's.
 * @throws Error (with a `code`) when the server cannot be reached: try again.
 */
export async function ensureIdentity(options: IdentityOptions): Promise<Identity> {
  const path = (name: string): string => join(options.directory, name);
  await makeDirectory(options.directory, 0o700);
  const keyPem = await ensureKey(path('node.key'));
  const kept = await keptIdentity(options, keyPem);
  if (kept) return kept;

  const token = await options.token();
  const serverCaPem = (
    await exchange(options, { method: 'GET', path: '/cacerts', rejectUnauthorized: false }, undefined)
  ).toString('utf8');
  if (token.caHash !== undefined && token.caHash !== caHashOf(serverCaPem))
    throw new JoinRefusedError(
      `the server at ${options.server} is not the one this token is for (its CA has another hash)`,
      'Check the server address, or copy the token of this server: /var/lib/atoll/server/node-token.',
    );
  const key = createPrivateKey(keyPem);
  const answer = await exchange(
    options,
    {
      method: 'POST',
      path: '/v1-atoll/certificates',
      ca: serverCaPem,
      // The certificate names the cluster, not every address a node may reach it by; the CA of the token is what is checked.
      checkServerIdentity: () => undefined,
      headers: {
        authorization: `Basic ${Buffer.from(`${token.user}:${token.secret}`).toString('base64')}`,
        'content-type': 'application/json',
      },
    },
    JSON.stringify({
      nodeName: options.nodeName,
      publicKeyPem: createPublicKey(key).export({ type: 'spki', format: 'pem' }),
      proof: sign('sha256', Buffer.from(`atoll-join:${options.nodeName}`), key).toString('base64'),
    }),
  );
  const { clientCertificatePem } = parseAnswer(answer);
  // The CA first: a certificate without the CA it belongs to would be of no use after a power cut.
  await writeFileAtomic(path('server-ca.crt'), serverCaPem, { mode: 0o644 });
  await writeFileAtomic(path('node.crt'), clientCertificatePem, { mode: 0o644 });
  return { keyPem, certificatePem: clientCertificatePem, serverCaPem };
}

/** Forgets the certificates, not the key: the next {@link ensureIdentity} joins again. For a server that no longer knows us. */
export async function forgetCertificate(directory: string): Promise<void> {
  await writeFileAtomic(join(directory, 'node.crt'), '', { mode: 0o644 });
}

async function ensureKey(path: string): Promise<string> {
  const kept = (await readFileIfExists(path))?.toString('utf8');
  if (kept !== undefined && isPrivateKey(kept)) return kept;
  const pem = generateKeyPair().privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  await writeFileAtomic(path, pem, { mode: 0o600 });
  return pem;
}

const isPrivateKey = (pem: string): boolean => {
  try {
    createPrivateKey(pem);
    return true;
  } catch {
    return false;
  }
};

async function keptIdentity(options: IdentityOptions, keyPem: string): Promise<Identity | undefined> {
  const read = async (name: string): Promise<string> =>
    (await readFileIfExists(join(options.directory, name)))?.toString('utf8') ?? '';
  const [certificatePem, serverCaPem] = [await read('node.crt'), await read('server-ca.crt')];
  if (certificatePem === '' || serverCaPem === '') return undefined;
  try {
    const certificate = new X509Certificate(certificatePem);
    const fits =
      certificate.checkPrivateKey(createPrivateKey(keyPem)) &&
      certificate.subject.split('\n').includes(`CN=system:node:${options.nodeName}`) &&
      Date.parse(certificate.validTo) - options.now.getTime() > RENEW_BEFORE_MS;
    return fits ? { keyPem, certificatePem, serverCaPem } : undefined;
  } catch {
    return undefined;
  }
}

function parseAnswer(answer: Buffer): { clientCertificatePem: string } {
  const value: unknown = JSON.parse(answer.toString('utf8'));
  if (
    typeof value === 'object' &&
    value !== null &&
    'clientCertificatePem' in value &&
    typeof value.clientCertificatePem === 'string'
  )
    return { clientCertificatePem: new X509Certificate(value.clientCertificatePem).toString() };
  throw new Error('the server answered the join with something that holds no certificate');
}

/** One request with a deadline and a size limit; error statuses of the server become errors with its own message. */
function exchange(options: IdentityOptions, request: RequestOptions, body: string | undefined): Promise<Buffer> {
  const url = new URL(options.server);
  return new Promise((resolve, reject) => {
    const req = httpsRequest(
      {
        ...request,
        host: url.hostname.replace(/^\[|\]$/g, ''),
        port: url.port || 443,
        agent: false,
        timeout: REQUEST_TIMEOUT_MS,
        signal: options.signal,
      },
      response => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > MAX_ANSWER_BYTES)
            req.destroy(new Error(`${options.server} answered with more than ${MAX_ANSWER_BYTES} bytes`));
          else chunks.push(chunk);
        });
        response.on('error', reject);
        response.on('end', () => {
          const answer = Buffer.concat(chunks);
          const status = response.statusCode ?? 0;
          if (status >= 200 && status < 300) return resolve(answer);
          const message = messageOf(answer) ?? `HTTP ${status}`;
          if (status === 401 || status === 403)
            return reject(
              new JoinRefusedError(
                `the server at ${options.server} refuses this node: ${message}`,
                status === 401 ? 'Copy the token anew from /var/lib/atoll/server/node-token on the server.' : message,
              ),
            );
          reject(new Error(`${options.server}${String(request.path)}: ${message}`));
        });
      },
    );
    req.on('timeout', () =>
      req.destroy(new Error(`${options.server} did not answer within ${REQUEST_TIMEOUT_MS / 1000} s`)),
    );
    req.on('error', reject);
    req.end(body);
  });
}

function messageOf(answer: Buffer): string | undefined {
  try {
    const value: unknown = JSON.parse(answer.toString('utf8'));
    if (typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string')
      return value.message;
  } catch {
    // Not a Status: nothing to quote.
  }
  return undefined;
}

/** A secret for a new cluster: 128 bits, hexadecimal. */
export const newSecret = (): string => randomBytes(16).toString('hex');

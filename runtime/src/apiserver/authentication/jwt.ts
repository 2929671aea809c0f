/** JSON Web Tokens signed with ES256 (RFC 7515, RFC 7518 §3.4): the one algorithm this server signs with and accepts. */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

const MAX_TOKEN_LENGTH = 16 * 1024;

export type Claims = Readonly<Record<string, unknown>>;

export interface SigningKey {
  readonly id: string;
  readonly privateKey: KeyObject;
}

export interface VerificationKey {
  readonly id: string;
  readonly publicKey: KeyObject;
}

/** As upstream names keys: the SHA-256 of the public key (SPKI, DER). */
function keyId(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url');
}

export function signingKey(privateKeyPem: string): SigningKey {
  const privateKey = createPrivateKey(privateKeyPem);
  return { id: keyId(createPublicKey(privateKey)), privateKey };
}

export function verificationKey(publicKeyPem: string): VerificationKey {
  const publicKey = createPublicKey(publicKeyPem);
  return { id: keyId(publicKey), publicKey };
}

export function signToken(claims: Claims, key: SigningKey): string {
  const header = { alg: 'ES256', kid: key.id };
  const signed = `${encode(header)}.${encode(claims)}`;
  const signature = sign('sha256', Buffer.from(signed), { key: key.privateKey, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}

/** The claims of a token with a good signature; undefined for anything else. Times and audiences are the caller's to check. */
export function verifyToken(token: string, keys: readonly VerificationKey[]): Claims | undefined {
  if (token.length > MAX_TOKEN_LENGTH) return undefined;
  const [header, claims, signature, ...rest] = token.split('.');
  if (header === undefined || claims === undefined || signature === undefined || rest.length > 0) return undefined;
  const { alg, kid } = decode(header) ?? {};
  if (alg !== 'ES256') return undefined;
  const key = keys.find(({ id }) => id === kid);
  if (!key) return undefined;
  const bytes = Buffer.from(signature, 'base64url');
  if (bytes.length !== 64) return undefined;
  const good = verify(
    'sha256',
    Buffer.from(`${header}.${claims}`),
    { key: key.publicKey, dsaEncoding: 'ieee-p1363' },
    bytes,
  );
  return good ? decode(claims) : undefined;
}

/** Public keys for `/openid/v1/jwks` (RFC 7517). */
export function jsonWebKeys(keys: readonly VerificationKey[]): object {
  return {
    keys: keys.map(({ id, publicKey }) => ({
      use: 'sig',
      kid: id,
      alg: 'ES256',
      ...publicKey.export({ format: 'jwk' }),
    })),
  };
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function decode(part: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Claims) : undefined;
  } catch {
    return undefined;
  }
}

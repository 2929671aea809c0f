/** Who asks. In-process callers say so; everybody else proves it with a certificate or a token, or is anonymous. */
import { unauthorized } from '../../api/status.ts';
import type { Request, User } from '../../lib/exchange.ts';
import type { Notes, TokenAuthenticator } from './tokens.ts';

const AUTHENTICATED = 'system:authenticated';

export const anonymous: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

export interface Authenticated {
  readonly user: User;
  readonly notes?: Notes;
}

export type Authenticate = (request: Request) => Promise<Authenticated>;

export interface AuthenticateOptions {
  readonly tokens: TokenAuthenticator;
  /** False: who proves nothing is refused. */
  readonly anonymous: boolean;
}

/** @returns rejects with a 401 for credentials that are not good; without any the user is {@link anonymous}. */
export function authenticator(options: AuthenticateOptions): Authenticate {
  const { tokens } = options;
  /** One user a connection: its certificate does not change. */
  const users = new WeakMap<object, Authenticated>();
  return async request => {
    if (request.user) return { user: withAuthenticated(request.user) };
    const { clientCertificate } = request;
    if (clientCertificate && clientCertificate.commonName !== '') {
      const known = users.get(clientCertificate);
      if (known) return known;
      const found = { user: ofCertificate(clientCertificate) };
      users.set(clientCertificate, found);
      return found;
    }
    const token = bearerToken(request.headers);
    if (token === undefined) {
      if (!options.anonymous) throw unauthorized();
      return { user: anonymous };
    }
    const { verified } = await tokens.verify(token);
    if (!verified) throw unauthorized();
    return verified;
  };
}

function ofCertificate({ commonName, organizations, sha256 }: NonNullable<Request['clientCertificate']>): User {
  const user: User = {
    name: commonName,
    groups: organizations,
    ...(sha256 === undefined
      ? {}
      : { extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${sha256}`] } }),
  };
  return withAuthenticated(user);
}

function withAuthenticated(user: User): User {
  const said = user.groups.includes(AUTHENTICATED) || user.groups.includes('system:unauthenticated');
  return said ? user : { ...user, groups: [...user.groups, AUTHENTICATED] };
}

/** From `Authorization`, or, for browsers' WebSockets, from the subprotocol. An `Authorization` of another scheme counts as none. */
function bearerToken(headers: Request['headers']): string | undefined {
  const { authorization } = headers;
  if (authorization !== undefined) {
    const match = /^bearer\s+(\S+)\s*$/i.exec(authorization);
    if (match) return match[1];
  }
  const protocols = headers['sec-websocket-protocol'];
  const match =
    protocols === undefined ? null : /(?:^|,\s*)base64url\.bearer\.authorization\.k8s\.io\.([\w-]+)/.exec(protocols);
  return match?.[1] === undefined ? undefined : Buffer.from(match[1], 'base64url').toString('utf8');
}

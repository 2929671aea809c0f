/** Who asks. In-process callers say so; everybody else proves it with a certificate or a token, or is anonymous. */
import { unauthorized } from '../../api/status.ts';
import type { Request, User } from '../../lib/exchange.ts';
import type { ServiceAccountTokens } from './serviceAccount.ts';

const AUTHENTICATED = 'system:authenticated';

export const anonymous: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

export type Authenticate = (request: Request) => Promise<User>;

/** @returns rejects with a 401 for credentials that are not good; without any the user is {@link anonymous}. */
export function authenticator(tokens: ServiceAccountTokens): Authenticate {
  return async request => {
    if (request.user) return withAuthenticated(request.user);
    const { clientCertificate } = request;
    if (clientCertificate && clientCertificate.commonName !== '') {
      return withAuthenticated({ name: clientCertificate.commonName, groups: clientCertificate.organizations });
    }
    const token = bearerToken(request.headers);
    if (token === undefined) return anonymous;
    const verified = await tokens.verify(token);
    if (!verified) throw unauthorized();
    return verified.user;
  };
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

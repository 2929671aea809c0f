/** What everybody may do, until the bootstrap roles say it as objects: see what there is, and ask about oneself. */
import type { User } from '../../lib/exchange.ts';
import { type Authorizer, noOpinion } from './authorizer.ts';

/** For anybody, without credentials (upstream's role `system:public-info-viewer`, and what a joining agent needs). */
const publicPaths = new Set([
  '/livez',
  '/readyz',
  '/healthz',
  '/version',
  '/version/',
  '/cacerts',
  '/v1-atoll/certificates',
]);

/** Upstream's role `system:discovery`. */
const discoveryPaths = ['/api', '/apis', '/openapi', '/version', '/healthz', '/livez', '/readyz'];
/** Upstream's role `system:service-account-issuer-discovery`, which every service account has. */
const issuerPaths = new Set(['/.well-known/openid-configuration', '/openid/v1/jwks']);

/** Upstream's role `system:basic-user`. */
const selfReviews = new Set(['selfsubjectaccessreviews', 'selfsubjectrulesreviews', 'selfsubjectreviews']);

export const builtInRules: Authorizer = {
  authorize({ user, isResource, verb, path, group, resource }) {
    const allow = { opinion: 'allow', reason: '' } as const;
    if (!isResource) {
      if (verb !== 'get' && verb !== 'head')
        return path === '/v1-atoll/certificates' && verb === 'post' ? allow : noOpinion;
      if (publicPaths.has(path) || path.startsWith('/livez/') || path.startsWith('/readyz/')) return allow;
      if (!isAuthenticated(user)) return noOpinion;
      const isDiscovery = discoveryPaths.some(prefix => path === prefix || path.startsWith(`${prefix}/`));
      const isIssuer = issuerPaths.has(path) && user.groups.includes('system:serviceaccounts');
      return isDiscovery || isIssuer ? allow : noOpinion;
    }
    if (!isAuthenticated(user) || verb !== 'create') return noOpinion;
    const isSelfReview =
      (group === 'authorization.k8s.io' || group === 'authentication.k8s.io') && selfReviews.has(resource);
    return isSelfReview ? allow : noOpinion;
  },
};

const isAuthenticated = (user: User): boolean => user.groups.includes('system:authenticated');

/**
 * What stands outside of roles: the server's health, which upstream's `--authorization-always-allow-paths` opens too, and what
 * a machine needs to become a node. Everything else that everybody may do is a bootstrap role (`bootstrap/roles.ts`).
 */
import { type Authorizer, type Decision, noOpinion } from './authorizer.ts';

const open = new Set(['/livez', '/readyz', '/healthz', '/cacerts']);
const allow: Decision = { opinion: 'allow', reason: '' };

export const builtInRules: Authorizer = {
  authorize({ isResource, verb, path }) {
    if (isResource) return noOpinion;
    if (path === '/v1-atoll/certificates') return verb === 'post' ? allow : noOpinion;
    return open.has(path) && (verb === 'get' || verb === 'head') ? allow : noOpinion;
  },
};

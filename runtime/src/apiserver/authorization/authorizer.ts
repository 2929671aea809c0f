/**
 * Who may do what. A chain of authorizers, each of which allows, denies, or has no opinion; the first opinion counts, and
 * nobody's opinion means no (https://kubernetes.io/docs/reference/access-authn-authz/authorization/).
 */
import type { User } from '../../lib/exchange.ts';

export interface Attributes {
  readonly user: User;
  readonly verb: string;
  /** False: `path` is what is asked for. */
  readonly isResource: boolean;
  readonly path: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** Of lists and watches, as in the query; empty where there is none. */
  readonly fieldSelector: string;
}

export interface Decision {
  readonly opinion: 'allow' | 'deny' | 'none';
  /** For people; empty where there is nothing to say. */
  readonly reason: string;
}

export interface Authorizer {
  authorize(attributes: Attributes): Decision | Promise<Decision>;
}

export const noOpinion: Decision = { opinion: 'none', reason: '' };

export function authorizerChain(authorizers: readonly Authorizer[]): Authorizer {
  return {
    async authorize(attributes) {
      const reasons: string[] = [];
      for (const authorizer of authorizers) {
        const asked = authorizer.authorize(attributes);
        const decision = asked instanceof Promise ? await asked : asked;
        if (decision.opinion !== 'none') return decision;
        if (decision.reason !== '') reasons.push(decision.reason);
      }
      return { opinion: 'none', reason: reasons.join(', ') };
    },
  };
}

/** `system:masters` may do everything, always: the way back in when all else is wrong. */
export const masters: Authorizer = {
  authorize: ({ user }) => (user.groups.includes('system:masters') ? { opinion: 'allow', reason: '' } : noOpinion),
};

/** `--authorization-mode`; the first two are what is on when nothing is said. */
export const authorizationModes = ['Node', 'RBAC', 'AlwaysAllow', 'AlwaysDeny'] as const;
export type AuthorizationMode = (typeof authorizationModes)[number];

export const alwaysAllow: Authorizer = { authorize: () => ({ opinion: 'allow', reason: '' }) };
/** No opinion is a no; the text is upstream's. */
export const alwaysDeny: Authorizer = {
  authorize: () => ({ opinion: 'none', reason: 'Everything is forbidden.' }),
};

/** What a refusal says (upstream's words: people and tests match on them). */
export function refusalText({
  user,
  verb,
  isResource,
  path,
  group,
  resource,
  subresource,
  namespace,
}: Attributes): string {
  const who = `User ${JSON.stringify(user.name)} cannot ${verb}`;
  if (!isResource) return `${who} path ${JSON.stringify(path)}`;
  const what = `resource ${JSON.stringify(subresource === '' ? resource : `${resource}/${subresource}`)} in API group ${JSON.stringify(group)}`;
  return `${who} ${what} ${namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`}`;
}

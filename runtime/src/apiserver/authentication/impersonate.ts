/**
 * Acting as somebody else: `kubectl --as`. Whoever asks needs the verb `impersonate` on each thing he wants to be
 * (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation). Everything after this,
 * authorization first, sees only the user that was put on.
 */
import { badRequest, forbidden } from '../../api/status.ts';
import type { Request, User } from '../../lib/exchange.ts';
import { type Attributes, type Authorizer, refusalText } from '../authorization/authorizer.ts';

const AUTHENTICATION = 'authentication.k8s.io';
const EXTRA = 'impersonate-extra-';
const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;

interface Wish {
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

/**
 * The user the request is made as: `user` itself when nothing else is asked for.
 * @returns rejects with 403 for what `user` may not be, 400 for groups, uid or extra without a user.
 */
export async function impersonated(request: Request, user: User, authorizer: Authorizer): Promise<User> {
  const { headers } = request;
  const names = Object.keys(headers).filter(name => name.startsWith('impersonate-'));
  if (names.length === 0) return user;
  const name = headers['impersonate-user'] ?? '';
  if (name === '') throw badRequest('impersonation of groups, a uid or extra fields needs the header Impersonate-User');
  const groups = list(headers['impersonate-group']);
  const uid = headers['impersonate-uid'] ?? '';
  const extra: Record<string, string[]> = {};
  for (const header of names.filter(text => text.startsWith(EXTRA)))
    extra[keyOf(header.slice(EXTRA.length))] = list(headers[header]);

  for (const wish of wishes(name, groups, uid, extra)) {
    const attributes: Attributes = {
      user,
      verb: 'impersonate',
      isResource: true,
      path: '',
      version: 'v1',
      fieldSelector: '',
      ...wish,
    };
    const { opinion } = await authorizer.authorize(attributes);
    if (opinion !== 'allow') throw forbidden(wish, wish.name, refusalText(attributes));
  }
  return {
    name,
    ...(uid === '' ? {} : { uid }),
    groups: groupsOf(name, groups),
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
  };
}

function wishes(name: string, groups: readonly string[], uid: string, extra: Record<string, string[]>): Wish[] {
  const none = { group: '', subresource: '', namespace: '' };
  const account = SERVICE_ACCOUNT.exec(name);
  return [
    account
      ? { ...none, resource: 'serviceaccounts', namespace: account[1] ?? '', name: account[2] ?? '' }
      : { ...none, resource: 'users', name },
    ...groups.map(group => ({ ...none, resource: 'groups', name: group })),
    ...(uid === '' ? [] : [{ ...none, group: AUTHENTICATION, resource: 'uids', name: uid }]),
    ...Object.entries(extra).flatMap(([key, values]) =>
      values.map(value => ({
        ...none,
        group: AUTHENTICATION,
        resource: 'userextras',
        subresource: key,
        name: value,
      })),
    ),
  ];
}

/** Those asked for; a service account without any has its own; everybody but nobody is authenticated. */
function groupsOf(name: string, asked: readonly string[]): string[] {
  const namespace = SERVICE_ACCOUNT.exec(name)?.[1];
  const groups =
    asked.length === 0 && namespace !== undefined
      ? ['system:serviceaccounts', `system:serviceaccounts:${namespace}`]
      : [...asked];
  const everybody = name === 'system:anonymous' ? 'system:unauthenticated' : 'system:authenticated';
  if (!groups.includes('system:authenticated') && !groups.includes(everybody)) groups.push(everybody);
  return groups;
}

/** Repeated headers arrive joined with `, ` (`lib/exchange.ts`). */
const list = (header: string | undefined): string[] => (header ? header.split(', ').filter(text => text !== '') : []);

/** Header names cannot hold everything a key can: it is percent-encoded (`/`, capitals). */
function keyOf(text: string): string {
  try {
    return decodeURIComponent(text).toLowerCase();
  } catch {
    return text;
  }
}

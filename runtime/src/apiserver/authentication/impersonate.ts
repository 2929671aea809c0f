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
  const groups = list(headers['impersonate-group']);
  const uid = headers['impersonate-uid'] ?? '';
  const extra: Record<string, string[]> = {};
  for (const header of names.filter(text => text.startsWith(EXTRA)))
    extra[keyOf(header.slice(EXTRA.length))] = list(headers[header]);

  const wanted = wishes(name, groups, uid, extra);
  if (name === '') {
    if (wanted.length === 0) return user;
    throw badRequest(`requested [${wanted.map(wishText).join(' ')}] without impersonating a user`);
  }
  for (const wish of wanted) {
    const attributes: Attributes = {
      user,
      verb: 'impersonate',
      isResource: true,
      path: '',
      version: 'v1',
      fieldSelector: '',
      ...wish,
    };
    const { opinion, reason } = await authorizer.authorize(attributes);
    const text = refusalText(attributes);
    if (opinion !== 'allow') throw forbidden(wish, wish.name, reason === '' ? text : `${text}: ${reason}`);
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
  const who = account
    ? { ...none, resource: 'serviceaccounts', namespace: account[1] ?? '', name: account[2] ?? '' }
    : { ...none, resource: 'users', name };
  return [
    ...(name === '' ? [] : [who]),
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
  if (name === 'system:anonymous') {
    if (!groups.includes('system:unauthenticated')) groups.push('system:unauthenticated');
  } else if (!groups.some(group => group === 'system:authenticated' || group === 'system:unauthenticated')) {
    groups.push('system:authenticated');
  }
  return groups;
}

/** As Go prints an ObjectReference: kind, namespace, name, uid, apiVersion, resourceVersion, fieldPath. */
function wishText({ resource, group, name, subresource }: Wish): string {
  const kind = resource === 'uids' ? 'UID' : resource === 'userextras' ? 'UserExtra' : 'Group';
  return `{${[kind, '', name, '', group === '' ? '' : `${group}/v1`, '', subresource].join(' ')}}`;
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

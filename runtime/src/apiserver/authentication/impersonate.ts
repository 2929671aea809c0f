/**
 * Acting as somebody else: `kubectl --as` (https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/).
 * Everything after this, authorization first, sees only the user that was put on.
 *
 * There are several ways to be allowed it, tried in this order. The constrained ones (KEP-5284) need two rights: to be
 * somebody, `impersonate:<mode>`, and to do as such what is being done, `impersonate-on:<mode>:<verb>`. The legacy one needs the
 * verb `impersonate` on each thing one wants to be, and then allows everything.
 */
import { dns1123SubdomainErrors } from '../../api/names.ts';
import { badRequest, forbidden, type StatusError } from '../../api/status.ts';
import type { Request, User } from '../../lib/exchange.ts';
import { type Attributes, type Authorizer, refusalText } from '../authorization/authorizer.ts';
import type { RequestInfo } from '../requestInfo.ts';

const AUTHENTICATION = 'authentication.k8s.io';
const EXTRA = 'impersonate-extra-';
const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;
const NODE = 'system:node:';
const NODE_NAME = 'authentication.kubernetes.io/node-name';

export interface Impersonation {
  readonly user: User;
  /** `impersonate:user-info`, for the audit log; empty for legacy impersonation. */
  readonly constraint: string;
}

interface Wanted {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** One thing somebody wants to be. */
interface Wish {
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

interface Mode {
  /** `user-info`; empty for the legacy one. */
  readonly name: string;
  readonly applies: (wanted: Wanted, asking: User) => boolean;
}

const onlyName = ({ uid, groups, extra }: Wanted): boolean =>
  uid === '' && groups.length === 0 && Object.keys(extra).length === 0;

const modes: readonly Mode[] = [
  {
    name: 'associated-node',
    applies: (wanted, asking) =>
      onlyName(wanted) &&
      nodeOf(wanted.name) !== undefined &&
      SERVICE_ACCOUNT.test(asking.name) &&
      asking.extra?.[NODE_NAME]?.join() === nodeOf(wanted.name),
  },
  { name: 'arbitrary-node', applies: wanted => onlyName(wanted) && nodeOf(wanted.name) !== undefined },
  { name: 'serviceaccount', applies: wanted => onlyName(wanted) && SERVICE_ACCOUNT.test(wanted.name) },
  {
    name: 'user-info',
    applies: ({ name, groups }) =>
      nodeOf(name) === undefined && !SERVICE_ACCOUNT.test(name) && !groups.includes('system:masters'),
  },
  { name: '', applies: () => true },
];

/**
 * Who the request is made as; undefined when it is made as whoever asks.
 * @returns rejects with 403 for what `asking` may not be, 400 for groups, uid or extra without a user.
 */
export async function impersonated(
  request: Request,
  info: RequestInfo,
  asking: User,
  authorizer: Authorizer,
): Promise<Impersonation | undefined> {
  const wanted = wantedOf(request.headers);
  if (!wanted) return undefined;
  if (wanted.name === '') {
    const wishes = wishesOf(wanted, false);
    if (wishes.length === 0) return undefined;
    throw badRequest(`requested [${wishes.map(wishText).join(' ')}] without impersonating a user`);
  }
  let refusal: StatusError | undefined;
  for (const mode of modes) {
    if (!mode.applies(wanted, asking)) continue;
    // What the last way lacks is told: the legacy verb, which people know.
    refusal = await refusalOf(mode, wanted, info, asking, authorizer);
    if (refusal) continue;
    const constraint = mode.name === '' ? '' : `impersonate:${mode.name}`;
    return { user: userOf(wanted, mode.name !== ''), constraint };
  }
  throw refusal;
}

/** Undefined: it is allowed. */
async function refusalOf(
  mode: Mode,
  wanted: Wanted,
  info: RequestInfo,
  user: User,
  authorizer: Authorizer,
): Promise<StatusError | undefined> {
  const constrained = mode.name !== '';
  const asked: Attributes[] = [];
  if (constrained) asked.push({ ...info, user, verb: `impersonate-on:${mode.name}:${info.verb}`, fieldSelector: '' });
  const verb = constrained ? `impersonate:${mode.name}` : 'impersonate';
  for (const wish of wishesOf(wanted, constrained)) {
    // A right to be one's own node is a right for every node: the account is that of many pods.
    const name = mode.name === 'associated-node' ? '*' : wish.name;
    asked.push({ user, verb, isResource: true, path: '', version: 'v1', fieldSelector: '', ...wish, name });
  }
  for (const attributes of asked) {
    const { opinion, reason } = await authorizer.authorize(attributes);
    if (opinion === 'allow') continue;
    const text = refusalText(attributes);
    const of = attributes.isResource ? attributes : { group: '', resource: '' };
    return forbidden(of, attributes.name, reason === '' ? text : `${text}: ${reason}`);
  }
  return undefined;
}

function wantedOf(headers: Request['headers']): Wanted | undefined {
  const names = Object.keys(headers).filter(name => name.startsWith('impersonate-'));
  if (names.length === 0) return undefined;
  const extra: Record<string, string[]> = {};
  for (const header of names.filter(text => text.startsWith(EXTRA)))
    extra[keyOf(header.slice(EXTRA.length))] = list(headers[header]);
  return {
    name: headers['impersonate-user'] ?? '',
    uid: headers['impersonate-uid'] ?? '',
    groups: list(headers['impersonate-group']),
    extra,
  };
}

function wishesOf({ name, groups, uid, extra }: Wanted, constrained: boolean): Wish[] {
  const none = { group: '', subresource: '', namespace: '' };
  // Users and groups are things of the core group only for the legacy way.
  const group = constrained ? AUTHENTICATION : '';
  const [, namespace = '', account] = SERVICE_ACCOUNT.exec(name) ?? [];
  const node = constrained ? nodeOf(name) : undefined;
  const who: Wish =
    account !== undefined
      ? { ...none, group, resource: 'serviceaccounts', namespace, name: account }
      : node !== undefined
        ? { ...none, group, resource: 'nodes', name: node }
        : { ...none, group, resource: 'users', name };
  return [
    ...(name === '' ? [] : [who]),
    ...groups.map(of => ({ ...none, group, resource: 'groups', name: of })),
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

function userOf({ name, uid, groups, extra }: Wanted, constrained: boolean): User {
  return {
    name,
    ...(uid === '' ? {} : { uid }),
    groups: groupsOf(name, groups, constrained),
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
  };
}

/** Those asked for; an account without any has its own, and so has a constrained node; everybody but nobody is authenticated. */
function groupsOf(name: string, asked: readonly string[], constrained: boolean): string[] {
  const namespace = SERVICE_ACCOUNT.exec(name)?.[1];
  const groups = [...asked];
  if (asked.length === 0 && namespace !== undefined) {
    groups.push('system:serviceaccounts', `system:serviceaccounts:${namespace}`);
  }
  if (constrained && nodeOf(name) !== undefined) groups.push('system:nodes');
  if (name === 'system:anonymous') {
    if (!groups.includes('system:unauthenticated')) groups.push('system:unauthenticated');
  } else if (!groups.some(group => group === 'system:authenticated' || group === 'system:unauthenticated')) {
    groups.push('system:authenticated');
  }
  return groups;
}

function nodeOf(user: string): string | undefined {
  if (!user.startsWith(NODE)) return undefined;
  const name = user.slice(NODE.length);
  return dns1123SubdomainErrors(name).length === 0 ? name : undefined;
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

/** Questions about who somebody is and what they may do: answered, never stored. */
import type { KubeObject } from '../../api/object.ts';
import { badRequest } from '../../api/status.ts';
import type { Response, User } from '../../lib/exchange.ts';
import { answerObject } from '../answer.ts';
import type { Attributes } from '../authorization/authorizer.ts';
import { decodeBody } from '../body.ts';
import { askedOf, type Context } from '../context.ts';

interface AccessSpec {
  readonly user?: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
  readonly resourceAttributes?: Readonly<
    Partial<Record<'namespace' | 'verb' | 'group' | 'version' | 'resource' | 'subresource' | 'name', string>>
  >;
  readonly nonResourceAttributes?: { readonly path?: string; readonly verb?: string };
}

export async function review(context: Context): Promise<Response> {
  const object = await decodeBody(context.request, context.resource, context.warnings);
  const answer = await statusFor(context, object);
  return answerObject(askedOf(context), { ...object, ...answer }, 201);
}

async function statusFor(context: Context, object: KubeObject): Promise<Record<string, unknown>> {
  const { user } = context;
  const spec = (object.spec ?? {}) as AccessSpec;
  switch (context.resource.resource) {
    case 'selfsubjectreviews':
      return { status: { userInfo: userInfo(user) } };
    case 'selfsubjectaccessreviews':
      return { status: await access(context, user, spec, '') };
    case 'subjectaccessreviews':
    case 'localsubjectaccessreviews':
      if ((spec.user ?? '') === '' && (spec.groups ?? []).length === 0) {
        throw badRequest('spec.user: Required value: at least one of user or group must be specified');
      }
      return { status: await access(context, subject(spec), spec, context.info.namespace) };
    case 'selfsubjectrulesreviews':
      return { status: rulesFor(user) };
    case 'tokenreviews':
      return { status: await tokenStatus(context, object) };
    default:
      throw badRequest(`${context.resource.resource} cannot be reviewed`);
  }
}

const subject = (spec: AccessSpec): User => ({
  name: spec.user ?? '',
  groups: spec.groups ?? [],
  ...(spec.uid === undefined ? {} : { uid: spec.uid }),
  ...(spec.extra === undefined ? {} : { extra: spec.extra }),
});

const userInfo = ({ name, uid, groups, extra }: User): Record<string, unknown> => ({
  username: name,
  ...(uid === undefined ? {} : { uid }),
  groups,
  ...(extra === undefined || Object.keys(extra).length === 0 ? {} : { extra }),
});

async function access(
  context: Context,
  user: User,
  spec: AccessSpec,
  namespace: string,
): Promise<Record<string, unknown>> {
  const { resourceAttributes: of, nonResourceAttributes: path } = spec;
  if (!of === !path) {
    throw badRequest('spec: exactly one of nonResourceAttributes or resourceAttributes must be specified');
  }
  if (namespace !== '' && of && (of.namespace ?? '') !== namespace) {
    throw badRequest(
      `spec.resourceAttributes.namespace: Invalid value: ${JSON.stringify(of.namespace ?? '')}: must match metadata.namespace`,
    );
  }
  const attributes: Attributes = {
    user,
    isResource: of !== undefined,
    verb: of?.verb ?? path?.verb ?? '',
    path: path?.path ?? '',
    group: of?.group ?? '',
    version: of?.version ?? '',
    resource: of?.resource ?? '',
    subresource: of?.subresource ?? '',
    namespace: of?.namespace ?? '',
    name: of?.name ?? '',
    fieldSelector: '',
  };
  const { opinion, reason } = await context.parts.authorizer.authorize(attributes);
  return {
    allowed: opinion === 'allow',
    ...(opinion === 'deny' ? { denied: true } : {}),
    ...(reason === '' ? {} : { reason }),
  };
}

/** `kubectl auth can-i --list`. Rules of roles are listed when the roles themselves are served in full. */
function rulesFor(user: User): Record<string, unknown> {
  const all = user.groups.includes('system:masters');
  return {
    resourceRules: all
      ? [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }]
      : [
          {
            verbs: ['create'],
            apiGroups: ['authorization.k8s.io'],
            resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
          },
          { verbs: ['create'], apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'] },
        ],
    nonResourceRules: all
      ? [{ verbs: ['*'], nonResourceURLs: ['*'] }]
      : [
          {
            verbs: ['get'],
            nonResourceURLs: [
              '/api',
              '/api/*',
              '/apis',
              '/apis/*',
              '/healthz',
              '/livez',
              '/openapi',
              '/openapi/*',
              '/readyz',
              '/version',
              '/version/',
            ],
          },
        ],
    incomplete: !all,
    ...(all ? {} : { evaluationError: 'rules granted by roles are not listed' }),
  };
}

async function tokenStatus(context: Context, object: KubeObject): Promise<Record<string, unknown>> {
  const spec = (object.spec ?? {}) as { token?: string; audiences?: string[] };
  if ((spec.token ?? '') === '') throw badRequest('token is required for TokenReview in authentication');
  const { tokens } = context.parts;
  const audiences = spec.audiences?.length ? spec.audiences : tokens.audiences;
  const verified = await tokens.verify(spec.token ?? '', audiences);
  if (!verified) return { authenticated: false, user: {} };
  return { authenticated: true, user: userInfo(verified.user), audiences: verified.audiences };
}

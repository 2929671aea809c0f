/** TokenReview: whose is this token? */
import type { TokenReviewStatus, UserInfo } from '../../../api/generated/types/authentication.v1.ts';
import type { KubeObject } from '../../../api/object.ts';
import { badRequest } from '../../../api/status.ts';
import type { User } from '../../../lib/exchange.ts';
import type { Context } from '../../context.ts';

export async function tokenStatus({ parts }: Context, object: KubeObject): Promise<TokenReviewStatus> {
  const { token = '', audiences = [] } = (object.spec ?? {}) as { token?: string; audiences?: string[] };
  if (token === '') throw badRequest('token is required for TokenReview in authentication');
  const verdict = await parts.bearer.verify(token, audiences.length > 0 ? audiences : parts.tokens.audiences);
  if (!verdict.verified) return { user: {}, ...(verdict.error === undefined ? {} : { error: verdict.error }) };
  return { authenticated: true, user: userInfo(verdict.verified.user), audiences: [...verdict.verified.audiences] };
}

export const userInfo = ({ name, uid, groups, extra }: User): UserInfo => ({
  username: name,
  ...(uid === undefined ? {} : { uid }),
  groups: [...groups],
  ...(extra === undefined || Object.keys(extra).length === 0 ? {} : { extra: extra as Record<string, string[]> }),
});

/** Questions about who somebody is and what they may do: answered, never stored. */
import type { KubeObject } from '../../api/object.ts';
import { badRequest } from '../../api/status.ts';
import type { Response } from '../../lib/exchange.ts';
import { answerObject } from '../answer.ts';
import { decodeBody } from '../body.ts';
import { askedOf, type Context } from '../context.ts';
import { timestamp } from '../objectMeta.ts';
import { type AccessReview, accessStatus } from './reviews/access.ts';
import { rulesStatus } from './reviews/rules.ts';
import { tokenStatus, userInfo } from './reviews/token.ts';

export async function review(context: Context): Promise<Response> {
  const { info, resource, warnings, request } = context;
  const object = await decodeBody(request, resource, warnings);
  // The namespace of the path stands in the object, as in every object that is made in one.
  if (resource.namespaced && (object.metadata.namespace ?? '') === '') object.metadata.namespace = info.namespace;
  const status = await statusFor(context, object);
  // This one is not a question about something, but made for who asks.
  if (resource.resource === 'selfsubjectreviews') {
    object.metadata.creationTimestamp = timestamp(context.parts.clock.now());
  }
  return answerObject(askedOf(context), { ...object, status } as KubeObject, 201);
}

async function statusFor(context: Context, object: KubeObject): Promise<object> {
  const { user, info, resource } = context;
  switch (resource.resource) {
    case 'selfsubjectreviews':
      return { userInfo: userInfo(user) };
    case 'selfsubjectaccessreviews':
    case 'subjectaccessreviews':
    case 'localsubjectaccessreviews': {
      if (resource.namespaced && object.metadata.namespace !== info.namespace) {
        throw badRequest(
          `namespace on object does not match the namespace on the request: ${object.metadata.namespace} != ${info.namespace}`,
        );
      }
      return accessStatus(context, object as unknown as AccessReview);
    }
    case 'selfsubjectrulesreviews':
      return rulesStatus(context, object);
    case 'tokenreviews':
      return tokenStatus(context, object);
    default:
      throw badRequest(`${resource.resource} cannot be reviewed`);
  }
}

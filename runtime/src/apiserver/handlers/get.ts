/** GET of one object. */
import { badRequest, notFound } from '../../api/status.ts';
import type { Response } from '../../lib/exchange.ts';
import { answerStored } from '../answer.ts';
import { askedOf, type Context } from '../context.ts';
import { keyOf } from '../keys.ts';
import { flag } from '../queryValues.ts';
import { requireReached } from '../resourceVersions.ts';

export async function getObject(context: Context): Promise<Response> {
  const { parts, resource, info, request } = context;
  if (flag(request.query, 'export')) {
    throw badRequest('the export parameter, deprecated since v1.14, is no longer supported');
  }
  const version = request.query.get('resourceVersion');
  if (version !== null && version !== '') requireReached(version, parts.store);
  const found = await parts.store.get(keyOf(resource, info.namespace, info.name));
  if (!found) throw notFound(resource, info.name);
  return answerStored(askedOf(context), { value: found.value, revision: found.modRevision });
}

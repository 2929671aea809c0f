/** POST serviceaccounts/NAME/token: a bound token (KEP-1205). */
import type { TokenRequest } from '../../api/generated/types/authentication.v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { badRequest, conflict, invalid, notFound } from '../../api/status.ts';
import type { Response } from '../../lib/exchange.ts';
import { answerObject } from '../answer.ts';
import type { BoundObject } from '../authentication/serviceAccount.ts';
import { decodeBody } from '../body.ts';
import { askedOf, type Context } from '../context.ts';
import { keyOf } from '../keys.ts';
import { timestamp } from '../objectMeta.ts';
import { deserialize } from '../serialized.ts';

const expected = {
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenRequest',
  definition: 'io.k8s.api.authentication.v1.TokenRequest',
};

const MIN_SECONDS = 600;
const DEFAULT_SECONDS = 3600;
const MAX_SECONDS = 2 ** 32;
/** Nobody gets a token for longer, whatever is asked. */
const LIMIT_SECONDS = 366 * 24 * 3600;

export async function requestToken(context: Context): Promise<Response> {
  const { info, parts, request, resource, warnings } = context;
  const asked = (await decodeBody(request, expected, warnings)) as unknown as TokenRequest;
  const found = await parts.store.get(keyOf(resource, info.namespace, info.name));
  if (!found) throw notFound(resource, info.name);
  const account = deserialize(found.value, found.modRevision);
  const seconds = asked.spec?.expirationSeconds ?? DEFAULT_SECONDS;
  const refuse = (message: string): never => {
    throw invalid(expected, '', [{ type: 'FieldValueInvalid', field: 'spec.expirationSeconds', message }]);
  };
  if (seconds < MIN_SECONDS) refuse(`Invalid value: ${seconds}: may not specify a duration less than 10 minutes`);
  if (seconds > MAX_SECONDS) refuse(`Invalid value: ${seconds}: may not specify a duration larger than 2^32 seconds`);
  const bound = await boundObject(context, asked);
  const audiences = asked.spec?.audiences?.length ? asked.spec.audiences : parts.tokens.audiences;
  const lifetimeSeconds = Math.min(seconds, LIMIT_SECONDS);
  const { token, expiresAtMs } = parts.tokens.issue({
    namespace: info.namespace,
    name: info.name,
    uid: account.metadata.uid ?? '',
    audiences,
    lifetimeSeconds,
    ...(bound ? { bound } : {}),
  });
  const answer = {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name: info.name, namespace: info.namespace, creationTimestamp: timestamp(parts.clock.now()) },
    spec: { ...asked.spec, audiences, expirationSeconds: lifetimeSeconds },
    status: { token, expirationTimestamp: timestamp(expiresAtMs) },
  };
  return answerObject(askedOf(context), answer as unknown as KubeObject, 201);
}

async function boundObject(context: Context, asked: TokenRequest): Promise<BoundObject | undefined> {
  const reference = asked.spec?.boundObjectRef;
  if (!reference) return undefined;
  const { parts, info } = context;
  const { kind = '', name = '', uid } = reference;
  const places: Readonly<Record<string, { resource: string; namespaced: boolean }>> = {
    Pod: { resource: 'pods', namespaced: true },
    Secret: { resource: 'secrets', namespaced: true },
    Node: { resource: 'nodes', namespaced: false },
  };
  const place = Object.hasOwn(places, kind) ? places[kind] : undefined;
  if (!place) {
    throw badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(info.name)} to object of type ${JSON.stringify(kind)}`,
    );
  }
  const found = await parts.store.get(keyOf({ group: '', ...place }, info.namespace, name));
  if (!found) throw notFound({ group: '', resource: place.resource }, name);
  const object = deserialize(found.value, found.modRevision);
  if (uid !== undefined && uid !== object.metadata.uid) {
    throw conflict(
      { group: '', resource: place.resource },
      name,
      `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  const bound: BoundObject = { kind: kind as BoundObject['kind'], name, uid: object.metadata.uid ?? '' };
  if (kind !== 'Pod') return bound;
  const spec = object.spec as { nodeName?: string; serviceAccountName?: string } | undefined;
  if (spec?.serviceAccountName !== info.name) {
    throw badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(info.name)} to pod running with different serviceaccount name.`,
    );
  }
  const nodeName = spec.nodeName ?? '';
  if (nodeName === '') return bound;
  const node = await parts.store.get(keyOf({ group: '', resource: 'nodes', namespaced: false }, '', nodeName));
  const nodeUid = node ? deserialize(node.value, node.modRevision).metadata.uid : undefined;
  return { ...bound, node: { name: nodeName, ...(nodeUid === undefined ? {} : { uid: nodeUid }) } };
}

/** POST serviceaccounts/NAME/token: a bound token (KEP-1205). */
import type { TokenRequest } from '../../api/generated/types/authentication.v1.ts';
import type { Pod } from '../../api/generated/types/core.v1.ts';
import { invalid as invalidField } from '../../api/kinds/errors.ts';
import type { FieldError } from '../../api/kinds/kind.ts';
import type { KubeObject } from '../../api/object.ts';
import { badRequest, conflict, invalid, notFound } from '../../api/status.ts';
import type { Response } from '../../lib/exchange.ts';
import { answerObject } from '../answer.ts';
import type { BoundObject } from '../authentication/serviceAccount.ts';
import { decodeBody } from '../body.ts';
import { askedOf, type Context } from '../context.ts';
import { keyOf } from '../keys.ts';
import { timestamp } from '../objectMeta.ts';
import { admissionAttributes } from '../registry.ts';
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
/** What pods' volumes ask for; such tokens live a year, for clients that never read them again (KEP-1205). */
const POD_SECONDS = 3607;
const EXTENDED_SECONDS = 365 * 24 * 3600;

/** Everything may be missing in what a client sends. */
type TokenSpec = Partial<NonNullable<TokenRequest['spec']>>;
type Asked = Pick<TokenRequest, 'metadata'> & { readonly spec?: TokenSpec };

export async function requestToken(context: Context): Promise<Response> {
  const { info, parts, request, resource, warnings } = context;
  const object = await decodeBody(request, expected, warnings);
  const { metadata, spec = {} } = object as unknown as Asked;
  const errors: FieldError[] = [];
  if (metadata.name && metadata.name !== info.name) {
    errors.push(invalidField('metadata.name', metadata.name, 'must match the service account name if specified'));
  }
  if (metadata.namespace && metadata.namespace !== info.namespace) {
    errors.push(
      invalidField('metadata.namespace', metadata.namespace, 'must match the service account namespace if specified'),
    );
  }
  if (errors.length > 0) throw invalid(expected, info.name, errors.slice(0, 1));
  const attributes = {
    ...admissionAttributes(context, 'CREATE', object, undefined),
    namespace: info.namespace,
    name: info.name,
  };
  await parts.admission.mutate(attributes);
  const found = await parts.store.get(keyOf(resource, info.namespace, info.name));
  if (!found) throw notFound(resource, info.name);
  const account = deserialize(found.value, found.modRevision);
  const seconds = spec.expirationSeconds ?? DEFAULT_SECONDS;
  const refused = durationErrors(seconds);
  if (refused.length > 0) throw invalid(expected, '', refused);
  await parts.admission.validate(attributes);
  const bound = await boundObject(context, spec);
  const audiences = spec.audiences?.length ? spec.audiences : [...parts.tokens.audiences];
  const lifetimeSeconds = Math.min(seconds, parts.tokens.maxLifetimeSeconds);
  if (lifetimeSeconds < seconds) {
    warnings.push(`requested expiration of ${seconds} seconds shortened to ${lifetimeSeconds} seconds`);
  }
  const isForPod = bound?.kind === 'Pod' && lifetimeSeconds === POD_SECONDS;
  const extended =
    isForPod && parts.tokens.extendsLifetime && audiences.every(audience => parts.tokens.audiences.includes(audience));
  const { token } = parts.tokens.issue({
    namespace: info.namespace,
    name: info.name,
    uid: account.metadata.uid ?? '',
    audiences,
    lifetimeSeconds: extended ? EXTENDED_SECONDS : lifetimeSeconds,
    ...(extended ? { warnAfterSeconds: lifetimeSeconds } : {}),
    ...(bound ? { bound } : {}),
  });
  const nowMs = parts.clock.now();
  const answer = {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name: info.name, namespace: info.namespace, creationTimestamp: timestamp(nowMs) },
    spec: { ...spec, audiences, expirationSeconds: lifetimeSeconds },
    status: { token, expirationTimestamp: timestamp(nowMs + lifetimeSeconds * 1000) },
  };
  return answerObject(askedOf(context), answer as unknown as KubeObject, 201);
}

export function durationErrors(seconds: number): FieldError[] {
  const field = 'spec.expirationSeconds';
  const errors: FieldError[] = [];
  if (seconds < MIN_SECONDS)
    errors.push(invalidField(field, seconds, 'may not specify a duration less than 10 minutes'));
  if (seconds > MAX_SECONDS) {
    errors.push(invalidField(field, seconds, 'may not specify a duration larger than 2^32 seconds'));
  }
  return errors;
}

const places: Readonly<Record<string, { readonly resource: string; readonly namespaced: boolean }>> = {
  Pod: { resource: 'pods', namespaced: true },
  Secret: { resource: 'secrets', namespaced: true },
  Node: { resource: 'nodes', namespaced: false },
};

async function boundObject(context: Context, spec: TokenSpec): Promise<BoundObject | undefined> {
  const reference = spec.boundObjectRef;
  if (!reference) return undefined;
  const { parts, info } = context;
  const { apiVersion = '', kind = '', name = '', uid = '' } = reference;
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? '' : apiVersion.slice(0, slash);
  const place = group === '' && Object.hasOwn(places, kind) ? places[kind] : undefined;
  if (!place) {
    const what = `${group}/${apiVersion.slice(slash + 1)}, Kind=${kind}`;
    throw badRequest(`cannot bind token to object of type ${what}`);
  }
  const found = await parts.store.get(keyOf({ group: '', ...place }, info.namespace, name));
  if (!found) throw notFound({ group: '', resource: place.resource }, name);
  const object = deserialize(found.value, found.modRevision);
  const podSpec = kind === 'Pod' ? (object as unknown as Pod).spec : undefined;
  if (kind === 'Pod' && podSpec?.serviceAccountName !== info.name) {
    throw badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(info.name)} to pod running with different serviceaccount name.`,
    );
  }
  if (uid !== '' && uid !== object.metadata.uid) {
    throw conflict(
      { group: '', resource: kind },
      name,
      `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  const bound: BoundObject = { kind: kind as BoundObject['kind'], name, uid: object.metadata.uid ?? '' };
  const nodeName = podSpec?.nodeName ?? '';
  if (nodeName === '') return bound;
  const node = await parts.store.get(keyOf({ group: '', resource: 'nodes', namespaced: false }, '', nodeName));
  const nodeUid = node ? deserialize(node.value, node.modRevision).metadata.uid : undefined;
  return { ...bound, node: { name: nodeName, ...(nodeUid === undefined ? {} : { uid: nodeUid }) } };
}

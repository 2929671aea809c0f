/**
 * ComponentStatuses: the scheduler, the controller manager and the store as the server finds them now. They are stored nowhere, so
 * they have neither a revision nor a uid.
 *
 * One differs from upstream: a component that does not exist is a 404, where upstream fails with a 500.
 */
import type { KubeObject } from '../../api/object.ts';
import { notFound } from '../../api/status.ts';
import type { Response } from '../../lib/exchange.ts';
import { accepted, answerObject, encode, headersOf, noSuchForm } from '../answer.ts';
import { askedOf, type Context } from '../context.ts';
import { type HealthCheck, inTime } from '../endpoints/health.ts';
import { selectionOf } from '../selection.ts';
import { columnsOf, includeObjectOf, partialMetadata, rowOf, tableOf } from '../table.ts';

export async function componentStatuses(context: Context, components: readonly HealthCheck[]): Promise<Response> {
  const { resource, kind, info, request, warnings, parts } = context;
  if (info.verb === 'get') {
    const found = components.find(({ name }) => name === info.name);
    if (!found) throw notFound(resource, info.name);
    return answerObject(askedOf(context), await statusOfComponent(found));
  }
  const form = accepted(request, resource);
  if (form.as === 'PartialObjectMetadata') throw noSuchForm(form.as, 'the requested object is a list', resource);
  const selection = selectionOf(request.query, kind, info.name);
  const all = await Promise.all(components.map(statusOfComponent));
  const items = all.filter(object => selection.matches(object));
  const { metaVersion } = form;
  let list: object;
  if (form.as === 'Table') {
    const include = includeObjectOf(request.query);
    const rows = items.map(object => rowOf(object, kind, parts.clock.now(), include, metaVersion));
    list = tableOf(columnsOf(kind), rows, {}, metaVersion);
  } else if (form.as === 'object') {
    list = { kind: 'ComponentStatusList', apiVersion: 'v1', metadata: {}, items: items.map(withoutKind) };
  } else {
    const metadataOf = (object: KubeObject): KubeObject => partialMetadata(object, metaVersion);
    const apiVersion = `meta.k8s.io/${metaVersion}`;
    list = { kind: 'PartialObjectMetadataList', apiVersion, metadata: {}, items: items.map(metadataOf) };
  }
  return { status: 200, headers: headersOf(form.encoding, warnings), body: await encode(list, form, request) };
}

const withoutKind = ({ apiVersion: _, kind: __, ...rest }: KubeObject): object => rest;

async function statusOfComponent(check: HealthCheck): Promise<KubeObject> {
  const reason = await inTime(check);
  const condition = reason === '' ? { status: 'True', message: 'ok' } : { status: 'False', error: reason };
  return {
    kind: 'ComponentStatus',
    apiVersion: 'v1',
    metadata: { name: check.name },
    conditions: [{ type: 'Healthy', ...condition }],
  };
}

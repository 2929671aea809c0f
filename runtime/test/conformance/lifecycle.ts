/** The life of a kind's objects through the API, as the suite's tests of "API operations" and "lifecycle" ask it of every kind. */
import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import type { Title } from './titles.ts';
import type { Event, Json, Wire } from './wire.ts';

export interface Kind {
  /** The suite's tests this is; none: a kind it does not ask for. */
  readonly titles: readonly Title[];
  /** `/apis/apps/v1` */
  readonly api: string;
  readonly resource: string;
  readonly kind: string;
  readonly clusterScoped?: true;
  /** Default: `<word>-<number>`. */
  readonly name?: (word: string, number: number) => string;
  /** All but type and metadata. */
  readonly object: (name: string, number: number, namespace: string) => object;
  /** A merge patch of what may be changed, beside the metadata. */
  readonly change?: object;
  /** A merge patch of the status. */
  readonly status?: object;
  /** The suite asks for no `deletecollection` of it: the kind has none. */
  readonly noCollection?: true;
}

const VERBS = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];

/** Whether all of `part` is in `whole`. */
export function includes(whole: Json, part: Json): boolean {
  if (Array.isArray(part))
    return Array.isArray(whole) && part.length === whole.length && part.every((p, i) => includes(whole[i], p));
  if (part === null) return whole === undefined || whole === null;
  if (typeof part === 'object')
    return typeof whole === 'object' && whole !== null && Object.keys(part).every(k => includes(whole[k], part[k]));
  return isDeepStrictEqual(whole, part);
}

export function assertIncludes(whole: Json, part: Json, what: string): void {
  if (!includes(whole, part)) assert.deepEqual(whole, part, what);
}

/** Updates what it reads; another's write in between is no failure, as for every client. */
export async function update(wire: Wire, path: string, change: (object: Json) => void, to = path): Promise<Json> {
  for (let tries = 0; ; tries++) {
    const object = await wire.get(path);
    change(object);
    const { status, object: answer, text } = await wire.send('PUT', to, { body: object });
    if (status === 200) return answer;
    assert.ok(status === 409 && tries < 10, `PUT ${to}: ${status} ${JSON.stringify(answer) ?? text}`);
  }
}

/** One object from its creation to its end, then a collection. @param namespace has none of the kind by these names */
export async function live(wire: Wire, kind: Kind, namespace: string): Promise<void> {
  const { api, resource, clusterScoped } = kind;
  const word = `${resource}-${wire.encoding}`;
  const all = `${api}/${resource}`;
  const here = clusterScoped ? all : `${api}/namespaces/${namespace}/${resource}`;
  const apiVersion = api.replace(/^\/apis?\//, '');
  const selector = `labelSelector=life%3D${word}`;
  const nameOf = (number: number): string => kind.name?.(word, number) ?? `${word}-${number}`;
  const objectOf = (number: number, labels: object = { life: word }): Json => ({
    apiVersion,
    kind: kind.kind,
    metadata: { name: nameOf(number), labels },
    ...kind.object(nameOf(number), number, namespace),
  });

  await discovered(wire, kind, apiVersion);

  // create
  const first = nameOf(1);
  const path = `${here}/${first}`;
  const { metadata: began } = await wire.get(`${here}?${selector}`);
  const watch = await wire.watch(`${here}?${selector}&resourceVersion=${began.resourceVersion}`);
  try {
    const made = await wire.create(here, objectOf(1));
    assert.equal(made.kind, kind.kind);
    assert.equal(made.apiVersion, apiVersion);
    assert.equal(made.metadata.name, first);
    assert.match(made.metadata.uid, /^[0-9a-f-]{36}$/);
    assert.ok(made.metadata.creationTimestamp);
    const again = await wire.refused(409, 'POST', here, objectOf(1));
    assert.equal(again.reason, 'AlreadyExists');

    // get and list
    const got = await wire.get(path);
    assert.equal(got.metadata.uid, made.metadata.uid);
    const missing = await wire.refused(404, 'GET', `${here}/${nameOf(9)}`);
    assert.equal(missing.reason, 'NotFound');
    assert.equal(missing.details.name, nameOf(9));
    assert.deepEqual(await wire.names(`${here}?${selector}`), [first]);
    assert.deepEqual(await wire.names(`${all}?${selector}`), [first], 'in all namespaces');

    // patch in every form, and update
    await wire.patch(path, { metadata: { annotations: { merged: 'yes' } }, ...kind.change });
    await wire.patch(path, { metadata: { annotations: { strategic: 'yes' } } }, 'strategic');
    await wire.patch(path, [{ op: 'add', path: '/metadata/annotations/jsoned', value: 'yes' }], 'json');
    const applied = await wire.expect(200, 'PATCH', `${path}?fieldManager=conformance`, {
      body: { apiVersion, kind: kind.kind, metadata: { name: first, annotations: { applied: 'yes' } } },
      headers: { 'content-type': 'application/apply-patch+yaml' },
    });
    assertIncludes(applied, kind.change ?? {}, 'what the merge patch changed');
    const expected = { merged: 'yes', strategic: 'yes', jsoned: 'yes', applied: 'yes' };
    assertIncludes((await wire.get(path)).metadata.annotations, expected, 'annotations after patches');
    const updated = await update(wire, path, object => {
      object.metadata.annotations.updated = 'yes';
    });
    assert.equal(updated.metadata.annotations.updated, 'yes');
    const stale = await wire.refused(409, 'PUT', path, {
      ...updated,
      metadata: { ...updated.metadata, resourceVersion: made.metadata.resourceVersion },
    });
    assert.equal(stale.reason, 'Conflict');

    if (kind.status) await status(wire, path, kind.status);

    // what the watch has seen of it
    const is = (type: string, annotation?: string) => (event: Event) =>
      event.type === type &&
      event.object.metadata.name === first &&
      (annotation === undefined || event.object.metadata.annotations?.[annotation] === 'yes');
    await watch.find('it is added', is('ADDED'));
    await watch.find('it is patched', is('MODIFIED', 'merged'));
    await watch.find('it is updated', is('MODIFIED', 'updated'));

    // delete one, then the collection
    await wire.delete(path);
    await watch.find('it is deleted', is('DELETED'));
    await wire.gone(path);
    await wire.create(here, objectOf(2));
    await wire.create(here, objectOf(3));
    await wire.create(here, objectOf(4, { life: 'another' }));
    assert.deepEqual(await wire.names(`${here}?${selector}`), [nameOf(2), nameOf(3)]);
    if (kind.noCollection) for (const n of [2, 3]) await wire.delete(`${here}/${nameOf(n)}`);
    else await wire.expect(200, 'DELETE', `${here}?${selector}`);
    await wire.until(`no ${resource} of the collection is left`, async () => {
      return (await wire.names(`${here}?${selector}`)).length === 0;
    });
    await wire.get(`${here}/${nameOf(4)}`);
    await wire.delete(`${here}/${nameOf(4)}`);
    await wire.gone(`${here}/${nameOf(4)}`);
  } finally {
    watch.close();
  }
}

/** The group, its version and the resource with its verbs are in the discovery documents. */
async function discovered(wire: Wire, kind: Kind, apiVersion: string): Promise<void> {
  const { api, resource, clusterScoped } = kind;
  const [group = '', version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  const read = async (path: string): Promise<Json> =>
    (await wire.expect(200, 'GET', path, { headers: { accept: 'application/json' } })) as Json;
  if (group !== '') {
    const groups = (await read('/apis')).groups as Json[];
    assert.ok(
      groups.some(g => g.name === group),
      `/apis names ${group}`,
    );
    const versions = (await read(`/apis/${group}`)).versions as Json[];
    assert.ok(
      versions.some(v => v.groupVersion === apiVersion && v.version === version),
      `/apis/${group} names ${apiVersion}`,
    );
  }
  const resources = (await read(api)).resources as Json[];
  const found = resources.find(r => r.name === resource);
  assert.equal(found?.kind, kind.kind, `${api} names ${resource}`);
  assert.equal(found.namespaced, !clusterScoped);
  const verbs = kind.noCollection ? VERBS : [...VERBS, 'deletecollection'];
  assert.deepEqual([...found.verbs].sort(), verbs.sort());
  if (!kind.status) return;
  const statusOf = resources.find(r => r.name === `${resource}/status`);
  assert.deepEqual([...(statusOf?.verbs ?? [])].sort(), ['get', 'patch', 'update']);
}

/** Its status can be read, patched and updated by itself. */
async function status(wire: Wire, path: string, change: object): Promise<void> {
  const before = await wire.get(`${path}/status`);
  assert.equal(before.metadata.name, (await wire.get(path)).metadata.name);
  const patched = await wire.patch(`${path}/status`, {
    metadata: { annotations: { 'patched-status': 'yes' } },
    status: change,
  });
  assertIncludes(patched.status, change, 'the status after the patch');
  assert.equal(patched.metadata.annotations['patched-status'], 'yes');
  const updated = await update(
    wire,
    `${path}/status`,
    object => {
      object.metadata.annotations['updated-status'] = 'yes';
      Object.assign(object.status, patched.status);
    },
    `${path}/status`,
  );
  assertIncludes(updated.status, change, 'the status after the update');
  const after = await wire.get(path);
  assertIncludes(after.metadata.annotations, { 'patched-status': 'yes', 'updated-status': 'yes' }, 'annotations');
}

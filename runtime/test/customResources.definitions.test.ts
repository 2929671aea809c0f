/** CustomResourceDefinitions: their names, what is refused, and everything that tells what is served. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ask } from './apiserverAsk.ts';
import { eventually } from './cluster.ts';
import { CRDS, customResourceCluster, definition, version } from './customResourcesFixture.ts';

const { handler, ok, fails, asks, define, established, redefine } = customResourceCluster();

describe('definitions', { timeout: 120_000 }, () => {
  const simple = (plural: string, kind: string, more: object = {}) =>
    definition({ plural, kind, group: 'names.example.com', more }, version('v1', { type: 'object' }));
  const conditionsOf = async (name: string) => {
    const { json } = await asks(`GET ${CRDS}/${name}`);
    const conditions: { type: string; status: string; reason: string; message: string }[] =
      json.status?.conditions ?? [];
    return Object.fromEntries(
      conditions.map(({ type, status, reason, message }) => [type, `${status} ${reason}: ${message}`]),
    );
  };

  it('get their names one after another', async () => {
    await define(simple('firsts', 'First', { shortNames: ['f'] }));
    for (const other of [simple('seconds', 'First'), simple('thirds', 'Third', { shortNames: ['f', 'firsts'] })])
      await asks(`POST ${CRDS}`, other);
    const second = await eventually('the second is refused', async () => {
      const conditions = await conditionsOf('seconds.names.example.com');
      return conditions.NamesAccepted === undefined ? undefined : conditions;
    });
    assert.equal(second.NamesAccepted, 'False ListKindConflict: "FirstList" is already in use');
    assert.equal(second.Established, 'False NotAccepted: not all names are accepted');
    const third = await eventually('the third is refused', async () => {
      const conditions = await conditionsOf('thirds.names.example.com');
      return conditions.NamesAccepted === undefined ? undefined : conditions;
    });
    assert.equal(third.NamesAccepted, 'False ShortNamesConflict: ["f" is already in use, "firsts" is already in use]');
    assert.equal((await asks('GET /apis/names.example.com/v1/seconds')).status, 404);
    // A name that becomes free goes to who waits for it.
    await ok('delete crd firsts.names.example.com');
    await established('seconds.names.example.com');
    await established('thirds.names.example.com');
    for (const name of ['seconds', 'thirds']) await ok(`delete crd ${name}.names.example.com`);
  });

  it('are refused in words that help', async () => {
    const refused = async (made: object): Promise<string> => {
      const { status, json } = await asks(`POST ${CRDS}`, made);
      assert.equal(status, 422, JSON.stringify(json));
      return json.message;
    };
    const base = simple('things', 'Thing');
    assert.match(
      await refused({ ...base, metadata: { name: 'wrong.names.example.com' } }),
      /metadata\.name: Invalid value: "wrong\.names\.example\.com": must be spec\.names\.plural\+"\."\+spec\.group/,
    );
    const webhook = {
      strategy: 'Webhook',
      webhook: { conversionReviewVersions: ['v1'], clientConfig: { url: 'https://example.test' } },
    };
    assert.match(
      await refused({ ...base, spec: { ...base.spec, conversion: webhook } }),
      /spec\.conversion\.strategy: Invalid value: "Webhook": conversion webhooks are not available yet/,
    );
    assert.match(
      await refused(definition({ plural: 'things', kind: 'Thing', group: 'names.example.com' }, version('v1', {}))),
      /spec\.validation\.openAPIV3Schema\.properties\[spec\]\.type: Required value: must not be empty for specified object fields/,
    );
    assert.match(
      await refused(
        definition({ plural: 'things', kind: 'Thing', group: 'things.k8s.io' }, version('v1', { type: 'object' })),
      ),
      /metadata\.annotations\[api-approved\.kubernetes\.io\]: Required value: protected groups must have approval annotation/,
    );
    assert.match(
      await fails('create -f -', { ...base, spec: { ...base.spec, oops: 1 } }),
      /unknown field "spec\.oops"/,
    );
    const { status } = await asks(`POST ${CRDS}`, {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'x' },
    });
    assert.equal(status, 422);
  });

  it('keep rules that are not enforced yet, and say so', async () => {
    const rules = [{ rule: 'self.size > 1', message: 'too small' }];
    const made = definition(
      { plural: 'ruleds', kind: 'Ruled', group: 'names.example.com' },
      version('v1', { type: 'object', properties: { size: { type: 'integer' } }, 'x-kubernetes-validations': rules }),
    );
    const answer = await asks(`POST ${CRDS}`, made);
    assert.equal(answer.status, 201, JSON.stringify(answer.json));
    assert.match(
      answer.headers.warning ?? '',
      /x-kubernetes-validations: the rules are stored and published, but not enforced yet/,
    );
    assert.deepEqual(
      answer.json.spec.versions[0].schema.openAPIV3Schema.properties.spec['x-kubernetes-validations'],
      rules,
    );
    await ok('delete crd ruleds.names.example.com');
  });

  it('may not change what their objects are kept by', async () => {
    await define(simple('keeps', 'Keep'));
    const changed = await redefine('keeps.names.example.com', spec => {
      spec.scope = 'Cluster';
      spec.names.kind = 'Kept';
    });
    assert.equal(changed.status, 422);
    for (const field of [
      'spec.scope: Invalid value: "Cluster": field is immutable',
      'spec.names.kind: Invalid value: "Kept": field is immutable',
    ])
      assert.ok(changed.json.message.includes(field), changed.json.message);
    const renamed = await redefine('keeps.names.example.com', spec => {
      Object.assign(spec.names, { shortNames: ['kp'], categories: ['some'] });
    });
    assert.equal(renamed.status, 200);
    await eventually('the short name is known', async () =>
      (await asks('GET /apis/names.example.com/v1')).json.resources[0].shortNames?.includes('kp'),
    );
    assert.equal(await ok('get kp -A'), '');
    await ok('delete crd keeps.names.example.com');
  });

  it('are in every list of what is served, as soon as they are established', async () => {
    await define(simple('fasts', 'Fast'));
    const aggregated = { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' };
    const groups = (await asks('GET /apis', undefined, aggregated)).json.items.map(
      (group: { metadata: { name: string } }) => group.metadata.name,
    );
    assert.ok(groups.includes('names.example.com'));
    const plain = (await asks('GET /apis')).json.groups.find(
      (group: { name: string }) => group.name === 'names.example.com',
    );
    assert.equal(plain.preferredVersion.groupVersion, 'names.example.com/v1');
    const { paths } = (await asks('GET /openapi/v3')).json;
    const place = paths['apis/names.example.com/v1'].serverRelativeURL;
    const document = await asks(`GET ${place}`);
    assert.equal(document.status, 200);
    assert.ok(document.json.components.schemas['com.example.names.v1.Fast']);
    assert.equal((await asks(`GET ${place}`, undefined, { 'if-none-match': document.headers.etag ?? '' })).status, 304);
    const core = paths['api/v1'].serverRelativeURL;
    const v2 = await asks('GET /openapi/v2');
    assert.ok(v2.json.definitions['com.example.names.v1.FastList']);
    assert.ok(v2.json.definitions['io.k8s.api.core.v1.Pod']);
    assert.ok(v2.json.paths['/apis/names.example.com/v1/namespaces/{namespace}/fasts/{name}']);
    const changed = await redefine('fasts.names.example.com', spec => {
      const [first] = spec.versions as { schema: { openAPIV3Schema: { description?: string } } }[];
      if (first) first.schema.openAPIV3Schema.description = 'Quick.';
    });
    assert.equal(changed.status, 200);
    const later = (await asks('GET /openapi/v3')).json.paths;
    assert.notEqual(later['apis/names.example.com/v1'].serverRelativeURL, place);
    assert.equal(later['api/v1'].serverRelativeURL, core);
    const made = (await asks(`GET ${later['apis/names.example.com/v1'].serverRelativeURL}`)).json.components.schemas[
      'com.example.names.v1.Fast'
    ];
    assert.equal(made.description, 'Quick.');
    assert.equal((await asks('GET /openapi/v2')).json.definitions['com.example.names.v1.Fast'].description, 'Quick.');
    await ok('delete crd fasts.names.example.com');
  });

  it('let namespaces go with their objects', async () => {
    await define(simple('locals', 'Local'));
    await ok('create namespace going');
    await ok('create -f -', {
      apiVersion: 'names.example.com/v1',
      kind: 'Local',
      metadata: { name: 'l', namespace: 'going' },
    });
    await ok('delete namespace going --timeout=30s');
    await define(simple('others', 'Another'));
    assert.deepEqual((await asks('GET /apis/names.example.com/v1/locals')).json.items, []);
    for (const name of ['locals', 'others']) await ok(`delete crd ${name}.names.example.com`);
  });

  it('say nothing to who may not see them', async () => {
    await define(simple('guardeds', 'Guarded'));
    const user = { name: 'jane', groups: ['system:authenticated'] };
    const path = '/apis/names.example.com/v1/namespaces/default/guardeds';
    const refused = await ask(handler(), `GET ${path}`, { user });
    assert.equal(refused.status, 403);
    await ok('create clusterrole guarded-reader --verb=get,list --resource=guardeds.names.example.com');
    await ok('create clusterrolebinding guarded-jane --clusterrole=guarded-reader --user=jane');
    await eventually('jane may read', async () => (await ask(handler(), `GET ${path}`, { user })).status === 200);
    assert.equal((await ask(handler(), `DELETE ${path}`, { user })).status, 403);
    await ok('delete crd guardeds.names.example.com');
  });
});

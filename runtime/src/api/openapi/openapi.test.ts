import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { resources } from '../resources.ts';
import { packText, textOf } from './document.ts';
import { buildV2 } from './v2.ts';
import { buildV3, openapiV3 } from './v3.ts';

const INFO = { title: 'Kubernetes', version: 'v1.36.4' };

interface Schema {
  readonly [key: string]: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}
type Operation = {
  readonly [key: string]: unknown;
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
};
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { readonly schemas: Readonly<Record<string, Schema>> };
  readonly definitions?: Readonly<Record<string, Schema>>;
}

/** Every `$ref` in the document. */
function references(value: unknown, found = new Set<string>()): Set<string> {
  if (Array.isArray(value)) for (const item of value) references(item, found);
  else if (typeof value === 'object' && value !== null)
    for (const [key, inner] of Object.entries(value)) {
      if (key === '$ref' && typeof inner === 'string') found.add(inner);
      else references(inner, found);
    }
  return found;
}

describe('OpenAPI v3', () => {
  const v3 = openapiV3(resources, INFO);
  let apps: Document;
  let core: Document;
  before(async () => {
    apps = (await buildV3(resources, 'apps', 'v1', INFO)) as unknown as Document;
    core = (await buildV3(resources, '', 'v1', INFO)) as unknown as Document;
  });

  it('says where each document is', () => {
    const { paths } = v3.index();
    assert.match(paths['api/v1']?.serverRelativeURL ?? '', /^\/openapi\/v3\/api\/v1\?hash=[0-9A-F]{128}$/);
    assert.ok(paths['apis/apps/v1']);
    for (const path of Object.keys(paths)) assert.ok(v3.document(path), path);
    assert.equal(v3.document('apis/nobody/v1'), undefined);
  });

  it('keeps documents compressed, made once', async () => {
    const document = await v3.document('apis/apps/v1');
    assert.ok(document);
    assert.equal(await v3.document('apis/apps/v1'), document);
    assert.deepEqual(JSON.parse(await textOf(document)), JSON.parse(JSON.stringify(apps)));
  });

  it('refers to nothing that is not there', () => {
    for (const document of [apps, core])
      for (const reference of references(document))
        assert.ok(document.components?.schemas[reference.replace('#/components/schemas/', '')], reference);
  });

  it('tells kubectl apply how lists merge', () => {
    const schemas = core.components?.schemas;
    const containers = schemas?.['io.k8s.api.core.v1.PodSpec']?.properties?.containers;
    assert.equal(containers?.['x-kubernetes-patch-merge-key'], 'name');
    assert.equal(containers?.['x-kubernetes-patch-strategy'], 'merge');
    assert.deepEqual(containers?.['x-kubernetes-list-map-keys'], ['name']);
    assert.equal(
      schemas?.['io.k8s.api.core.v1.PodSpec']?.properties?.volumes?.['x-kubernetes-patch-strategy'],
      'merge,retainKeys',
    );
    assert.deepEqual(schemas?.['io.k8s.api.core.v1.Pod']?.['x-kubernetes-group-version-kind'], [
      { group: '', kind: 'Pod', version: 'v1' },
    ]);
  });

  it('tells kubectl that dryRun and fieldValidation are known, and which patches', () => {
    const patch = apps.paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}']?.patch;
    const names = patch?.parameters.map(p => p.name) ?? [];
    for (const name of ['dryRun', 'fieldValidation', 'fieldManager', 'force']) assert.ok(names.includes(name), name);
    assert.deepEqual(patch?.['x-kubernetes-group-version-kind'], { group: 'apps', kind: 'Deployment', version: 'v1' });
    const body = patch?.requestBody as { content: Record<string, unknown> };
    assert.deepEqual(Object.keys(body.content), [
      'application/json-patch+json',
      'application/merge-patch+json',
      'application/strategic-merge-patch+json',
      'application/apply-patch+yaml',
    ]);
  });

  it('gives every operation an id of its own', () => {
    for (const document of [apps, core]) {
      const ids = Object.values(document.paths).flatMap(path => Object.values(path).map(op => op.operationId));
      assert.equal(new Set(ids).size, ids.length, ids.filter((id, i) => ids.indexOf(id) !== i).join());
    }
  });

  it('puts what stands beside a reference around it', () => {
    const spec = apps.components?.schemas['io.k8s.api.apps.v1.Deployment']?.properties?.spec;
    assert.deepEqual(spec?.allOf, [{ $ref: '#/components/schemas/io.k8s.api.apps.v1.DeploymentSpec' }]);
    assert.deepEqual(spec?.default, {});
  });

  it('requires what Go does not leave out', () => {
    assert.deepEqual(apps.components?.schemas['io.k8s.api.apps.v1.DeploymentSpec']?.required, ['selector', 'template']);
  });
});

describe('OpenAPI v2', () => {
  let document: Document;
  before(async () => {
    document = (await buildV2(resources, INFO)) as unknown as Document;
  });

  it('holds every kind, and refers to nothing that is not there', () => {
    for (const { definition } of resources) assert.ok(document.definitions?.[definition], definition);
    for (const reference of references(document))
      assert.ok(document.definitions?.[reference.replace('#/definitions/', '')], reference);
  });

  it('is told apart by its text', async () => {
    const text = JSON.stringify(document);
    const { etag } = await packText(text);
    assert.match(etag, /^"[0-9A-F]{128}"$/);
    assert.equal((await packText(text)).etag, etag);
    assert.notEqual((await packText(`${text} `)).etag, etag);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  apiGroup,
  apiGroupDiscoveryList,
  apiGroupList,
  apiResourceList,
  apiVersions,
  compareVersions,
} from './discovery.ts';
import { findResource, pluralOf, resourceOfKind, resources } from './resources.ts';

describe('resources', () => {
  const plurals: readonly (readonly [kind: string, plural: string])[] = [
    ['Pod', 'pods'],
    ['Ingress', 'ingresses'],
    ['NetworkPolicy', 'networkpolicies'],
    ['Endpoints', 'endpoints'],
    ['StorageClass', 'storageclasses'],
    ['CSIStorageCapacity', 'csistoragecapacities'],
    ['Gateway', 'gateways'],
    ['ComponentStatus', 'componentstatuses'],
  ];
  for (const [kind, plural] of plurals)
    it(`${kind} is served as ${plural}`, () => assert.equal(pluralOf(kind), plural));

  it('are found by resource and by kind', () => {
    const deployments = findResource('apps', 'v1', 'deployments');
    assert.equal(deployments?.definition, 'io.k8s.api.apps.v1.Deployment');
    assert.equal(resourceOfKind('apps', 'v1', 'Deployment'), deployments);
    assert.equal(findResource('apps', 'v1beta1', 'deployments'), undefined);
  });

  it('have each its own name, and a definition', () => {
    const names = resources.map(r => `${r.group}/${r.version}/${r.resource}`);
    assert.equal(new Set(names).size, names.length);
    for (const r of resources)
      for (const sub of r.subresources)
        if (!sub.kind.endsWith('Options')) assert.ok(sub.definition, `${r.resource}/${sub.name}`);
  });

  const subresources: readonly (readonly [group: string, resource: string, names: string])[] = [
    ['', 'pods', 'attach,binding,ephemeralcontainers,eviction,exec,log,portforward,proxy,resize,status'],
    ['', 'nodes', 'proxy,status'],
    ['', 'services', 'proxy,status'],
    ['', 'namespaces', 'finalize,status'],
    ['', 'serviceaccounts', 'token'],
    ['', 'replicationcontrollers', 'scale,status'],
    ['apps', 'deployments', 'scale,status'],
    ['certificates.k8s.io', 'certificatesigningrequests', 'approval,status'],
    ['authentication.k8s.io', 'tokenreviews', ''],
  ];
  for (const [group, resource, names] of subresources)
    it(`${resource} have ${names || 'no subresources'}`, () =>
      assert.equal(
        findResource(group, 'v1', resource)
          ?.subresources.map(s => s.name)
          .join(','),
        names,
      ));

  const verbs: readonly (readonly [group: string, resource: string, verbs: string])[] = [
    ['', 'pods', 'create,delete,deletecollection,get,list,patch,update,watch'],
    ['', 'namespaces', 'create,delete,get,list,patch,update,watch'],
    ['', 'componentstatuses', 'get,list'],
    ['', 'bindings', 'create'],
    ['authorization.k8s.io', 'selfsubjectaccessreviews', 'create'],
  ];
  for (const [group, resource, list] of verbs)
    it(`${resource} can be asked to ${list}`, () =>
      assert.equal(findResource(group, 'v1', resource)?.verbs.join(','), list));
});

describe('discovery', () => {
  it('answers /api', () => {
    assert.deepEqual(apiVersions('10.0.2.15:6443'), {
      kind: 'APIVersions',
      versions: ['v1'],
      serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '10.0.2.15:6443' }],
    });
  });

  it('lists the groups in order of priority, autoscaling/v2 preferred', () => {
    const { groups } = apiGroupList(resources);
    assert.deepEqual(
      groups.slice(0, 3).map(g => g.name),
      ['apiregistration.k8s.io', 'apps', 'events.k8s.io'],
    );
    assert.deepEqual(apiGroup(resources, 'autoscaling'), {
      kind: 'APIGroup',
      apiVersion: 'v1',
      name: 'autoscaling',
      versions: [
        { groupVersion: 'autoscaling/v2', version: 'v2' },
        { groupVersion: 'autoscaling/v1', version: 'v1' },
      ],
      preferredVersion: { groupVersion: 'autoscaling/v2', version: 'v2' },
    });
    assert.equal(apiGroup(resources, 'nobody.example'), undefined);
  });

  it('lists the resources of a version', () => {
    const core = apiResourceList(resources, '', 'v1');
    assert.equal(core?.groupVersion, 'v1');
    assert.deepEqual(
      core?.resources.find(r => r.name === 'pods'),
      {
        name: 'pods',
        singularName: 'pod',
        namespaced: true,
        kind: 'Pod',
        verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
        shortNames: ['po'],
        categories: ['all'],
        storageVersionHash: 'xPOwRZ+Yhw8=',
      },
    );
    assert.deepEqual(
      core?.resources.find(r => r.name === 'pods/eviction'),
      {
        name: 'pods/eviction',
        singularName: '',
        namespaced: true,
        group: 'policy',
        version: 'v1',
        kind: 'Eviction',
        verbs: ['create'],
      },
    );
    assert.equal(apiResourceList(resources, 'apps', 'v9'), undefined);
  });

  // As upstream publishes them (api/discovery in its sources). CustomResourceDefinitions it still keeps as v1beta1.
  const stored: readonly (readonly [group: string, version: string, resource: string, hash: string | undefined])[] = [
    ['', 'v1', 'configmaps', 'qFsyl6wFWjQ='],
    ['', 'v1', 'events', 'r2yiGXH7wu8='],
    ['events.k8s.io', 'v1', 'events', 'r2yiGXH7wu8='],
    ['', 'v1', 'namespaces', 'Q3oi5N2YM8M='],
    ['', 'v1', 'secrets', 'S6u1pOWzb84='],
    ['', 'v1', 'services', '0/CO1lhkEBI='],
    ['admissionregistration.k8s.io', 'v1', 'mutatingadmissionpolicies', 'mHCkTKpUTrE='],
    ['admissionregistration.k8s.io', 'v1', 'validatingwebhookconfigurations', 'B0wHjQmsGNk='],
    ['autoscaling', 'v1', 'horizontalpodautoscalers', 'qwQve8ut294='],
    ['autoscaling', 'v2', 'horizontalpodautoscalers', 'qwQve8ut294='],
    ['networking.k8s.io', 'v1', 'ingresses', '39NQlfNR+bo='],
    ['networking.k8s.io', 'v1', 'networkpolicies', 'YpfwF18m1G8='],
    ['storage.k8s.io', 'v1', 'storageclasses', 'K+m6uJwbjGY='],
    ['', 'v1', 'componentstatuses', undefined],
    ['', 'v1', 'bindings', undefined],
    ['', 'v1', 'pods/status', undefined],
    ['authorization.k8s.io', 'v1', 'selfsubjectaccessreviews', undefined],
  ];
  for (const [group, version, resource, hash] of stored)
    it(`${group}/${version} ${resource}: ${hash ? `kept as ${hash}` : 'not kept'}`, () => {
      const listed = apiResourceList(resources, group, version)?.resources.find(r => r.name === resource);
      assert.equal(listed?.storageVersionHash, hash);
    });

  it('aggregates: core in one document, the rest in the other', () => {
    const core = apiGroupDiscoveryList(resources, true);
    assert.equal(core.items.length, 1);
    assert.equal(core.items[0]?.metadata?.name, undefined);
    const rest = apiGroupDiscoveryList(resources, false);
    const apps = rest.items.find(g => g.metadata?.name === 'apps')?.versions?.[0];
    assert.equal(apps?.freshness, 'Current');
    assert.deepEqual(
      apps?.resources?.find(r => r.resource === 'deployments'),
      {
        resource: 'deployments',
        responseKind: { group: 'apps', version: 'v1', kind: 'Deployment' },
        scope: 'Namespaced',
        singularResource: 'deployment',
        verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
        shortNames: ['deploy'],
        categories: ['all'],
        subresources: [
          {
            subresource: 'scale',
            responseKind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
            verbs: ['get', 'patch', 'update'],
          },
          {
            subresource: 'status',
            responseKind: { group: 'apps', version: 'v1', kind: 'Deployment' },
            verbs: ['get', 'patch', 'update'],
          },
        ],
      },
    );
  });

  it('ranks versions as Kubernetes does', () => {
    const versions = ['v1alpha1', 'foo', 'v10', 'v2', 'v1beta2', 'v1', 'v1beta1'];
    assert.deepEqual(versions.sort(compareVersions), ['v10', 'v2', 'v1', 'v1beta2', 'v1beta1', 'v1alpha1', 'foo']);
  });
});

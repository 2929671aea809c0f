/** Admission configurations as people write them: upstream's own examples first, then what is wrong. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ConfigFileError } from '../configFileError.ts';
import { readAdmissionConfiguration } from './configuration.ts';

const LATEST = Number.POSITIVE_INFINITY;
const HEAD = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n';
const POD_SECURITY = `${HEAD}- name: PodSecurity
  configuration:
    apiVersion: pod-security.admission.config.k8s.io/v1
    kind: PodSecurityConfiguration
`;
const EVENTS = `${HEAD}- name: EventRateLimit
  configuration:
    apiVersion: eventratelimit.admission.k8s.io/v1alpha1
    kind: Configuration
`;
const QUOTA = `${HEAD}- name: ResourceQuota
  configuration:
    apiVersion: apiserver.config.k8s.io/v1
    kind: ResourceQuotaConfiguration
`;

let directory: string;
const read = async (text: string): Promise<unknown> => {
  const path = join(directory, 'a.yaml');
  await writeFile(path, text);
  return readAdmissionConfiguration(path);
};

describe('an admission configuration', () => {
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'atoll-admission-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  it('sets defaults and exemptions of PodSecurity', async () => {
    const text = `${POD_SECURITY}    defaults:
      enforce: baseline
      enforce-version: v1.30
      audit: restricted
      warn: "restricted"
      warn-version: "latest"
    exemptions:
      usernames: [system:admin]
      runtimeClasses: []
      namespaces: [kube-system, cis-operator-system]
`;
    assert.deepEqual(await read(text), {
      podSecurity: {
        defaults: {
          enforce: { level: 'baseline', minor: 30 },
          audit: { level: 'restricted', minor: LATEST },
          warn: { level: 'restricted', minor: LATEST },
        },
        exemptions: {
          usernames: ['system:admin'],
          namespaces: ['kube-system', 'cis-operator-system'],
          runtimeClasses: [],
        },
      },
    });
  });

  it('sets limits, as JSON too, and from files of their own', async () => {
    const limits = [{ type: 'Namespace', qps: 50, burst: 100, cacheSize: 2000 }];
    const own = { apiVersion: 'eventratelimit.admission.k8s.io/v1alpha1', kind: 'Configuration', limits };
    const configuration = {
      apiVersion: 'apiserver.config.k8s.io/v1',
      kind: 'AdmissionConfiguration',
      plugins: [{ name: 'EventRateLimit', configuration: own }],
    };
    assert.deepEqual(await read(JSON.stringify(configuration)), { eventLimits: limits });
    await writeFile(join(directory, 'limits.yaml'), JSON.stringify(own));
    assert.deepEqual(await read(`${HEAD}- {name: EventRateLimit, path: limits.yaml}\n- {name: PodSecurity}\n`), {
      eventLimits: limits,
    });
    const quota = `${QUOTA}    limitedResources:
    - resource: pods
      matchScopes:
      - {scopeName: PriorityClass, operator: In, values: [cluster-services]}
    - {apiGroup: apps, resource: deployments, matchContains: [count/]}
`;
    assert.deepEqual(await read(quota), {
      limitedResources: [
        {
          groupResource: 'pods',
          matchContains: [],
          matchScopes: [{ scopeName: 'PriorityClass', operator: 'In', values: ['cluster-services'] }],
        },
        { groupResource: 'deployments.apps', matchContains: ['count/'], matchScopes: [] },
      ],
    });
  });

  const wrong: readonly (readonly [text: string, message: RegExp])[] = [
    ['', /a\.yaml:1: must be an object with the fields apiVersion, kind, plugins/],
    ['a: [', /a\.yaml:/],
    ['apiVersion: v1\nkind: AdmissionConfiguration\n', /:1: apiVersion: "v1": must be apiserver\.config\.k8s\.io\/v1$/],
    ['apiVersion: apiserver.config.k8s.io/v1\nkind: Pod\n', /:2: kind: "Pod": must be AdmissionConfiguration/],
    [`${HEAD}- {name: NoSuch}\n`, /:4: name: "NoSuch": must be one of PodSecurity, EventRateLimit, ResourceQuota/],
    [`${HEAD}- {name: PodSecurity}\n- {name: PodSecurity}\n`, /:5: name: PodSecurity is configured twice/],
    [
      `${HEAD}- {name: PodSecurity, path: none.yaml}\n`,
      /none\.yaml: the admission configuration cannot be read: ENOENT/,
    ],
    [`${HEAD}- {name: PodSecurity, file: x}\n`, /:4: unknown field file; there are name, configuration, path/],
    [
      `${POD_SECURITY}    defaults: {enforce: high}\n`,
      /:8: enforce: "high": must be one of privileged, baseline, restricted/,
    ],
    [`${POD_SECURITY}    defaults: {warn-version: "1.30"}\n`, /:8: warn-version: "1.30": must be "latest" or "v1\.x"/],
    [`${POD_SECURITY}    exemptions: {namespaces: [Kube]}\n`, /:8: namespaces: "Kube": a lowercase RFC 1123 label/],
    [`${POD_SECURITY}    exemptions: {usernames: [a, a]}\n`, /:8: usernames: "a" stands twice/],
    [`${POD_SECURITY}    exemption: {}\n`, /:8: unknown field exemption/],
    [EVENTS, /limits: at least one limit is needed/],
    [`${EVENTS}    limits: [{type: Pod, qps: 1, burst: 1}]\n`, /:8: type: "Pod": must be one of Server, Namespace/],
    [
      `${EVENTS}    limits: [{type: User, qps: 0}]\n`,
      /:8: qps: 0: must be a whole number, at least 1\n.*:8: burst: it is miss/,
    ],
    [
      `${QUOTA}    limitedResources: [{matchScopes: [{scopeName: X}]}]\n`,
      /:8: resource: it is missing\n.*scopeName: "X": must/,
    ],
  ];
  for (const [text, message] of wrong) {
    it(`refuses ${JSON.stringify(text.slice(-60))}`, () =>
      assert.rejects(read(text), (error: unknown) => {
        assert.ok(error instanceof ConfigFileError, String(error));
        assert.match(error.message, message);
        return true;
      }));
  }
});

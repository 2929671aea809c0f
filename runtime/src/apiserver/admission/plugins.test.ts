/** The built-in plugins together, as a request meets them, over a real store. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { KubeObject } from '../../api/object.ts';
import { findResource } from '../../api/resources.ts';
import { StatusError } from '../../api/status.ts';
import { systemClock } from '../../lib/clock.ts';
import type { User } from '../../lib/exchange.ts';
import { MetricRegistry } from '../../lib/metrics.ts';
import { openSqliteStore } from '../../store/sqlite/open.ts';
import type { SqliteStore } from '../../store/sqlite/store.ts';
import type { Attributes, Authorizer } from '../authorization/authorizer.ts';
import { Bindings } from '../authorization/bindings.ts';
import { Mirrors } from '../mirrors.ts';
import { serialize } from '../serialized.ts';
import type { Admission, Operation } from './admission.ts';
import { pluginNames } from './pluginNames.ts';
import { type AdmissionOptions, builtInAdmission } from './plugins.ts';
import { standardOf } from './podSecurity/policy.ts';
import { mergeTolerations } from './runtimeClass.ts';

type Loose = Record<string, unknown>;
type Refusal = string | { readonly code: number; readonly message: string };

const directory = mkdtempSync(join(tmpdir(), 'atoll-admission-'));
let store: SqliteStore;
let mirrors: Mirrors;
let bindings: Bindings;
/** What the authorizer allows: `approve signers example.com/a`. */
const allowed = new Set<string>();
const asked: Attributes[] = [];
const authorizer: Authorizer = {
  authorize: attributes => {
    asked.push(attributes);
    const { verb, resource, subresource, name } = attributes;
    const what = `${verb} ${subresource === '' ? resource : `${resource}/${subresource}`} ${name}`;
    return { opinion: allowed.has(what) ? 'allow' : 'none', reason: '' };
  },
};

const admissionWith = (options?: AdmissionOptions): Admission =>
  builtInAdmission(
    { mirrors, store, clock: systemClock, authorizer, bindings, metrics: new MetricRegistry() },
    options,
  );

const put = (key: string, object: Loose): Promise<unknown> =>
  store.commit({
    key: `/registry/${key}`,
    value: serialize({ apiVersion: 'v1', kind: 'X', ...object } as unknown as KubeObject),
  });

const named = (name: string, more: Loose = {}): Loose => ({ metadata: { name, ...(more.metadata as Loose) }, ...more });

before(async () => {
  store = await openSqliteStore({ path: join(directory, 'state.db') });
  mirrors = new Mirrors(store);
  bindings = new Bindings(store);
  const namespace = (name: string, labels: Record<string, string> = {}, phase = 'Active'): Promise<unknown> =>
    put(`core/namespaces/${name}`, { metadata: { name, labels }, status: { phase } });
  await namespace('ns');
  await namespace('going', {}, 'Terminating');
  await namespace('strict', { 'pod-security.kubernetes.io/enforce': 'baseline' });
  await namespace('warned', {
    'pod-security.kubernetes.io/warn': 'restricted',
    'pod-security.kubernetes.io/warn-version': 'v1.30',
  });
  for (const where of ['ns', 'strict', 'warned'])
    await put(`core/serviceaccounts/${where}/default`, { metadata: { name: 'default', namespace: where } });
  await put('core/serviceaccounts/ns/quiet', {
    metadata: { name: 'quiet', namespace: 'ns' },
    automountServiceAccountToken: false,
    imagePullSecrets: [{ name: 'pull' }],
  });
  await put('core/serviceaccounts/ns/strict', {
    metadata: { name: 'strict', namespace: 'ns', annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } },
    secrets: [{ name: 'mine' }],
    imagePullSecrets: [{ name: 'pull' }],
  });
  await put('scheduling.k8s.io/priorityclasses/high', {
    metadata: { name: 'high' },
    value: 1000,
    preemptionPolicy: 'Never',
  });
  await put('node.k8s.io/runtimeclasses/kata', {
    metadata: { name: 'kata' },
    handler: 'kata',
    overhead: { podFixed: { cpu: '100m' } },
    scheduling: { nodeSelector: { kata: 'yes' }, tolerations: [{ key: 'kata', operator: 'Exists' }] },
  });
  await put('node.k8s.io/runtimeclasses/plain', { metadata: { name: 'plain' }, handler: 'runc' });
  await put('core/nodes/n1', {
    metadata: {
      name: 'n1',
      labels: { 'topology.kubernetes.io/zone': 'z', 'topology.kubernetes.io/region': 'r', other: 'o' },
    },
  });
  const scs = 'storage.k8s.io/storageclasses';
  const isDefault = { 'storageclass.kubernetes.io/is-default-class': 'true' };
  await put(`${scs}/old`, {
    metadata: { name: 'old', annotations: isDefault, creationTimestamp: '2025-01-01T00:00:00Z' },
    allowVolumeExpansion: true,
  });
  await put(`${scs}/new-b`, {
    metadata: { name: 'new-b', annotations: isDefault, creationTimestamp: '2026-01-01T00:00:00Z' },
  });
  await put(`${scs}/new-a`, {
    metadata: { name: 'new-a', annotations: isDefault, creationTimestamp: '2026-01-01T00:00:00Z' },
  });
});
after(async () => {
  mirrors.close();
  bindings.close();
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Asked {
  readonly resource: string;
  readonly operation?: Operation;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly object?: Loose;
  readonly old?: Loose;
  readonly user?: User;
}

interface Admitted {
  readonly object: Loose;
  readonly warnings: readonly string[];
  readonly annotations: ReadonlyMap<string, string>;
}

const somebody: User = { name: 'jane', groups: ['system:authenticated'] };

/** @param which `pods`, `apps/deployments` @throws StatusError */
async function admit(which: Asked, admission = admissionWith()): Promise<Admitted> {
  const [name = '', group = ''] = which.resource.split('/').reverse();
  const resource = findResource(group, 'v1', name);
  assert.ok(resource, which.resource);
  const operation = which.operation ?? 'CREATE';
  const metadata = (which.object ?? which.old)?.metadata as { name?: string } | undefined;
  const warnings: string[] = [];
  const annotations = new Map<string, string>();
  const attributes = {
    operation,
    user: which.user ?? somebody,
    resource,
    subresource: which.subresource ?? '',
    namespace: resource.namespaced ? (which.namespace ?? 'ns') : '',
    name: metadata?.name ?? '',
    ...(which.object ? { object: which.object as unknown as KubeObject } : {}),
    ...(which.old ? { old: which.old as unknown as KubeObject } : {}),
    dryRun: false,
    warnings,
    annotate: (key: string, value: string) => void annotations.set(key, value),
  };
  await admission.mutate(attributes);
  await admission.validate(attributes);
  return { object: which.object ?? {}, warnings, annotations };
}

async function refusalOf(which: Asked, admission?: Admission): Promise<Refusal> {
  try {
    await admit(which, admission);
    return 'admitted';
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    return error.code === 403 ? error.message : { code: error.code, message: error.message };
  }
}

const pod = (spec: Loose = {}, metadata: Loose = {}): Loose => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'ns', ...metadata },
  spec: { containers: [{ name: 'c', image: 'x' }], ...spec },
});
const mirrorPod = (spec: Loose): Loose => pod(spec, { annotations: { 'kubernetes.io/config.mirror': 'x' } });
const specOf = ({ object }: Admitted): Loose => object.spec as Loose;

describe('what pods are given', () => {
  it('account, token, priority, tolerations', async () => {
    const spec = specOf(
      await admit({ resource: 'pods', object: pod({ initContainers: [{ name: 'i', image: 'x' }] }) }),
    );
    assert.equal(spec.serviceAccountName, 'default');
    assert.equal(spec.serviceAccount, 'default');
    const [volume] = spec.volumes as { name: string; projected: { sources: unknown[] } }[];
    assert.match(volume?.name ?? '', /^kube-api-access-[a-z0-9]{5}$/);
    assert.equal(volume?.projected.sources.length, 3);
    const mount = { name: volume?.name, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' };
    for (const list of ['containers', 'initContainers'])
      assert.deepEqual(
        (spec[list] as { volumeMounts: unknown }[]).map(one => one.volumeMounts),
        [[mount]],
      );
    assert.deepEqual(
      [spec.priority, spec.preemptionPolicy, spec.priorityClassName],
      [0, 'PreemptLowerPriority', undefined],
    );
    assert.deepEqual(
      (spec.tolerations as { key: string }[]).map(({ key }) => key),
      ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'],
    );
  });

  const rows: readonly (readonly [what: string, spec: Loose, field: string, value: unknown])[] = [
    ['no token when the pod wants none', { automountServiceAccountToken: false }, 'volumes', undefined],
    ['no token when the account wants none', { serviceAccountName: 'quiet' }, 'volumes', undefined],
    ['the account’s pull secrets', { serviceAccountName: 'quiet' }, 'imagePullSecrets', [{ name: 'pull' }]],
    [
      'its own pull secrets',
      { serviceAccountName: 'quiet', imagePullSecrets: [{ name: 'own' }] },
      'imagePullSecrets',
      [{ name: 'own' }],
    ],
    [
      'a token mounted by hand',
      {
        containers: [
          { name: 'c', volumeMounts: [{ name: 'v', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }] },
        ],
      },
      'volumes',
      undefined,
    ],
    ['its class’s priority', { priorityClassName: 'high' }, 'priority', 1000],
    ['its class’s policy', { priorityClassName: 'high' }, 'preemptionPolicy', 'Never'],
    ['tolerations it has', { tolerations: [{ operator: 'Exists' }] }, 'tolerations', [{ operator: 'Exists' }]],
    [
      'half of them',
      { tolerations: [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' }] },
      'tolerations',
      [
        { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
        { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
      ],
    ],
    [
      'another effect is no toleration',
      {
        tolerations: [
          { operator: 'Exists', effect: 'NoSchedule' },
          { operator: 'Exists', effect: 'NoExecute' },
        ],
      },
      'tolerations',
      [
        { operator: 'Exists', effect: 'NoSchedule' },
        { operator: 'Exists', effect: 'NoExecute' },
      ],
    ],
    ['overhead of its runtime', { runtimeClassName: 'kata' }, 'overhead', { cpu: '100m' }],
    [
      'nodes of its runtime',
      { runtimeClassName: 'kata', nodeSelector: { a: 'b' } },
      'nodeSelector',
      { a: 'b', kata: 'yes' },
    ],
    ['nothing of a plain runtime', { runtimeClassName: 'plain' }, 'overhead', undefined],
  ];
  for (const [what, spec, field, value] of rows) {
    it(what, async () => assert.deepEqual(specOf(await admit({ resource: 'pods', object: pod(spec) }))[field], value));
  }
  it('labels of its node’s place when it is bound', async () => {
    const bound = pod({ nodeName: 'n1' }, { labels: { a: 'b', 'topology.kubernetes.io/zone': 'wrong' } });
    const { object } = await admit({
      resource: 'pods',
      operation: 'UPDATE',
      subresource: 'binding',
      object: bound,
      old: pod(),
    });
    assert.deepEqual((object.metadata as Loose).labels, {
      a: 'b',
      'topology.kubernetes.io/zone': 'z',
      'topology.kubernetes.io/region': 'r',
    });
  });
  it('what was computed stays on updates', async () => {
    const old = pod({ priority: 1000, preemptionPolicy: 'Never' });
    const spec = specOf(await admit({ resource: 'pods', operation: 'UPDATE', object: pod(), old }));
    assert.deepEqual([spec.priority, spec.preemptionPolicy], [1000, 'Never']);
  });
  it('mirror pods are left alone', async () => {
    const spec = specOf(await admit({ resource: 'pods', object: mirrorPod({}) }));
    assert.deepEqual([spec.serviceAccountName, spec.volumes], [undefined, undefined]);
  });
});

describe('pods that are refused', () => {
  const secretEnv = { name: 'E', valueFrom: { secretKeyRef: { name: 'other', key: 'k' } } };
  const strict = (spec: Loose): Loose => ({ serviceAccountName: 'strict', ...spec });
  const because = 'is not allowed because service account strict does not reference that secret';
  const rows: readonly (readonly [what: string, object: Loose, message: string])[] = [
    [
      'no such account',
      pod({ serviceAccountName: 'nope' }),
      'error looking up service account ns/nope: serviceaccount "nope" not found',
    ],
    ['no such class', pod({ priorityClassName: 'nope' }), 'no PriorityClass with name nope was found'],
    [
      'its own priority',
      pod({ priority: 5 }),
      'the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name',
    ],
    [
      'another policy than its class’s',
      pod({ priorityClassName: 'high', preemptionPolicy: 'PreemptLowerPriority' }),
      'the string value of PreemptionPolicy (PreemptLowerPriority) must not be provided in pod spec; priority admission controller computed Never from the given PriorityClass name',
    ],
    [
      'a policy without a class',
      pod({ preemptionPolicy: 'Never' }),
      'the string value of PreemptionPolicy (Never) must not be provided in pod spec; priority admission controller computed PreemptLowerPriority from the given PriorityClass name',
    ],
    ['no such runtime', pod({ runtimeClassName: 'nope' }), 'pod rejected: RuntimeClass "nope" not found'],
    [
      'its own overhead',
      pod({ overhead: { cpu: '1' } }),
      'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead',
    ],
    [
      'its own overhead with a plain runtime',
      pod({ runtimeClassName: 'plain', overhead: { cpu: '1' } }),
      'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead',
    ],
    [
      'another overhead',
      pod({ runtimeClassName: 'kata', overhead: { cpu: '1' } }),
      "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
    ],
    [
      'another node than its runtime’s',
      pod({ runtimeClassName: 'kata', nodeSelector: { kata: 'no' } }),
      'conflict: runtimeClass.scheduling.nodeSelector[kata] = yes; pod.spec.nodeSelector[kata] = no',
    ],
    [
      'a mirror pod with an account',
      mirrorPod({ serviceAccountName: 'default' }),
      'a mirror pod may not reference service accounts',
    ],
    [
      'a mirror pod with a secret',
      mirrorPod({ volumes: [{ name: 'v', secret: { secretName: 's' } }] }),
      'a mirror pod may not reference secrets',
    ],
    [
      'a mirror pod with a secret in its environment',
      mirrorPod({ containers: [{ name: 'c', env: [secretEnv] }] }),
      'a mirror pod may not reference secrets',
    ],
    [
      'a mirror pod with a token',
      mirrorPod({ volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }] }),
      'a mirror pod may not use ServiceAccountToken volume projections',
    ],
    [
      'somebody’s secret in a volume',
      pod(strict({ volumes: [{ name: 'v', secret: { secretName: 'other' } }] })),
      `volume with secret.secretName="other" ${because}`,
    ],
    [
      'somebody’s secret in a variable',
      pod(strict({ containers: [{ name: 'c', env: [secretEnv] }] })),
      `container c with envVar E referencing secret.secretName="other" ${because}`,
    ],
    [
      'somebody’s secret as variables',
      pod(strict({ containers: [{ name: 'c', envFrom: [{ secretRef: { name: 'other' } }] }] })),
      `container c with envFrom referencing secret.secretName="other" ${because}`,
    ],
    [
      'somebody’s secret of an init container',
      pod(strict({ initContainers: [{ name: 'i', env: [secretEnv] }] })),
      `init container i with envVar E referencing secret.secretName="other" ${because}`,
    ],
    [
      'somebody’s pull secret',
      pod(strict({ imagePullSecrets: [{ name: 'pull' }, { name: 'other' }] })),
      'imagePullSecrets[1].name="other" is not allowed because service account strict does not reference that imagePullSecret',
    ],
  ];
  for (const [what, object, message] of rows)
    it(what, async () =>
      assert.equal(await refusalOf({ resource: 'pods', object }), `pods "p" is forbidden: ${message}`),
    );

  it('one’s own secrets are one’s own', async () => {
    const spec = strict({
      volumes: [{ name: 'v', secret: { secretName: 'mine' } }],
      imagePullSecrets: [{ name: 'pull' }],
    });
    assert.equal(await refusalOf({ resource: 'pods', object: pod(spec) }), 'admitted');
  });
  it('ephemeral containers with somebody’s secret', async () => {
    const next = pod(strict({ ephemeralContainers: [{ name: 'e', env: [secretEnv] }] }));
    const which: Asked = {
      resource: 'pods',
      operation: 'UPDATE',
      subresource: 'ephemeralcontainers',
      object: next,
      old: pod(strict({})),
    };
    assert.equal(
      await refusalOf(which),
      `pods "p" is forbidden: ephemeral container e with envVar E referencing secret.secretName="other" ${because}`,
    );
    assert.equal(await refusalOf({ ...which, old: next }), 'admitted');
  });
  it('an unnamed pod is called by what its name begins with', async () => {
    const object = pod({ priority: 5 }, { name: undefined, generateName: 'web-' });
    assert.match(String(await refusalOf({ resource: 'pods', object })), /^pods "web-" is forbidden/);
    assert.match(
      String(await refusalOf({ resource: 'pods', object: pod({ priority: 5 }, { name: undefined }) })),
      /^pods "Unknown" is forbidden/,
    );
  });
});

describe('namespaces', () => {
  it('that are not there', async () => {
    assert.deepEqual(await refusalOf({ resource: 'configmaps', namespace: 'nope', object: named('c') }), {
      code: 404,
      message: 'namespaces "nope" not found',
    });
  });
  it('that are going', async () => {
    try {
      await admit({ resource: 'configmaps', namespace: 'going', object: named('c') });
      assert.fail('was admitted');
    } catch (error) {
      assert.ok(error instanceof StatusError);
      assert.equal(
        error.message,
        'configmaps "c" is forbidden: unable to create new content in namespace going because it is being terminated',
      );
      assert.deepEqual(error.status.details, {
        name: 'c',
        kind: 'configmaps',
        causes: [
          {
            reason: 'NamespaceTerminating',
            message: 'namespace going is being terminated',
            field: 'metadata.namespace',
          },
        ],
      });
    }
  });
  it('are seen as soon as they are there', async () => {
    await mirrors.namespaces.start();
    await put('core/namespaces/fresh', { metadata: { name: 'fresh' }, status: { phase: 'Active' } });
    assert.equal(await refusalOf({ resource: 'configmaps', namespace: 'fresh', object: named('c') }), 'admitted');
    await put('core/namespaces/fresh', {
      metadata: { name: 'fresh', deletionTimestamp: '2026-01-01T00:00:00Z' },
      status: { phase: 'Terminating' },
    });
    assert.match(
      String(await refusalOf({ resource: 'configmaps', namespace: 'fresh', object: named('c') })),
      /is being terminated/,
    );
  });
  it('updates and deletions go on in them', async () => {
    assert.equal(
      await refusalOf({
        resource: 'configmaps',
        namespace: 'going',
        operation: 'UPDATE',
        object: named('c'),
        old: named('c'),
      }),
      'admitted',
    );
    assert.equal(
      await refusalOf({ resource: 'configmaps', namespace: 'going', operation: 'DELETE', old: named('c') }),
      'admitted',
    );
  });
  for (const name of ['default', 'kube-system', 'kube-public'])
    it(`${name} stays`, async () =>
      assert.equal(
        await refusalOf({ resource: 'namespaces', operation: 'DELETE', old: named(name) }),
        `namespaces "${name}" is forbidden: this namespace may not be deleted`,
      ));
  it('others may go', async () =>
    assert.equal(await refusalOf({ resource: 'namespaces', operation: 'DELETE', old: named('ns') }), 'admitted'));
  it('reviews of access tell nothing of them', async () =>
    assert.equal(
      await refusalOf({
        resource: 'authorization.k8s.io/localsubjectaccessreviews',
        namespace: 'nope',
        object: named('x'),
      }),
      'admitted',
    ));
});

describe('the default service account', () => {
  it('is waited for', async () => {
    await put('core/namespaces/later', { metadata: { name: 'later' }, status: { phase: 'Active' } });
    const admitted = admit({ resource: 'pods', namespace: 'later', object: pod() });
    await put('core/serviceaccounts/later/default', { metadata: { name: 'default', namespace: 'later' } });
    assert.equal(specOf(await admitted).serviceAccountName, 'default');
  });
  it('is not waited for for ever', { timeout: 60_000 }, async () => {
    await put('core/namespaces/never', { metadata: { name: 'never' }, status: { phase: 'Active' } });
    assert.match(
      String(await refusalOf({ resource: 'pods', namespace: 'never', object: pod() })),
      /serviceaccount "default" not found/,
    );
  });
});

describe('classes', () => {
  it('one default of priority', async () => {
    const classes = 'scheduling.k8s.io/priorityclasses';
    const isDefault = named('first', { value: 5, globalDefault: true });
    assert.equal(await refusalOf({ resource: classes, object: isDefault }), 'admitted');
    await put('scheduling.k8s.io/priorityclasses/first', isDefault);
    assert.equal(
      await refusalOf({ resource: classes, operation: 'UPDATE', object: isDefault, old: isDefault }),
      'admitted',
    );
    assert.equal(
      await refusalOf({ resource: classes, object: named('second', { globalDefault: true }) }),
      'priorityclasses.scheduling.k8s.io "second" is forbidden: PriorityClass first is already marked as default. Only one default can exist',
    );
    const spec = specOf(await admit({ resource: 'pods', object: pod() }));
    assert.deepEqual([spec.priorityClassName, spec.priority], ['first', 5]);
    await store.commit({ key: '/registry/scheduling.k8s.io/priorityclasses/first', value: null });
  });
  const claim = (spec: Loose, metadata: Loose = {}): Loose => ({ metadata: { name: 'c', ...metadata }, spec });
  const rows: readonly (readonly [what: string, object: Loose, storageClass: unknown])[] = [
    ['the newest, then by name', claim({}), 'new-a'],
    ['its own', claim({ storageClassName: 'mine' }), 'mine'],
    ['none', claim({ storageClassName: '' }), ''],
    ['by annotation', claim({}, { annotations: { 'volume.beta.kubernetes.io/storage-class': 'x' } }), undefined],
  ];
  for (const [what, object, storageClass] of rows)
    it(`of storage: ${what}`, async () =>
      assert.equal(specOf(await admit({ resource: 'persistentvolumeclaims', object })).storageClassName, storageClass));
  it('of ingress', async () => {
    const ingress = (spec: Loose, metadata: Loose = {}): Asked => ({
      resource: 'networking.k8s.io/ingresses',
      object: { metadata: { name: 'i', ...metadata }, spec },
    });
    assert.equal(specOf(await admit(ingress({}))).ingressClassName, undefined);
    await put('networking.k8s.io/ingressclasses/web', {
      metadata: { name: 'web', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
    });
    assert.equal(specOf(await admit(ingress({}))).ingressClassName, 'web');
    assert.equal(specOf(await admit(ingress({ ingressClassName: 'mine' }))).ingressClassName, 'mine');
    assert.equal(
      specOf(await admit(ingress({}, { annotations: { 'kubernetes.io/ingress.class': 'x' } }))).ingressClassName,
      undefined,
    );
  });
});

describe('storage', () => {
  const finalizers: readonly (readonly [resource: string, finalizer: string])[] = [
    ['persistentvolumeclaims', 'kubernetes.io/pvc-protection'],
    ['persistentvolumes', 'kubernetes.io/pv-protection'],
    ['storage.k8s.io/volumeattributesclasses', 'kubernetes.io/vac-protection'],
  ];
  for (const [resource, finalizer] of finalizers) {
    it(`${resource} are protected`, async () => {
      const { object } = await admit({ resource, object: { metadata: { name: 'x', finalizers: ['a'] }, spec: {} } });
      assert.deepEqual((object.metadata as Loose).finalizers, ['a', finalizer]);
      assert.deepEqual(((await admit({ resource, object })).object.metadata as Loose).finalizers, ['a', finalizer]);
    });
  }
  const claim = (storage: string, storageClassName = 'old', phase = 'Bound'): Loose => ({
    metadata: { name: 'c' },
    spec: { storageClassName, resources: { requests: { storage } } },
    status: { phase },
  });
  const cannot =
    'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize';
  const rows: readonly (readonly [what: string, old: Loose, next: Loose, refusal: string])[] = [
    ['grows', claim('1Gi'), claim('2Gi'), ''],
    ['stays', claim('1Gi', 'nope'), claim('1Gi', 'nope'), ''],
    ['shrinks (validation’s to refuse)', claim('2Gi', 'nope'), claim('1Gi', 'nope'), ''],
    [
      'is not bound',
      claim('1Gi', 'old', 'Pending'),
      claim('2Gi'),
      'Only bound persistent volume claims can be expanded',
    ],
    ['cannot grow', claim('1Gi', 'new-a'), claim('2Gi', 'new-a'), cannot],
    ['has no class', claim('1Gi', ''), claim('2Gi', ''), cannot],
    ['is of a class that is gone', claim('1Gi', 'nope'), claim('2Gi', 'nope'), cannot],
  ];
  for (const [what, old, object, refusal] of rows) {
    it(`a claim ${what}`, async () =>
      assert.equal(
        await refusalOf({ resource: 'persistentvolumeclaims', operation: 'UPDATE', object, old }),
        refusal === '' ? 'admitted' : `persistentvolumeclaims "c" is forbidden: ${refusal}`,
      ));
  }
});

describe('nodes', () => {
  it('begin not ready', async () => {
    const { object } = await admit({ resource: 'nodes', object: named('n') });
    assert.deepEqual(object.spec, { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] });
    assert.deepEqual((await admit({ resource: 'nodes', object })).object.spec, object.spec);
  });
});

describe('certificates', () => {
  const csrs = 'certificates.k8s.io/certificatesigningrequests';
  const csr = (more: Loose = {}): Loose => ({
    metadata: { name: 'r' },
    spec: { signerName: 'example.com/a', request: '' },
    ...more,
  });
  const update = (subresource: string, object: Loose): Asked => ({
    resource: csrs,
    operation: 'UPDATE',
    subresource,
    object,
    old: csr(),
  });
  it('are approved by those who may', async () => {
    assert.equal(
      await refusalOf(update('approval', csr())),
      'certificatesigningrequests.certificates.k8s.io "r" is forbidden: user not permitted to approve requests with signerName "example.com/a"',
    );
    assert.deepEqual(
      asked.slice(-2).map(({ verb, group, resource, name }) => [verb, group, resource, name]),
      [
        ['approve', 'certificates.k8s.io', 'signers', 'example.com/a'],
        ['approve', 'certificates.k8s.io', 'signers', 'example.com/*'],
      ],
    );
    allowed.add('approve signers example.com/*');
    assert.equal(await refusalOf(update('approval', csr())), 'admitted');
  });
  it('are signed by those who may', async () => {
    const signed = csr({ status: { certificate: 'abc' } });
    assert.equal(await refusalOf(update('status', csr({ status: {} }))), 'admitted');
    assert.equal(
      await refusalOf(update('status', signed)),
      'certificatesigningrequests.certificates.k8s.io "r" is forbidden: user not permitted to sign requests with signerName "example.com/a"',
    );
    assert.match(
      String(await refusalOf(update('status', csr({ status: { conditions: [{ type: 'Failed', status: 'True' }] } })))),
      /not permitted to sign/,
    );
    allowed.add('sign signers example.com/a');
    assert.equal(await refusalOf(update('status', signed)), 'admitted');
  });
  it('make nobody a master', async () => {
    const key = join(directory, 'key.pem');
    execFileSync('openssl', ['ecparam', '-genkey', '-name', 'prime256v1', '-noout', '-out', key]);
    const request = (subject: string): string =>
      execFileSync('openssl', ['req', '-new', '-key', key, '-subj', subject]).toString('base64');
    const asking = (subject: string, signerName = 'kubernetes.io/kube-apiserver-client'): Asked => ({
      resource: csrs,
      object: csr({ spec: { signerName, request: request(subject) } }),
    });
    assert.equal(
      await refusalOf(asking('/O=system:masters/CN=jane')),
      'certificatesigningrequests.certificates.k8s.io "r" is forbidden: use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed',
    );
    assert.match(String(await refusalOf(asking('/O=other/O=system:masters/CN=jane'))), /is not allowed/);
    assert.equal(await refusalOf(asking('/O=dev/CN=system:masters')), 'admitted');
    assert.equal(await refusalOf(asking('/O=system:masters/CN=jane', 'example.com/a')), 'admitted');
    const broken = csr({ spec: { signerName: 'kubernetes.io/kube-apiserver-client', request: 'Zm9v' } });
    assert.match(
      String(await refusalOf({ resource: csrs, object: broken })),
      /failed to parse CSR: PEM block type must be CERTIFICATE REQUEST/,
    );
  });
});

describe('pod security', () => {
  const deployment = (spec: Loose): Loose => ({ metadata: { name: 'd' }, spec: { template: { metadata: {}, spec } } });
  const privileged = { containers: [{ name: 'c', securityContext: { privileged: true } }] };
  it('is enforced on pods', async () => {
    assert.equal(
      await refusalOf({ resource: 'pods', namespace: 'strict', object: pod(privileged) }),
      'pods "p" is forbidden: violates PodSecurity "baseline:latest": privileged (container "c" must not set securityContext.privileged=true)',
    );
    const { warnings, annotations } = await admit({ resource: 'pods', namespace: 'strict', object: pod() });
    assert.deepEqual(warnings, []);
    assert.deepEqual([...annotations], [['pod-security.kubernetes.io/enforce-policy', 'baseline:latest']]);
  });
  it('is not enforced on what makes pods', async () => {
    assert.equal(
      await refusalOf({ resource: 'apps/deployments', namespace: 'strict', object: deployment(privileged) }),
      'admitted',
    );
  });
  it('is warned of', async () => {
    const { warnings } = await admit({
      resource: 'apps/deployments',
      namespace: 'warned',
      object: deployment({
        hostNetwork: true,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          { name: 'c', securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } },
        ],
      }),
    });
    assert.deepEqual(warnings, ['would violate PodSecurity "restricted:v1.30": host namespaces (hostNetwork=true)']);
    const jobs = { metadata: { name: 'j' }, spec: { jobTemplate: { spec: { template: { spec: privileged } } } } };
    assert.match(
      (await admit({ resource: 'batch/cronjobs', namespace: 'warned', object: jobs })).warnings[0] ?? '',
      /^would violate PodSecurity "restricted:v1.30": privileged/,
    );
  });
  it('spares the exempt', async () => {
    const exempt = admissionWith({
      podSecurity: {
        defaults: { enforce: standardOf('baseline'), audit: standardOf('baseline'), warn: standardOf('baseline') },
        exemptions: { usernames: ['root'], namespaces: ['ns'], runtimeClasses: ['kata'] },
      },
    });
    assert.equal(await refusalOf({ resource: 'pods', object: pod(privileged) }, exempt), 'admitted');
    assert.equal(
      await refusalOf(
        { resource: 'pods', namespace: 'strict', user: { name: 'root', groups: [] }, object: pod(privileged) },
        exempt,
      ),
      'admitted',
    );
    assert.equal(
      await refusalOf(
        { resource: 'pods', namespace: 'strict', object: pod({ ...privileged, runtimeClassName: 'kata' }) },
        exempt,
      ),
      'admitted',
    );
    assert.match(
      String(await refusalOf({ resource: 'pods', namespace: 'strict', object: pod(privileged) }, exempt)),
      /violates PodSecurity/,
    );
  });
  it('labels must be right', async () => {
    const namespace = (level: string): Loose =>
      named('x', { metadata: { name: 'x', labels: { 'pod-security.kubernetes.io/enforce': level } } });
    const wrong = {
      code: 422,
      message:
        'Namespace "x" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "no": must be one of privileged, baseline, restricted',
    };
    assert.deepEqual(await refusalOf({ resource: 'namespaces', object: namespace('no') }), wrong);
    assert.deepEqual(
      await refusalOf({
        resource: 'namespaces',
        operation: 'UPDATE',
        object: namespace('no'),
        old: namespace('baseline'),
      }),
      wrong,
    );
    assert.equal(
      await refusalOf({ resource: 'namespaces', operation: 'UPDATE', object: namespace('no'), old: namespace('no') }),
      'admitted',
    );
  });
  it('pods that are there are told of', async () => {
    const names = ['b', 'a', 'c'];
    for (const name of names) await put(`core/pods/ns/${name}`, pod(privileged, { name }));
    await put('core/pods/ns/net', pod({ hostNetwork: true }, { name: 'net' }));
    const labelled = (level: string): Loose => ({
      metadata: { name: 'ns', labels: { 'pod-security.kubernetes.io/enforce': level } },
    });
    const update = (object: Loose, old: Loose): Asked => ({ resource: 'namespaces', operation: 'UPDATE', object, old });
    assert.deepEqual((await admit(update(labelled('baseline'), named('ns')))).warnings, [
      'existing pods in namespace "ns" violate the new PodSecurity enforce level "baseline:latest"',
      'a (and 2 other pods): privileged',
      'net: host namespaces',
    ]);
    assert.deepEqual((await admit(update(labelled('baseline'), labelled('restricted')))).warnings, []);
    assert.deepEqual((await admit(update(labelled('privileged'), labelled('restricted')))).warnings, []);
    for (const name of [...names, 'net']) await store.commit({ key: `/registry/core/pods/ns/${name}`, value: null });
  });
});

describe('plugins that are off', () => {
  it('are named when they are not there', () => {
    assert.throws(
      () => admissionWith({ enable: ['Nope'] }),
      /there is no admission plugin "Nope"; there are AlwaysPullImages, /,
    );
  });
  it('are all there, under upstream’s names', () => {
    for (const name of pluginNames) admissionWith({ enable: [name] });
  });
  it('have their seconds', async () => {
    const admission = admissionWith({ tolerations: { notReadySeconds: 10, unreachableSeconds: 20 } });
    const spec = specOf(await admit({ resource: 'pods', object: pod() }, admission));
    assert.deepEqual(
      (spec.tolerations as { tolerationSeconds: number }[]).map(one => one.tolerationSeconds),
      [10, 20],
    );
  });
  it('on by default can be off', async () => {
    const spec = specOf(
      await admit({ resource: 'pods', object: pod() }, admissionWith({ disable: ['DefaultTolerationSeconds'] })),
    );
    assert.equal(spec.tolerations, undefined);
  });
  it('AlwaysPullImages', async () => {
    const spec = { containers: [{ name: 'c', imagePullPolicy: 'Never' }] };
    const policy = async (admission: Admission): Promise<unknown> =>
      (
        specOf(await admit({ resource: 'pods', object: structuredClone(pod(spec)) }, admission)).containers as Loose[]
      )[0]?.imagePullPolicy;
    assert.equal(await policy(admissionWith()), 'Never');
    assert.equal(await policy(admissionWith({ enable: ['AlwaysPullImages'] })), 'Always');
  });
  it('ExtendedResourceToleration', async () => {
    const spec = {
      containers: [{ name: 'c', resources: { requests: { 'b.c/d': '1', cpu: '1', 'kubernetes.io/x': '1' } } }],
      initContainers: [{ name: 'i', resources: { requests: { 'a.c/d': '1' } } }],
    };
    const admitted = await admit(
      { resource: 'pods', object: pod(spec) },
      admissionWith({ enable: ['ExtendedResourceToleration'] }),
    );
    assert.deepEqual(
      (specOf(admitted).tolerations as Loose[]).slice(2),
      ['a.c/d', 'b.c/d'].map(key => ({ key, operator: 'Exists', effect: 'NoSchedule' })),
    );
  });
  it('DenyServiceExternalIPs', async () => {
    const on = admissionWith({ enable: ['DenyServiceExternalIPs'] });
    const service = (...externalIPs: string[]): Loose => ({ metadata: { name: 's' }, spec: { externalIPs } });
    assert.equal(
      await refusalOf({ resource: 'services', object: service('192.0.2.1') }, on),
      'services "s" is forbidden: Use of external IPs is denied by admission control',
    );
    assert.equal(
      await refusalOf(
        {
          resource: 'services',
          operation: 'UPDATE',
          object: service('192.0.2.1'),
          old: service('192.0.2.1', '192.0.2.2'),
        },
        on,
      ),
      'admitted',
    );
  });
  it('OwnerReferencesPermissionEnforcement', async () => {
    const on = admissionWith({ enable: ['OwnerReferencesPermissionEnforcement'] });
    const owned = (blockOwnerDeletion: boolean, kind = 'ReplicaSet'): Asked => ({
      resource: 'configmaps',
      object: {
        metadata: {
          name: 'c',
          ownerReferences: [{ apiVersion: 'apps/v1', kind, name: 'o', uid: 'u', blockOwnerDeletion }],
        },
      },
    });
    assert.equal(
      await refusalOf(owned(false), on),
      `configmaps "c" is forbidden: cannot set an ownerRef on a resource you can't delete: , <nil>`,
    );
    allowed.add('delete configmaps c');
    assert.equal(await refusalOf(owned(false), on), 'admitted');
    assert.equal(
      await refusalOf(owned(true), on),
      `configmaps "c" is forbidden: cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: , <nil>`,
    );
    assert.match(
      String(await refusalOf(owned(true, 'Nope'), on)),
      /cannot find RESTMapping for APIVersion apps\/v1 Kind Nope/,
    );
    allowed.add('update replicasets/finalizers o');
    assert.equal(await refusalOf(owned(true), on), 'admitted');
  });
});

describe('tolerations are merged', () => {
  const exists = (key: string, effect?: string, tolerationSeconds?: number): Loose => ({
    key,
    operator: 'Exists',
    ...(effect ? { effect } : {}),
    ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
  });
  const rows: readonly (readonly [first: Loose[], second: Loose[], merged: Loose[]])[] = [
    [[], [], []],
    [[exists('a')], [exists('b')], [exists('a'), exists('b')]],
    [[exists('a')], [exists('a')], [exists('a')]],
    [[exists('a', 'NoSchedule')], [exists('a')], [exists('a')]],
    [[{ operator: 'Exists' }], [exists('a'), { key: 'b', value: 'c' }], [{ operator: 'Exists' }]],
    [[exists('a', 'NoExecute', 10)], [exists('a', 'NoExecute', 20)], [exists('a', 'NoExecute', 20)]],
    [[exists('a', 'NoExecute', 10)], [exists('a', 'NoExecute')], [exists('a', 'NoExecute')]],
    [
      [{ key: 'a', value: 'b' }],
      [{ key: 'a', value: 'c' }],
      [
        { key: 'a', value: 'b' },
        { key: 'a', value: 'c' },
      ],
    ],
    [[{ key: 'a', value: 'b', operator: 'Equal' }], [exists('a')], [exists('a')]],
  ];
  for (const [first, second, merged] of rows)
    it(JSON.stringify([first, second]), () =>
      assert.deepEqual(mergeTolerations(first as never, second as never), merged),
    );
});

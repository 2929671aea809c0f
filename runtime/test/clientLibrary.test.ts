/** The JavaScript client library, unmodified, against the real server: reads, writes, kinds, identities. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ApisApi,
  AppsV1Api,
  AuthenticationV1Api,
  AuthorizationV1Api,
  AutoscalingV2Api,
  BatchV1Api,
  CoreV1Api,
  KubernetesObjectApi,
  NetworkingV1Api,
  PatchStrategy,
  PolicyV1Api,
  RbacAuthorizationV1Api,
  type V1ConfigMap,
  VersionApi,
} from '@kubernetes/client-node';
import { as, clientLibrary, refused } from './clientLibraryFixture.ts';
import { eventually } from './cluster.ts';

const { config, withToken } = clientLibrary();
const core = (): CoreV1Api => config().makeApiClient(CoreV1Api);
const namespace = 'default';
const configMap = (name: string, data: Record<string, string> = {}, labels?: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...(labels ? { labels } : {}) },
  data,
});

const POD_SPEC = { containers: [{ name: 'a', image: 'a:1', resources: { requests: { cpu: '100m', memory: '1Gi' } } }] };
const TEMPLATE = { metadata: { labels: { app: 'a' } }, spec: POD_SPEC };
const SELECTOR = { matchLabels: { app: 'a' } };

describe('reads', () => {
  it('come in pages', async () => {
    const labels = { test: 'pages' };
    for (const name of ['p1', 'p2', 'p3', 'p4', 'p5'])
      await core().createNamespacedConfigMap({ namespace, body: configMap(name, {}, labels) });
    const ask = { namespace, labelSelector: 'test=pages', limit: 2 };
    const names: string[] = [];
    let versions = new Set<string | undefined>();
    let _continue: string | undefined;
    do {
      const page = await core().listNamespacedConfigMap({ ...ask, ...(_continue ? { _continue } : {}) });
      assert.ok(page.items.length <= 2);
      names.push(...page.items.map(item => item.metadata?.name ?? ''));
      versions = versions.add(page.metadata?.resourceVersion);
      _continue = page.metadata?._continue;
    } while (_continue);
    assert.deepEqual(names, ['p1', 'p2', 'p3', 'p4', 'p5']);
    assert.equal(versions.size, 1, 'all pages are of one moment');
    const first = await core().listNamespacedConfigMap({ namespace, limit: 2 });
    assert.ok((first.metadata?.remainingItemCount ?? 0) > 0);
  });

  it('refuse a broken token, and a page of a time nobody knows', async () => {
    const broken = await refused(core().listNamespacedConfigMap({ namespace, limit: 1, _continue: 'nonsense' }));
    assert.deepEqual([broken.code, broken.reason], [400, 'BadRequest']);
    const future = { namespace, resourceVersion: '999999999', resourceVersionMatch: 'Exact' };
    assert.equal((await refused(core().listNamespacedConfigMap(future))).code, 504);
  });

  it('select by fields', async () => {
    const list = await core().listConfigMapForAllNamespaces({ fieldSelector: 'metadata.name=p3' });
    assert.deepEqual(
      list.items.map(item => item.metadata?.namespace),
      [namespace],
    );
  });

  it('say what the server is', async () => {
    const version = await config().makeApiClient(VersionApi).getCode();
    assert.deepEqual([version.major, version.minor], ['1', '36']);
    const { groups } = await config().makeApiClient(ApisApi).getAPIVersions();
    assert.ok(groups.some(group => group.name === 'apps' && group.preferredVersion?.groupVersion === 'apps/v1'));
    const { resources } = await core().getAPIResources();
    assert.equal(resources.find(({ name }) => name === 'pods')?.storageVersionHash, 'xPOwRZ+Yhw8=');
  });
});

describe('writes', () => {
  it('create, read, replace and delete', async () => {
    const made = await core().createNamespacedConfigMap({ namespace, body: configMap('crud', { a: '1' }) });
    assert.ok(made.metadata?.creationTimestamp instanceof Date);
    const again = await refused(core().createNamespacedConfigMap({ namespace, body: configMap('crud') }));
    assert.deepEqual([again.code, again.reason], [409, 'AlreadyExists']);
    const read = await core().readNamespacedConfigMap({ namespace, name: 'crud' });
    const replaced = await core().replaceNamespacedConfigMap({
      namespace,
      name: 'crud',
      body: { ...read, data: { a: '2' } },
    });
    assert.deepEqual(replaced.data, { a: '2' });
    const late = await refused(core().replaceNamespacedConfigMap({ namespace, name: 'crud', body: read }));
    assert.deepEqual([late.code, late.reason], [409, 'Conflict']);
    const preconditions = { uid: '11111111-1111-1111-1111-111111111111' };
    const other = await refused(core().deleteNamespacedConfigMap({ namespace, name: 'crud', body: { preconditions } }));
    assert.equal(other.code, 409);
    const deleted = await core().deleteNamespacedConfigMap({ namespace, name: 'crud' });
    assert.equal(deleted.status, 'Success');
    const gone = await refused(core().readNamespacedConfigMap({ namespace, name: 'crud' }));
    assert.deepEqual(gone, { code: 404, reason: 'NotFound', message: 'configmaps "crud" not found' });
  });

  it('may be tried without being done, and checked field by field', async () => {
    const body = configMap('dry', { a: '1' });
    await core().createNamespacedConfigMap({ namespace, dryRun: 'All', body });
    assert.equal((await refused(core().readNamespacedConfigMap({ namespace, name: 'dry' }))).code, 404);
    const objects = KubernetesObjectApi.makeApiClient(config());
    const odd = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'odd', namespace }, dota: {} };
    await objects.create(odd);
    const invalid = await refused(
      core().createNamespacedConfigMap({ namespace, body: { metadata: { name: 'Not_A_Name' } } }),
    );
    assert.deepEqual([invalid.code, invalid.reason], [422, 'Invalid']);
  });

  const deployment = { metadata: { name: 'patched' }, spec: { replicas: 0, selector: SELECTOR, template: TEMPLATE } };
  const patches: readonly (readonly [strategy: PatchStrategy, patch: object, images: string])[] = [
    [
      PatchStrategy.StrategicMergePatch,
      { spec: { template: { spec: { containers: [{ name: 'b', image: 'b:1' }] } } } },
      'b:1 a:1',
    ],
    [
      PatchStrategy.JsonPatch,
      [{ op: 'replace', path: '/spec/template/spec/containers/1/image', value: 'a:2' }],
      'b:1 a:2',
    ],
    [PatchStrategy.MergePatch, { spec: { template: { spec: { containers: [{ name: 'c', image: 'c:1' }] } } } }, 'c:1'],
  ];
  it('patch, in every way there is', async () => {
    const apps = config().makeApiClient(AppsV1Api);
    await apps.createNamespacedDeployment({ namespace, body: deployment });
    for (const [strategy, body, images] of patches) {
      const patched = await apps.patchNamespacedDeployment({ namespace, name: 'patched', body }, as(strategy));
      assert.equal(patched.spec?.template.spec?.containers.map(({ image }) => image).join(' '), images, strategy);
    }
    const failing = [{ op: 'test', path: '/spec/replicas', value: 7 }];
    const failed = await refused(
      apps.patchNamespacedDeployment({ namespace, name: 'patched', body: failing }, as(PatchStrategy.JsonPatch)),
    );
    assert.equal(failed.code, 422);
    const scaled = await apps.readNamespacedDeploymentScale({ namespace, name: 'patched' });
    assert.equal(scaled.spec?.replicas ?? 0, 0);
  });

  it('apply, each manager its own fields', async () => {
    const ssa = as(PatchStrategy.ServerSideApply);
    const apply = (fieldManager: string, data: Record<string, string>, force = false): Promise<V1ConfigMap> =>
      core().patchNamespacedConfigMap(
        { namespace, name: 'applied', body: configMap('applied', data), fieldManager, force },
        ssa,
      );
    await apply('one', { a: '1', b: '1' });
    const conflict = await refused(apply('two', { a: '2' }));
    assert.deepEqual([conflict.code, conflict.reason], [409, 'Conflict']);
    assert.match(conflict.message, /^Apply failed with 1 conflict: conflict with "one": \.data\.a$/);
    await apply('two', { a: '2' }, true);
    const last = await apply('one', {});
    assert.deepEqual(last.data, { a: '2' }, 'what nobody applies any more is gone');
    assert.deepEqual(last.metadata?.managedFields?.map(({ manager }) => manager).sort(), ['one', 'two']);
  });

  it('wait for finalizers, and delete many at once', async () => {
    const labels = { test: 'many' };
    const held = configMap('held', {}, labels);
    await core().createNamespacedConfigMap({
      namespace,
      body: { ...held, metadata: { ...held.metadata, finalizers: ['example.com/wait'] } },
    });
    await core().createNamespacedConfigMap({ namespace, body: configMap('free', {}, labels) });
    await core().deleteCollectionNamespacedConfigMap({ namespace, labelSelector: 'test=many' });
    const { items } = await core().listNamespacedConfigMap({ namespace, labelSelector: 'test=many' });
    assert.deepEqual(
      items.map(({ metadata }) => [metadata?.name, metadata?.deletionTimestamp instanceof Date]),
      [['held', true]],
    );
    const body = { metadata: { finalizers: null } };
    await core().patchNamespacedConfigMap({ namespace, name: 'held', body }, as(PatchStrategy.MergePatch));
    assert.equal((await refused(core().readNamespacedConfigMap({ namespace, name: 'held' }))).code, 404);
  });
});

describe('kinds', () => {
  it('have types, defaults and rules of their own', async () => {
    const service = await core().createNamespacedService({
      namespace,
      body: { metadata: { name: 'web' }, spec: { selector: { app: 'a' }, ports: [{ port: 80, targetPort: 'http' }] } },
    });
    assert.match(service.spec?.clusterIP ?? '', /^10\.43\./);
    assert.deepEqual([service.spec?.type, service.spec?.ports?.[0]?.targetPort], ['ClusterIP', 'http']);
    const job = await config()
      .makeApiClient(BatchV1Api)
      .createNamespacedJob({
        namespace,
        body: {
          metadata: { name: 'once' },
          spec: { suspend: true, template: { spec: { ...POD_SPEC, restartPolicy: 'Never' } } },
        },
      });
    assert.deepEqual([job.spec?.completions, job.spec?.backoffLimit], [1, 6]);
    const hpa = await config()
      .makeApiClient(AutoscalingV2Api)
      .createNamespacedHorizontalPodAutoscaler({
        namespace,
        body: {
          metadata: { name: 'scale' },
          spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'patched' } },
        },
      });
    assert.equal(hpa.spec?.metrics?.[0]?.resource?.target.averageUtilization, 80);
    const budget = await config()
      .makeApiClient(PolicyV1Api)
      .createNamespacedPodDisruptionBudget({
        namespace,
        body: { metadata: { name: 'some' }, spec: { minAvailable: '50%', selector: SELECTOR } },
      });
    assert.equal(budget.spec?.minAvailable, '50%');
    const path = { path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } };
    const rules = [{ host: 'example.com', http: { paths: [path] } }];
    await config()
      .makeApiClient(NetworkingV1Api)
      .createNamespacedIngress({ namespace, body: { metadata: { name: 'web' }, spec: { rules } } });
    const pod = await core().createNamespacedPod({ namespace, body: { metadata: { name: 'p' }, spec: POD_SPEC } });
    assert.deepEqual([pod.status?.phase, pod.status?.qosClass], ['Pending', 'Burstable']);
    assert.equal(pod.spec?.tolerations?.length, 2);
    const eviction = { metadata: { name: 'p' } };
    await core().createNamespacedPodEviction({ namespace, name: 'p', body: eviction });
  });

  it('are followed by the controllers', async () => {
    const apps = config().makeApiClient(AppsV1Api);
    await apps.createNamespacedDeployment({
      namespace,
      body: { metadata: { name: 'two' }, spec: { replicas: 2, selector: SELECTOR, template: TEMPLATE } },
    });
    await eventually('two pods', async () => {
      const { items } = await core().listNamespacedPod({ namespace, labelSelector: 'pod-template-hash' });
      return items.length === 2;
    });
    await apps.deleteNamespacedDeployment({ namespace, name: 'two', propagationPolicy: 'Foreground' });
    await eventually('no pods', async () => {
      const { items } = await core().listNamespacedPod({ namespace, labelSelector: 'pod-template-hash' });
      return items.length === 0;
    });
  });
});

describe('identities', () => {
  it('are proven by tokens, and may do what their roles let them', async () => {
    await core().createNamespacedServiceAccount({ namespace, body: { metadata: { name: 'reader' } } });
    const request = { spec: { audiences: [], expirationSeconds: 600 } };
    const issued = await core().createNamespacedServiceAccountToken({ namespace, name: 'reader', body: request });
    assert.ok(issued.status?.expirationTimestamp instanceof Date);
    const token = issued.status?.token ?? '';
    const review = await config()
      .makeApiClient(AuthenticationV1Api)
      .createTokenReview({ body: { spec: { token } } });
    const username = 'system:serviceaccount:default:reader';
    assert.deepEqual([review.status?.authenticated, review.status?.user?.username], [true, username]);
    const reader = withToken(token);
    const self = await reader.makeApiClient(AuthenticationV1Api).createSelfSubjectReview({ body: {} });
    assert.equal(self.status?.userInfo?.username, username);
    const list = () => reader.makeApiClient(CoreV1Api).listNamespacedConfigMap({ namespace });
    const forbidden = await refused(list());
    assert.deepEqual([forbidden.code, forbidden.reason], [403, 'Forbidden']);

    const rbac = config().makeApiClient(RbacAuthorizationV1Api);
    const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list'] }];
    await rbac.createNamespacedRole({ namespace, body: { metadata: { name: 'read' }, rules } });
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'read' };
    const subjects = [{ kind: 'ServiceAccount', name: 'reader', namespace }];
    await rbac.createNamespacedRoleBinding({ namespace, body: { metadata: { name: 'read' }, roleRef, subjects } });
    assert.ok((await list()).items.length > 0);

    const authorization = reader.makeApiClient(AuthorizationV1Api);
    const asks = async (verb: string) =>
      (
        await authorization.createSelfSubjectAccessReview({
          body: { spec: { resourceAttributes: { namespace, verb, resource: 'configmaps' } } },
        })
      ).status?.allowed;
    assert.deepEqual([await asks('list'), await asks('delete')], [true, false]);
    const sum = await authorization.createSelfSubjectRulesReview({ body: { spec: { namespace } } });
    assert.ok(sum.status?.resourceRules.some(rule => rule.resources?.includes('configmaps')));
    const subject = await config()
      .makeApiClient(AuthorizationV1Api)
      .createSubjectAccessReview({
        body: { spec: { user: username, resourceAttributes: { namespace, verb: 'list', resource: 'configmaps' } } },
      });
    assert.equal(subject.status?.allowed, true);
    await rbac.deleteNamespacedRoleBinding({ namespace, name: 'read' });
    assert.equal((await refused(list())).code, 403);
    // A token that has been looked at is believed for ten seconds more, as upstream.
    const unused = await core().createNamespacedServiceAccountToken({ namespace, name: 'reader', body: request });
    await core().deleteNamespacedServiceAccount({ namespace, name: 'reader' });
    const late = withToken(unused.status?.token ?? '').makeApiClient(CoreV1Api);
    assert.equal((await refused(late.listNamespacedConfigMap({ namespace }))).code, 401);
  });

  it('without a token are nobody, and with a wrong one nobody at all', async () => {
    const wrong = withToken('wrong').makeApiClient(CoreV1Api);
    assert.equal((await refused(wrong.listNamespacedPod({ namespace }))).code, 401);
    const nobody = withToken('').makeApiClient(CoreV1Api);
    assert.equal((await refused(nobody.listNamespacedPod({ namespace }))).code, 403);
  });
});

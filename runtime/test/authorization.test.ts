/** Who may do what, with the real kubectl as different people against the real server and its controllers. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { User } from '../src/lib/exchange.ts';
import { type Answered, ask, type Question } from './apiserverAsk.ts';
import { eventually, startCluster, type TestCluster } from './cluster.ts';
import { Kubectl, kubectlPath, kubectlVersions } from './kubectl.ts';
import { kubeconfigText } from './startServer.ts';

let cluster: TestCluster;
let admin: Kubectl;
let jane: Kubectl;

const call = (line: string, question?: Question): Promise<Answered> =>
  ask(cluster.server.apiServer.handler, line, question);

async function must(status: number, line: string, question?: Question): Promise<Answered> {
  const answer = await call(line, question);
  assert.equal(answer.status, status, `${line}: ${answer.bytes.toString().slice(0, 700)}`);
  return answer;
}

/** With a certificate of their own. */
async function kubectlOf(name: string, groups: readonly string[], path: string): Promise<Kubectl> {
  const { server } = cluster;
  const kubeconfig = join(server.directory, `${name}.kubeconfig`);
  await writeFile(kubeconfig, kubeconfigText(server.url, server.ca, server.certificateFor(name, groups)), {
    mode: 0o600,
  });
  return new Kubectl(path, kubeconfig, join(server.directory, 'cache'));
}

const REVIEWS = 'POST /apis/authorization.k8s.io/v1';
const mergePatch = { 'content-type': 'application/merge-patch+json' };

for (const version of kubectlVersions) {
  describe(`authorization, with kubectl ${version}`, { timeout: 300_000 }, () => {
    before(async () => {
      cluster = await startCluster();
      const path = await kubectlPath(version);
      admin = new Kubectl(path, cluster.server.kubeconfig, join(cluster.server.directory, 'cache'));
      jane = await kubectlOf('jane', ['dev'], path);
      await admin.ok('create namespace a');
      await admin.ok('create namespace b');
      await admin.ok('create role one --verb=get,list,watch,patch --resource=configmaps --resource-name=mine -n a');
      await admin.ok('create rolebinding one --role=one --user=jane -n a');
      await admin.ok('create clusterrolebinding bob --clusterrole=view --user=bob');
      // kubectl asks what there is as whoever it acts as; this is kept for all that follows.
      await admin.ok('api-resources -o name');
    });
    after(() => cluster.close());
    whatPeopleMay();
  });
}

function whatPeopleMay(): void {
  it('begins with the bootstrap roles', async () => {
    const roles = (await admin.ok('get clusterroles -o name')).trim().split('\n');
    for (const name of ['cluster-admin', 'admin', 'edit', 'view', 'system:node', 'system:controller:job-controller']) {
      assert.ok(roles.includes(`clusterrole.rbac.authorization.k8s.io/${name}`), name);
    }
    assert.match(
      await admin.ok('get rolebindings -n kube-system'),
      /system::extension-apiserver-authentication-reader\s+Role\/extension-apiserver-authentication-reader/,
    );
    assert.match(
      await admin.ok('get cm extension-apiserver-authentication -n kube-system -o yaml'),
      /client-ca-file: \|/,
    );
    assert.match(await admin.ok('describe clusterrole cluster-admin'), /\*\.\*\s+\[\]\s+\[\]\s+\[\*\]/);
  });

  it('grants with roles and bindings, and takes back', async () => {
    assert.match(
      await jane.fails('get pods -n a'),
      /pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "a"/,
    );
    assert.match(
      await jane.fails('get nodes'),
      /User "jane" cannot list resource "nodes" in API group "" at the cluster scope/,
    );
    await admin.ok('create role reader --verb=get,list,watch --resource=pods,pods/log -n a');
    await admin.ok('create rolebinding readers --role=reader --group=dev -n a');
    assert.equal((await jane.run('get pods -n a')).code, 0);
    assert.equal(await jane.ok('auth can-i list pods -n a'), 'yes\n');
    assert.equal(await jane.ok('auth can-i get pods --subresource=log -n a'), 'yes\n');
    assert.equal((await jane.run('auth can-i get pods --subresource=exec -n a')).out, 'no\n');
    assert.equal((await jane.run('auth can-i list pods -n b')).out, 'no\n');
    assert.equal((await jane.run('auth can-i list pods -A')).out, 'no\n');
    assert.equal(await jane.ok('auth can-i get /version'), 'yes\n');
    assert.equal((await jane.run('auth can-i get /metrics')).out, 'no\n');
    await admin.ok('delete rolebinding readers -n a');
    assert.equal((await jane.run('auth can-i list pods -n a')).out, 'no\n');
    assert.equal(await admin.ok('auth can-i list pods -n a --as bob --as-group system:masters'), 'yes\n');
  });

  it('grants the use of one object by its name', async () => {
    await admin.ok('create configmap mine --from-literal=a=b -n a');
    await admin.ok('create configmap other -n a');
    assert.match(await jane.ok('get configmap mine -n a'), /mine/);
    assert.match(await jane.ok('get configmaps --field-selector metadata.name=mine -n a'), /mine/);
    assert.match(await jane.ok('label configmap mine x=y -n a'), /labeled/);
    assert.match(await jane.fails('get configmap other -n a'), /configmaps "other" is forbidden/);
    assert.match(await jane.fails('get configmaps -n a'), /configmaps is forbidden/);
    assert.match(await jane.fails('delete configmap mine -n a'), /cannot delete resource "configmaps"/);
  });

  it('lists what one may do', async () => {
    const own = await jane.ok('auth can-i --list -n a');
    assert.match(own, /configmaps\s+\[\]\s+\[mine\]\s+\[get list watch patch\]/);
    assert.match(own, /selfsubjectreviews\.authentication\.k8s\.io\s+\[\]\s+\[\]\s+\[create\]/);
    assert.match(own, /\[\/version\]\s+\[\]\s+\[get\]/);
    assert.match(await admin.ok('auth can-i --list'), /\*\.\*\s+\[\]\s+\[\]\s+\[\*\]/);
    const node: User = { name: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] };
    const { json } = await must(201, `${REVIEWS}/selfsubjectrulesreviews`, {
      user: node,
      body: { spec: { namespace: 'a' } },
    });
    assert.equal(json.status.incomplete, true);
    assert.equal(json.status.evaluationError, 'node authorizer does not support user rule resolution');
  });

  it('lets nobody grant what he does not hold', async () => {
    await admin.ok('create rolebinding jane-admin --clusterrole=admin --user=jane -n a');
    assert.match(await jane.ok('create role deleter --verb=delete --resource=pods -n a'), /created/);
    const escalated = await jane.fails('create role r --verb=get,delete --resource=pods,nodes -n a');
    assert.match(
      escalated,
      /roles\.rbac\.authorization\.k8s\.io "r" is forbidden: user "jane" \(groups=\["dev" "system:authenticated"\]\) is attempting to grant RBAC permissions not currently held:\n\{APIGroups:\[""\], Resources:\["nodes"\], Verbs:\["get" "delete"\]\}/,
    );
    assert.match(
      await jane.fails('create rolebinding x --clusterrole=cluster-admin --user=jane -n a'),
      /not currently held:\n\{APIGroups:\["\*"\], Resources:\["\*"\], Verbs:\["\*"\]\}\n\{NonResourceURLs:\["\*"\], Verbs:\["\*"\]\}/,
    );
    assert.match(
      await jane.fails([
        'patch',
        'role',
        'deleter',
        '-n',
        'a',
        '--type=json',
        '-p',
        '[{"op":"replace","path":"/rules/0/verbs","value":["*"]}]',
      ]),
      /\{APIGroups:\[""\], Resources:\["pods"\], Verbs:\["\*"\]\}/,
    );
    assert.match(
      await jane.fails('create rolebinding x --role=missing --user=jane -n a'),
      /roles\.rbac\.authorization\.k8s\.io "missing" not found/,
    );
    // One may be allowed to, in so many words.
    await admin.ok(
      'create role may --verb=escalate,bind --resource=roles.rbac.authorization.k8s.io,clusterroles.rbac.authorization.k8s.io -n a',
    );
    await admin.ok('create rolebinding may --role=may --user=jane -n a');
    assert.match(await jane.ok('create role r --verb=get,delete --resource=pods,nodes -n a'), /created/);
    assert.match(await jane.ok('create rolebinding x --clusterrole=cluster-admin --user=jane -n a'), /created/);
    assert.match(await jane.fails('get nodes'), /forbidden/, 'a RoleBinding is of its namespace');
  });

  it('keeps what a binding refers to, and refuses wrong rules', async () => {
    assert.match(
      await admin.fails([
        'patch',
        'rolebinding',
        'one',
        '-n',
        'a',
        '--type=merge',
        '-p',
        '{"roleRef":{"name":"other"}}',
      ]),
      /The RoleBinding "one" is invalid: roleRef: Invalid value: .*cannot change roleRef/,
    );
    const rbac = '/apis/rbac.authorization.k8s.io/v1';
    const rows: readonly (readonly [path: string, object: object, cause: RegExp])[] = [
      [
        `${rbac}/namespaces/a/roles`,
        { rules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }] },
        /rules\[0\]\.nonResourceURLs: Invalid value: .*namespaced rules cannot apply to non-resource URLs/,
      ],
      [
        `${rbac}/clusterroles`,
        { rules: [{ verbs: [], apiGroups: [''], resources: ['pods'] }] },
        /rules\[0\]\.verbs: Required value: verbs must contain at least one value/,
      ],
      [
        `${rbac}/clusterroles`,
        { rules: [{ verbs: ['get'], resources: ['pods'] }] },
        /rules\[0\]\.apiGroups: Required value: resource rules must supply at least one api group/,
      ],
      [
        `${rbac}/clusterroles`,
        { rules: [{ verbs: ['get'], apiGroups: [''] }] },
        /rules\[0\]\.resources: Required value: resource rules must supply at least one resource/,
      ],
      [
        `${rbac}/clusterrolebindings`,
        { roleRef: { kind: 'Role', name: 'x' } },
        /roleRef\.kind: Unsupported value: "Role": supported values: "ClusterRole"/,
      ],
      [
        `${rbac}/clusterrolebindings`,
        { roleRef: { kind: 'ClusterRole', name: 'x' }, subjects: [{ kind: 'ServiceAccount', name: 'a' }] },
        /subjects\[0\]\.namespace: Required value/,
      ],
      [
        `${rbac}/clusterrolebindings`,
        { roleRef: { kind: 'ClusterRole', name: 'x' }, subjects: [{ kind: 'Robot', name: 'a' }] },
        /subjects\[0\]\.kind: Unsupported value: "Robot"/,
      ],
    ];
    for (const [path, object, cause] of rows) {
      const { json } = await must(422, `POST ${path}`, { body: { metadata: { name: 'wrong' }, ...object } });
      assert.match(json.message, cause);
    }
  });

  it('aggregates roles', async () => {
    const role = JSON.stringify({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'widgets-view', labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' } },
      rules: [{ apiGroups: ['example.com'], resources: ['widgets'], verbs: ['get'] }],
    });
    assert.match(await admin.ok('auth reconcile -f -', role), /reconciled/);
    const hasWidgets = async (name: string): Promise<boolean> =>
      (await admin.ok(`get clusterrole ${name} -o json`)).includes('widgets');
    for (const name of ['view', 'edit', 'admin']) await eventually(`${name} has the rule`, () => hasWidgets(name));
    assert.match(await admin.ok('auth reconcile -f -', role.replace('"get"', '"list"')), /reconciled/);
    const verbs = await admin.ok(['get', 'clusterrole', 'widgets-view', '-o', 'jsonpath={.rules[*].verbs[*]}']);
    assert.equal(verbs, 'get list', 'reconcile adds, and takes nothing away');
    await admin.ok('delete clusterrole widgets-view');
    for (const name of ['view', 'edit', 'admin']) {
      await eventually(`${name} has lost the rule`, async () => !(await hasWidgets(name)));
    }
    assert.match(
      await jane.fails(['create', '--raw', '/apis/rbac.authorization.k8s.io/v1/clusterroles', '-f', '-'], role),
      /cannot create resource "clusterroles"/,
    );
    await admin.ok(
      'create clusterrolebinding makes --clusterrole=system:controller:clusterrole-aggregation-controller --user=x',
    );
    await admin.ok('delete clusterrolebinding makes');
  });

  it('answers reviews of access', async () => {
    const pods = { verb: 'list', resource: 'pods', namespace: 'a' };
    const sar = `${REVIEWS}/subjectaccessreviews`;
    const allowed = await must(201, sar, { body: { spec: { user: 'bob', resourceAttributes: pods } } });
    assert.deepEqual(allowed.json.status, {
      allowed: true,
      reason: 'RBAC: allowed by ClusterRoleBinding "bob" of ClusterRole "view" to User "bob"',
    });
    const denied = await must(201, sar, { body: { spec: { user: 'eve', resourceAttributes: pods } } });
    assert.deepEqual(denied.json.status, { allowed: false });
    const rows: readonly (readonly [path: string, spec: object, message: RegExp])[] = [
      [
        sar,
        {},
        /spec: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified.*spec\.user: Invalid value: "": at least one of user or group must be specified/,
      ],
      [sar, { user: 'x', resourceAttributes: pods, nonResourceAttributes: { path: '/' } }, /exactly one of/],
      [
        sar,
        { user: 'x', resourceAttributes: { ...pods, fieldSelector: {} } },
        /spec\.resourceAttributes\.fieldSelector\.requirements: Required value: when spec\.resourceAttributes\.fieldSelector is specified, requirements or rawSelector is required/,
      ],
      [
        sar,
        {
          user: 'x',
          resourceAttributes: {
            ...pods,
            labelSelector: { rawSelector: 'a', requirements: [{ key: 'a', operator: 'Exists' }] },
          },
        },
        /labelSelector\.rawSelector: Invalid value: "a": may not specified at the same time as requirements/,
      ],
      [
        sar,
        { user: 'x', resourceAttributes: { ...pods, labelSelector: { requirements: [{ key: 'a', operator: 'In' }] } } },
        /requirements\[0\]\.values: Required value: must be specified when `operator` is 'In' or 'NotIn'/,
      ],
      [
        `${REVIEWS}/namespaces/a/localsubjectaccessreviews`,
        { user: 'x', resourceAttributes: { ...pods, namespace: 'b' } },
        /spec\.resourceAttributes\.namespace: Invalid value: "b": must match metadata\.namespace/,
      ],
      [
        `${REVIEWS}/namespaces/a/localsubjectaccessreviews`,
        { user: 'x', nonResourceAttributes: { path: '/x' } },
        /spec\.nonResourceAttributes: Invalid value: .*disallowed on this kind of request/,
      ],
    ];
    for (const [path, spec, message] of rows) {
      const { json } = await must(422, path, { body: { spec } });
      assert.match(json.message, message);
    }
    const named = await must(422, sar, {
      body: { metadata: { name: 'x' }, spec: { user: 'x', resourceAttributes: pods } },
    });
    assert.match(named.json.message, /metadata: Invalid value: .*must be empty/);
    const local = await must(201, `${REVIEWS}/namespaces/a/localsubjectaccessreviews`, {
      body: { spec: { groups: ['g'], user: 'bob', resourceAttributes: pods } },
    });
    assert.equal(local.json.status.allowed, true);
  });

  it('asks with selectors', async () => {
    const node = { user: 'system:node:n1', groups: ['system:nodes'] };
    const pods = { verb: 'list', resource: 'pods' };
    const answer = async (selectors: object): Promise<{ allowed: boolean; evaluationError?: string }> =>
      (
        await must(201, `${REVIEWS}/subjectaccessreviews`, {
          body: { spec: { ...node, resourceAttributes: { ...pods, ...selectors } } },
        })
      ).json.status;
    const own = { key: 'spec.nodeName', operator: 'In', values: ['n1'] };
    assert.equal((await answer({})).allowed, false);
    assert.equal((await answer({ fieldSelector: { rawSelector: 'spec.nodeName=n1' } })).allowed, true);
    assert.equal((await answer({ fieldSelector: { requirements: [own] } })).allowed, true);
    assert.equal((await answer({ fieldSelector: { requirements: [{ ...own, values: ['n2'] }] } })).allowed, false);
    const partly = await answer({
      fieldSelector: { requirements: [own, { key: 'x', operator: 'Near', values: ['y'] }] },
    });
    assert.equal(partly.allowed, true);
    assert.equal(partly.evaluationError, 'spec.resourceAttributes.fieldSelector partially ignored due to parse error');
    const unread = await answer({ fieldSelector: { rawSelector: 'a' }, labelSelector: { rawSelector: 'a in (' } });
    assert.equal(
      unread.evaluationError,
      'spec.resourceAttributes.fieldSelector ignored due to parse error; spec.resourceAttributes.labelSelector ignored due to parse error',
    );
  });

  it('impersonates only who one may', async () => {
    assert.match(
      await jane.fails('get pods -n b --as bob'),
      /users "bob" is forbidden: User "jane" cannot impersonate resource "users" in API group "" at the cluster scope/,
    );
    await admin.ok('create clusterrole as-bob --verb=impersonate --resource=users --resource-name=bob');
    await admin.ok('create clusterrolebinding as-bob --clusterrole=as-bob --user=jane');
    assert.equal((await jane.run('get pods -n b --as bob')).code, 0);
    assert.match(await jane.fails('get pods -n b --as bob --as-group dev'), /groups "dev" is forbidden/);
    assert.match(await jane.fails('get pods -n b --as eve'), /users "eve" is forbidden/);
    assert.match(await jane.ok('auth whoami --as bob'), /Username\s+bob/);
    assert.match(
      await admin.ok('auth whoami --as x --as-group a --as-group b --as-uid 7'),
      /UID\s+7\s+Groups\s+\[a b system:authenticated\]/,
    );
    const extra = await call('POST /apis/authentication.k8s.io/v1/selfsubjectreviews', {
      body: {},
      headers: {
        'impersonate-user': 'eve',
        'impersonate-uid': 'u1',
        'impersonate-group': 'x, y',
        'impersonate-extra-example.com%2Fscopes': 'a, b',
      },
    });
    assert.deepEqual(extra.json.status.userInfo, {
      username: 'eve',
      uid: 'u1',
      groups: ['x', 'y', 'system:authenticated'],
      extra: { 'example.com/scopes': ['a', 'b'] },
    });
  });

  it('restricts what a node may write', async () => {
    const n1: User = { name: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] };
    const refused = async (line: string, body: object, message: RegExp, headers = {}): Promise<void> => {
      const { json } = await must(403, line, { user: n1, body, headers });
      assert.match(json.message, message);
    };
    const node = (labels: object): object => ({ metadata: { name: 'n1', labels } });
    await refused(
      'POST /api/v1/nodes',
      node({ 'node-role.kubernetes.io/master': '' }),
      /node "n1" is not allowed to set the following labels: node-role\.kubernetes\.io\/master/,
    );
    await refused(
      'POST /api/v1/nodes',
      node({ 'x.node-restriction.kubernetes.io/a': '1' }),
      /x\.node-restriction\.kubernetes\.io\/a/,
    );
    await refused('POST /api/v1/nodes', { metadata: { name: 'n2' } }, /node "n1" is not allowed to modify node "n2"/);
    const own = {
      'kubernetes.io/hostname': 'n1',
      'node.kubernetes.io/x': 'y',
      'kubelet.kubernetes.io/z': '1',
      team: 'a',
    };
    await must(201, 'POST /api/v1/nodes', { user: n1, body: node(own) });
    const patch = (labels: object): object => ({ metadata: { labels } });
    await refused(
      'PATCH /api/v1/nodes/n1',
      patch({ 'node-role.kubernetes.io/x': '' }),
      /is not allowed to modify labels: node-role\.kubernetes\.io\/x/,
      mergePatch,
    );
    await refused(
      'PATCH /api/v1/nodes/n1',
      { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } },
      /node "n1" is not allowed to modify taints/,
      mergePatch,
    );
    await must(200, 'PATCH /api/v1/nodes/n1', { user: n1, body: patch({ team: 'b' }), headers: mergePatch });
    const { json } = await must(200, 'GET /api/v1/nodes/n1', { user: n1 });

    const PODS = '/api/v1/namespaces/a/pods';
    const containers = [{ name: 'c', image: 'example.test/c' }];
    const mirror = (rest: object = {}, owner: object = {}, spec: object = {}): object => ({
      metadata: {
        name: 'static-n1',
        annotations: { 'kubernetes.io/config.mirror': 'x' },
        ownerReferences: [
          { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: json.metadata.uid, controller: true, ...owner },
        ],
        ...rest,
      },
      spec: { nodeName: 'n1', containers, ...spec },
    });
    await refused(
      `POST ${PODS}`,
      { metadata: { name: 'p' }, spec: { containers, nodeName: 'n1' } },
      /pod does not have "kubernetes\.io\/config\.mirror" annotation, node "n1" can only create mirror pods/,
    );
    await refused(
      `POST ${PODS}`,
      mirror({ ownerReferences: [] }),
      /node "n1" can only create pods with an owner reference set to itself/,
    );
    await refused(`POST ${PODS}`, mirror({}, { uid: 'other' }), /node n1 UID mismatch: expected other got/);
    await refused(`POST ${PODS}`, mirror({}, { controller: false }), /with a controller owner reference set to itself/);
    await refused(`POST ${PODS}`, mirror({}, {}, { nodeName: 'n2' }), /with spec\.nodeName set to itself/);
    await refused(
      `POST ${PODS}`,
      mirror({}, {}, { volumes: [{ name: 's', secret: { secretName: 's' } }] }),
      /node "n1" can not create pods that reference secrets/,
    );
    await must(201, `POST ${PODS}`, { user: n1, body: mirror() });

    await eventually(
      'the service account',
      async () => (await call('GET /api/v1/namespaces/a/serviceaccounts/default')).status === 200,
    );
    const projected = {
      name: 't',
      projected: { sources: [{ serviceAccountToken: { audience: 'vault', path: 't' } }] },
    };
    const { json: running } = await must(201, `POST ${PODS}`, {
      body: { metadata: { name: 'app' }, spec: { containers, nodeName: 'n1', volumes: [projected] } },
    });
    const TOKEN = 'POST /api/v1/namespaces/a/serviceaccounts/default/token';
    const request = (audiences: string[], ref: object = {}): object => ({
      spec: {
        audiences,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'app', uid: running.metadata.uid, ...ref },
      },
    });
    await must(201, TOKEN, { user: n1, body: request([]) });
    await must(201, TOKEN, { user: n1, body: request(['vault']) });
    await refused(TOKEN, request(['other']), /audience "other" not found in pod spec volume/);
    await refused(TOKEN, request(['vault', 'other']), /node may only request 0 or 1 audiences/);
    await refused(TOKEN, { spec: { audiences: [] } }, /node requested token not bound to a pod/);
    await refused(TOKEN, request([], { uid: '' }), /node requested token with a pod binding without a uid/);
    await admin.ok('create clusterrole audience --verb=request-serviceaccounts-token-audience --resource=pods');
    const allow = {
      rules: [{ verbs: ['request-serviceaccounts-token-audience'], apiGroups: [''], resources: ['other'] }],
    };
    await must(200, 'PATCH /apis/rbac.authorization.k8s.io/v1/clusterroles/audience', {
      body: allow,
      headers: mergePatch,
    });
    await admin.ok('create clusterrolebinding audience --clusterrole=audience --group=system:nodes');
    await must(201, TOKEN, { user: n1, body: request(['other']) });

    await must(201, `POST ${PODS}`, { body: { metadata: { name: 'far' }, spec: { containers, nodeName: 'n2' } } });
    await refused(
      `PATCH ${PODS}/far/status`,
      { status: { phase: 'Failed' } },
      /node "n1" can only update pod status for pods with spec\.nodeName set to itself/,
      mergePatch,
    );
    await refused(
      `PATCH ${PODS}/app/status`,
      { metadata: { labels: { a: 'b' } } },
      /node "n1" cannot update labels through pod status/,
      mergePatch,
    );
    await refused(`DELETE ${PODS}/far`, {}, /node "n1" can only delete pods with spec\.nodeName set to itself/);
    await refused(`POST ${PODS}/far/eviction`, { metadata: { name: 'far' } }, /spec\.nodeName set to itself/);
    const CSR = 'POST /apis/certificates.k8s.io/v1/certificatesigningrequests';
    const signing = { signerName: 'kubernetes.io/kubelet-serving', request: 'eA==', usages: ['server auth'] };
    const csr = await call(CSR, { user: n1, body: { metadata: { name: 'c' }, spec: signing } });
    assert.ok(csr.status === 403 || csr.status === 422, csr.bytes.toString());
  });
}

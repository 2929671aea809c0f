/** What the suite asks of kubectl, identities and the server's own services. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { join } from 'node:path';
import { describe } from 'node:test';
import { conformance, suite } from './conformance/suite.ts';
import { type Json, Wire } from './conformance/wire.ts';
import { Kubectl, kubectlPath } from './kubectl.ts';

const IMAGE = 'example.test/main:1';

describe('kubectl and identities', { timeout: 300_000, concurrency: 2 }, () => {
  const { cluster, wire, namespace } = suite(['node-1', 'node-2']);
  const kubectl = async (): Promise<Kubectl> => {
    const { kubeconfig, directory } = cluster().server;
    return new Kubectl(await kubectlPath('1.36'), kubeconfig, join(directory, 'cache'));
  };
  const ok = async (line: string, input?: object): Promise<string> =>
    (await kubectl()).ok(line, input && JSON.stringify(input));
  const controller = {
    apiVersion: 'v1',
    kind: 'ReplicationController',
    metadata: { name: 'primary', labels: { app: 'agnhost' } },
    spec: {
      replicas: 1,
      selector: { app: 'agnhost' },
      template: {
        metadata: { labels: { app: 'agnhost' } },
        spec: { containers: [{ name: 'primary', image: IMAGE, ports: [{ name: 'server', containerPort: 6379 }] }] },
      },
    },
  };
  const deployment = (image: string): object => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'it' },
    spec: {
      selector: { matchLabels: { app: 'it' } },
      template: { metadata: { labels: { app: 'it' } }, spec: { containers: [{ name: 'main', image }] } },
    },
  });

  conformance(
    '[sig-cli] Kubectl client Kubectl api-versions should check if v1 is in available api versions',
    async () => {
      assert.match(await ok('api-versions'), /^v1$/m);
    },
  );
  conformance(
    '[sig-cli] Kubectl client Kubectl cluster-info should check if Kubernetes control plane services is included in cluster-info',
    async () => {
      assert.match(await ok('cluster-info'), /Kubernetes control plane.*is running at.*https:/s);
    },
  );
  conformance('[sig-cli] Kubectl client Kubectl version should check is all data is printed', async () => {
    const said = await ok('version -o yaml');
    for (const part of [
      'clientVersion',
      'serverVersion',
      'gitVersion',
      'major',
      'minor',
      'gitCommit',
      'buildDate',
      'platform',
    ])
      assert.ok(said.includes(part), part);
  });
  conformance(
    '[sig-cli] Kubectl client Kubectl describe should check if kubectl describe prints relevant information for rc and pods',
    async () => {
      const here = await namespace();
      await ok(`-n ${here} create -f -`, controller);
      await ok(`-n ${here} run it --image=${IMAGE} --labels=app=agnhost`);
      const expected: readonly [string, readonly string[]][] = [
        ['pod it', ['Name:', 'Namespace:', 'Node:', 'Labels:', 'app=agnhost', 'Status:', 'IP:', IMAGE]],
        ['rc primary', ['Name:', 'primary', 'Selector:', 'Replicas:', 'Pods Status:', 'Pod Template:', 'Image:']],
        ['node node-1', ['Name:', 'Labels:', 'CreationTimestamp', 'Conditions', 'Ready', 'Capacity', 'Pods']],
        [`namespace ${here}`, ['Name:', here, 'Status:', 'Active']],
      ];
      for (const [what, parts] of expected) {
        const said = await ok(`-n ${here} describe ${what}`);
        for (const part of parts) assert.ok(said.includes(part), `${what}: ${part} in ${said}`);
      }
    },
  );
  conformance(
    '[sig-cli] Kubectl client Kubectl diff should check if kubectl diff finds a difference for Deployments',
    async () => {
      const here = await namespace();
      await ok(`-n ${here} create -f -`, deployment('example.test/httpd:1'));
      const { code, out } = await (await kubectl()).run(
        `-n ${here} diff -f -`,
        JSON.stringify(deployment('example.test/busybox:2')),
      );
      assert.equal(code, 1);
      assert.match(out, /-\s+(- )?image: example\.test\/httpd:1/);
      assert.match(out, /\+\s+(- )?image: example\.test\/busybox:2/);
    },
  );
  conformance('[sig-cli] Kubectl client Kubectl expose should create services for rc', async () => {
    const here = await namespace();
    await ok(`-n ${here} create -f -`, controller);
    await ok(`-n ${here} expose rc primary --name=rm2 --port=1234 --target-port=6379`);
    await ok(`-n ${here} expose service rm2 --name=rm3 --port=2345 --target-port=6379`);
    for (const [name, port] of [
      ['rm2', 1234],
      ['rm3', 2345],
    ] as const) {
      const [only] = (await wire().get(`/api/v1/namespaces/${here}/services/${name}`)).spec.ports;
      assert.equal(only.port, port);
      assert.equal(only.targetPort, 6379);
    }
  });
  conformance('[sig-cli] Kubectl client Kubectl label should update the label on a resource', async () => {
    const here = await namespace();
    await ok(`-n ${here} run pause --image=${IMAGE}`);
    await ok(`-n ${here} label pods pause testing-label=testing-label-value`);
    assert.match(await ok(`-n ${here} get pod pause -L testing-label`), /testing-label-value/);
    await ok(`-n ${here} label pods pause testing-label-`);
    assert.doesNotMatch(await ok(`-n ${here} get pod pause -L testing-label`), /testing-label-value/);
  });
  conformance('[sig-cli] Kubectl client Kubectl patch should add annotations for pods in rc', async () => {
    const here = await namespace();
    await ok(`-n ${here} run it --image=${IMAGE}`);
    await ok(`-n ${here} patch pod it -p {"metadata":{"annotations":{"x":"y"}}}`);
    assert.equal((await wire().get(`/api/v1/namespaces/${here}/pods/it`)).metadata.annotations.x, 'y');
  });
  conformance("[sig-cli] Kubectl client Kubectl replace should update a single-container pod's image", async () => {
    const here = await namespace();
    await ok(`-n ${here} run it --image=${IMAGE}`);
    await wire().until(
      'it runs',
      async () => (await wire().get(`/api/v1/namespaces/${here}/pods/it`)).status.phase === 'Running',
    );
    const pod = JSON.parse(await ok(`-n ${here} get pod it -o json`));
    pod.spec.containers[0].image = 'example.test/busybox:2';
    await ok(`-n ${here} replace -f -`, pod);
    assert.equal(
      (await wire().get(`/api/v1/namespaces/${here}/pods/it`)).spec.containers[0].image,
      'example.test/busybox:2',
    );
  });
  conformance(
    '[sig-cli] Kubectl client Kubectl run pod should create a pod from an image when restart is Never',
    async () => {
      const here = await namespace();
      await ok(`-n ${here} run it --restart=Never --image=${IMAGE}`);
      const { spec } = await wire().get(`/api/v1/namespaces/${here}/pods/it`);
      assert.equal(spec.containers.length, 1);
      assert.equal(spec.containers[0].image, IMAGE);
      assert.equal(spec.restartPolicy, 'Never');
    },
  );
  conformance(
    '[sig-cli] Kubectl client Kubectl server-side dry-run should check if kubectl can dry-run update Pods',
    async () => {
      const here = await namespace();
      await ok(`-n ${here} run it --image=${IMAGE}`);
      await ok(
        `-n ${here} patch pod it --dry-run=server -p {"spec":{"containers":[{"name":"it","image":"example.test/other:1"}]}}`,
      );
      assert.equal((await wire().get(`/api/v1/namespaces/${here}/pods/it`)).spec.containers[0].image, IMAGE);
    },
  );
  const proxied = async (
    args: readonly string[],
    ready: RegExp,
    body: (said: RegExpExecArray) => Promise<void>,
  ): Promise<void> => {
    const { path } = await kubectl();
    const child = spawn(path, ['--kubeconfig', cluster().server.kubeconfig, 'proxy', ...args]);
    try {
      let said = '';
      for await (const chunk of child.stdout) {
        said += String(chunk);
        if (ready.test(said)) break;
      }
      const found = ready.exec(said);
      assert.ok(found, said);
      await body(found);
    } finally {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
  };
  const versionsOf = (options: object): Promise<Json> =>
    new Promise((resolve, reject) => {
      const asked = request({ ...options, path: '/api/', agent: false }, answer => {
        let text = '';
        answer.on('data', chunk => {
          text += String(chunk);
        });
        answer.on('end', () => resolve(JSON.parse(text)));
      });
      asked.on('error', reject);
      asked.end();
    });
  conformance('[sig-cli] Kubectl client Proxy server should support proxy with --port 0', () =>
    proxied(['--port=0', '--disable-filter'], /127\.0\.0\.1:(\d+)/, async ([, port]) => {
      assert.ok((await versionsOf({ host: '127.0.0.1', port: Number(port) })).versions.length > 0);
    }),
  );
  conformance('[sig-cli] Kubectl client Proxy server should support --unix-socket=/path', async () => {
    const socketPath = join(cluster().server.directory, 'proxy.sock');
    await proxied([`--unix-socket=${socketPath}`], /Starting to serve on/, async () => {
      assert.ok((await versionsOf({ socketPath })).versions.length > 0);
    });
  });

  conformance('[sig-auth] ServiceAccounts should guarantee kube-root-ca.crt exist in any namespace', async () => {
    const admin = wire();
    const path = `/api/v1/namespaces/${await namespace()}/configmaps/kube-root-ca.crt`;
    const isRight = (): Promise<unknown> =>
      admin.until('the root certificate is there', async () => {
        const { status, object } = await admin.send('GET', path);
        return status === 200 && object.data['ca.crt'] === cluster().server.ca;
      });
    await isRight();
    await admin.delete(path);
    await isRight();
    await admin.patch(path, { data: { 'ca.crt': 'wrong' } });
    await isRight();
  });
  conformance(
    '[sig-auth] ServiceAccounts should create a serviceAccountToken and ensure a successful TokenReview',
    async () => {
      const admin = wire();
      const here = await namespace();
      const request = {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: 3600 },
      };
      const { status } = await admin.create(`/api/v1/namespaces/${here}/serviceaccounts/default/token`, request);
      const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: status.token } };
      const reviewed = await admin.create('/apis/authentication.k8s.io/v1/tokenreviews', review);
      assert.equal(reviewed.status.authenticated, true, JSON.stringify(reviewed.status));
      assert.equal(reviewed.status.user.username, `system:serviceaccount:${here}:default`);
    },
  );
  conformance(
    '[sig-auth] ServiceAccounts ServiceAccountIssuerDiscovery should support OIDC discovery of service account issuer',
    async () => {
      const admin = wire();
      const here = await namespace();
      const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
      const { status } = await admin.create(`/api/v1/namespaces/${here}/serviceaccounts/default/token`, request);
      const account = new Wire(cluster().server, 'json', { token: status.token });
      try {
        const found = JSON.parse((await account.send('GET', '/.well-known/openid-configuration')).text);
        const [header = '', claims = ''] = status.token
          .split('.')
          .map((part: string) => Buffer.from(part, 'base64url').toString());
        assert.equal(JSON.parse(claims).iss, found.issuer);
        const { keys } = JSON.parse((await account.send('GET', '/openid/v1/jwks')).text);
        assert.ok(keys.some((key: Json) => key.kid === JSON.parse(header).kid));
      } finally {
        account.close();
      }
    },
  );
  conformance('[sig-auth] SubjectReview should support SubjectReview API operations', async () => {
    const admin = wire();
    const here = await namespace();
    const user = `system:serviceaccount:${here}:default`;
    const resourceAttributes = { namespace: here, verb: 'list', version: 'v1', resource: 'configmaps' };
    const review = (kind: string): object => ({
      apiVersion: 'authorization.k8s.io/v1',
      kind,
      metadata: kind.startsWith('Local') ? { namespace: here } : {},
      spec: { user, resourceAttributes },
    });
    const agree = async (allowed: boolean): Promise<void> => {
      const answer = await admin.send('GET', `/api/v1/namespaces/${here}/configmaps`, {
        headers: { 'impersonate-user': user },
      });
      assert.equal(answer.status, allowed ? 200 : 403);
      for (const [path, kind] of [
        ['subjectaccessreviews', 'SubjectAccessReview'],
        [`namespaces/${here}/localsubjectaccessreviews`, 'LocalSubjectAccessReview'],
      ] as const) {
        const { status } = await admin.create(`/apis/authorization.k8s.io/v1/${path}`, review(kind));
        assert.equal(status.allowed, allowed, kind);
      }
    };
    await agree(false);
    await admin.create(`/apis/rbac.authorization.k8s.io/v1/namespaces/${here}/rolebindings`, {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'view' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: here }],
    });
    await agree(true);
  });
  conformance('[sig-auth] ServiceAccounts should allow opting out of API token automount', async () => {
    const admin = wire();
    const here = await namespace();
    const path = `/api/v1/namespaces/${here}`;
    for (const [account, ofAccount] of [
      ['default-mount', undefined],
      ['mount', true],
      ['nomount', false],
    ] as const) {
      const automount = ofAccount === undefined ? {} : { automountServiceAccountToken: ofAccount };
      await admin.create(`${path}/serviceaccounts`, {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: account },
        ...automount,
      });
      for (const ofPod of [undefined, true, false]) {
        const made = await admin.create(`${path}/pods`, {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: `${account}-${ofPod}` },
          spec: {
            serviceAccountName: account,
            ...(ofPod === undefined ? {} : { automountServiceAccountToken: ofPod }),
            containers: [{ name: 'main', image: IMAGE }],
          },
        });
        const mounts = made.spec.containers[0].volumeMounts ?? [];
        const isMounted = mounts.some((m: Json) => m.mountPath === '/var/run/secrets/kubernetes.io/serviceaccount');
        assert.equal(isMounted, ofPod ?? ofAccount ?? true, `${account} ${ofPod}`);
      }
    }
  });

  conformance('[sig-network] API Server should provide secure master service', async () => {
    const { spec } = await wire('protobuf').get('/api/v1/namespaces/default/services/kubernetes');
    assert.ok(spec.ports.some((p: Json) => p.port === 443 && p.name === 'https'));
  });
  conformance('[sig-network] Services should find a service from listing all namespaces', async () => {
    const { items } = await wire('protobuf').get('/api/v1/services');
    assert.ok(items.some((s: Json) => s.metadata.name === 'kubernetes' && s.metadata.namespace === 'default'));
  });
  conformance('[sig-network] API Server should have Endpoints and EndpointSlices pointing to API Server', async () => {
    const { subsets } = await wire().get('/api/v1/namespaces/default/endpoints/kubernetes');
    assert.ok(subsets[0].addresses.length > 0);
    const of = 'labelSelector=kubernetes.io/service-name%3Dkubernetes';
    const { items } = await wire().get(`/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?${of}`);
    assert.deepEqual(
      items.flatMap((s: Json) => s.endpoints.flatMap((e: Json) => e.addresses)),
      subsets[0].addresses.map((a: Json) => a.ip),
    );
  });
  conformance(
    '[sig-scheduling] SchedulerPreemption [Serial] PriorityClass endpoints verify PriorityClass endpoints can be operated with different HTTP methods',
    async () => {
      for (const encoding of ['json', 'protobuf'] as const) {
        const admin = wire(encoding);
        const classes = '/apis/scheduling.k8s.io/v1/priorityclasses';
        const path = `${classes}/of-${encoding}`;
        const made = await admin.create(classes, {
          apiVersion: 'scheduling.k8s.io/v1',
          kind: 'PriorityClass',
          metadata: { name: `of-${encoding}` },
          value: 100,
          description: 'one',
        });
        assert.ok((await admin.names(classes)).includes(`of-${encoding}`));
        await admin.refused(422, 'PATCH', path, { value: 200 });
        await admin.refused(422, 'PUT', path, { ...made, value: 200 });
        assert.equal((await admin.patch(path, { description: 'two' })).description, 'two');
        assert.equal((await admin.get(path)).value, 100);
        await admin.delete(path);
        await admin.gone(path);
      }
    },
  );
});

/** One of every built-in kind beside pods and workloads, made, shown, changed and deleted by real kubectl; certificates; what is served. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { resources } from '../src/api/resources.ts';
import { certificateRequest } from '../src/lib/testing/certificateRequest.ts';
import { eventually, startCluster, type TestCluster } from './cluster.ts';
import { kubeconfigText } from './startServer.ts';

const TIMEOUT_MS = 60_000;
let cluster: TestCluster;

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function kubectl(line: string | readonly string[], input?: string, kubeconfig?: string): Promise<Result> {
  const { server } = cluster;
  const args = typeof line === 'string' ? line.split(' ') : [...line];
  const all = [
    '--kubeconfig',
    kubeconfig ?? server.kubeconfig,
    '--cache-dir',
    join(server.directory, 'cache'),
    ...args,
  ];
  return new Promise((resolve, reject) => {
    const child = execFile('kubectl', all, { timeout: TIMEOUT_MS, maxBuffer: 1 << 26 }, (error, out, err) => {
      if (error && typeof error.code !== 'number') reject(error);
      else resolve({ code: Number(error?.code ?? 0), out, err });
    });
    child.stdin?.end(input ?? '');
  });
}

async function ok(line: string | readonly string[], input?: string, kubeconfig?: string): Promise<string> {
  const { code, out, err } = await kubectl(line, input, kubeconfig);
  assert.equal(code, 0, `kubectl ${String(line)}: ${err}`);
  return out;
}

async function fails(line: string | readonly string[], input?: string, kubeconfig?: string): Promise<string> {
  const { code, err } = await kubectl(line, input, kubeconfig);
  assert.notEqual(code, 0, `kubectl ${String(line)} should have failed`);
  return err;
}

const RULE = { operations: ['CREATE'], apiGroups: ['example.com'], apiVersions: ['v1'], resources: ['things'] };
const HOOK = {
  name: 'hook.example.com',
  clientConfig: { url: 'https://192.0.2.1/hook' },
  rules: [RULE],
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
};
const MATCH = { resourceRules: [RULE] };
const CLAIM = { devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu.example.com' } }] } };
const request = (): string => Buffer.from(certificateRequest({ commonName: 'ada' }).pem).toString('base64');

interface Case {
  /** As `kubectl get` takes it. */
  readonly resource: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly fields: object;
  readonly name?: string;
  /** The first line of the table, spaces made one. */
  readonly head: string;
  /** With `-o wide`, where it differs. */
  readonly wideHead?: string;
  /** The cells after the name, `<age>` for any age. */
  readonly cells: string;
}

const NAMESPACED_AGE = 'NAME AGE';
const cases: readonly Case[] = [
  {
    resource: 'ingresses.networking.k8s.io',
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    fields: {
      spec: {
        ingressClassName: 'nginx',
        rules: [
          {
            host: 'a.example.com',
            http: {
              paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }],
            },
          },
        ],
      },
    },
    head: 'NAME CLASS HOSTS ADDRESS PORTS AGE',
    cells: 'nginx a.example.com 80 <age>',
  },
  {
    resource: 'ingressclasses',
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    fields: { spec: { controller: 'example.com/ingress' } },
    head: 'NAME CONTROLLER PARAMETERS AGE',
    cells: 'example.com/ingress <none> <age>',
  },
  {
    resource: 'netpol',
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    fields: { spec: { podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Ingress'] } },
    head: 'NAME POD-SELECTOR AGE',
    cells: 'app=web <age>',
  },
  {
    resource: 'ip',
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IPAddress',
    name: '10.99.0.1',
    fields: { spec: { parentRef: { resource: 'services', namespace: 'default', name: 'web' } } },
    head: 'NAME PARENTREF AGE',
    cells: 'services/default/web <age>',
  },
  {
    resource: 'servicecidrs',
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    fields: { spec: { cidrs: ['10.99.0.0/24'] } },
    head: 'NAME CIDRS AGE',
    cells: '10.99.0.0/24 <age>',
  },
  {
    resource: 'endpointslices',
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    fields: { addressType: 'IPv4', endpoints: [{ addresses: ['192.0.2.1'] }], ports: [{ name: 'a', port: 80 }] },
    head: 'NAME ADDRESSTYPE PORTS ENDPOINTS AGE',
    cells: 'IPv4 80 192.0.2.1 <age>',
  },
  {
    resource: 'leases',
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    fields: { spec: { holderIdentity: 'me' } },
    head: 'NAME HOLDER AGE',
    cells: 'me <age>',
  },
  {
    resource: 'runtimeclasses',
    apiVersion: 'node.k8s.io/v1',
    kind: 'RuntimeClass',
    fields: { handler: 'kata' },
    head: 'NAME HANDLER AGE',
    cells: 'kata <age>',
  },
  {
    resource: 'pc',
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    fields: { value: 10 },
    head: 'NAME VALUE GLOBAL-DEFAULT AGE PREEMPTIONPOLICY',
    cells: '10 false <age> PreemptLowerPriority',
  },
  {
    resource: 'sc',
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    fields: { provisioner: 'example.com/disk' },
    head: 'NAME PROVISIONER RECLAIMPOLICY VOLUMEBINDINGMODE ALLOWVOLUMEEXPANSION AGE',
    cells: 'example.com/disk Delete Immediate false <age>',
  },
  {
    resource: 'volumeattachments',
    apiVersion: 'storage.k8s.io/v1',
    kind: 'VolumeAttachment',
    fields: { spec: { attacher: 'disk.example.com', nodeName: 'n1', source: { persistentVolumeName: 'pv' } } },
    head: 'NAME ATTACHER PV NODE ATTACHED AGE',
    cells: 'disk.example.com pv n1 false <age>',
  },
  {
    resource: 'csidrivers',
    apiVersion: 'storage.k8s.io/v1',
    kind: 'CSIDriver',
    fields: { spec: {} },
    head: 'NAME ATTACHREQUIRED PODINFOONMOUNT STORAGECAPACITY TOKENREQUESTS REQUIRESREPUBLISH MODES AGE',
    cells: 'true false false <unset> false Persistent <age>',
  },
  {
    resource: 'csinodes',
    apiVersion: 'storage.k8s.io/v1',
    kind: 'CSINode',
    fields: { spec: { drivers: [{ name: 'disk.example.com', nodeID: 'n' }] } },
    head: 'NAME DRIVERS AGE',
    cells: '1 <age>',
  },
  {
    resource: 'csistoragecapacities',
    apiVersion: 'storage.k8s.io/v1',
    kind: 'CSIStorageCapacity',
    fields: { storageClassName: 'fast', capacity: '10Gi' },
    head: 'NAME STORAGECLASSNAME CAPACITY',
    cells: 'fast 10Gi',
  },
  {
    resource: 'vac',
    apiVersion: 'storage.k8s.io/v1',
    kind: 'VolumeAttributesClass',
    fields: { driverName: 'disk.example.com', parameters: { iops: '1' } },
    head: 'NAME DRIVERNAME AGE',
    cells: 'disk.example.com <age>',
  },
  {
    resource: 'deviceclasses',
    apiVersion: 'resource.k8s.io/v1',
    kind: 'DeviceClass',
    fields: { spec: {} },
    head: NAMESPACED_AGE,
    cells: '<age>',
  },
  {
    resource: 'resourceclaims',
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceClaim',
    fields: { spec: CLAIM },
    head: 'NAME STATE AGE',
    cells: 'pending <age>',
  },
  {
    resource: 'resourceclaimtemplates',
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceClaimTemplate',
    fields: { spec: { spec: CLAIM } },
    head: NAMESPACED_AGE,
    cells: '<age>',
  },
  {
    resource: 'resourceslices',
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceSlice',
    fields: {
      spec: { driver: 'gpu.example.com', nodeName: 'n1', pool: { name: 'n1', generation: 1, resourceSliceCount: 1 } },
    },
    head: 'NAME NODE DRIVER POOL AGE',
    cells: 'n1 gpu.example.com n1 <age>',
  },
  {
    resource: 'csr',
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    fields: { spec: { request: request(), signerName: 'example.com/signer', usages: ['client auth'] } },
    head: 'NAME AGE SIGNERNAME REQUESTOR REQUESTEDDURATION CONDITION',
    cells: '<age> example.com/signer system:admin <none> Pending',
  },
  {
    resource: 'validatingwebhookconfigurations',
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    fields: { webhooks: [HOOK] },
    head: 'NAME WEBHOOKS AGE',
    cells: '1 <age>',
  },
  {
    resource: 'mutatingwebhookconfigurations',
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    fields: { webhooks: [HOOK] },
    head: 'NAME WEBHOOKS AGE',
    cells: '1 <age>',
  },
  {
    resource: 'validatingadmissionpolicies',
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    fields: { spec: { matchConstraints: MATCH, validations: [{ expression: 'true' }] } },
    head: 'NAME VALIDATIONS PARAMKIND AGE',
    cells: '1 <unset> <age>',
  },
  {
    resource: 'validatingadmissionpolicybindings',
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    fields: { spec: { policyName: 'p', validationActions: ['Deny'] } },
    head: 'NAME POLICYNAME PARAMREF AGE',
    cells: 'p <unset> <age>',
  },
  {
    resource: 'mutatingadmissionpolicies',
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingAdmissionPolicy',
    fields: {
      spec: {
        matchConstraints: MATCH,
        reinvocationPolicy: 'Never',
        mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: '[]' } }],
      },
    },
    head: 'NAME MUTATIONS PARAMKIND AGE',
    cells: '1 <unset> <age>',
  },
  {
    resource: 'mutatingadmissionpolicybindings',
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingAdmissionPolicyBinding',
    fields: { spec: { policyName: 'p' } },
    head: 'NAME POLICYNAME PARAMREF AGE',
    cells: 'p <unset> <age>',
  },
  {
    resource: 'apiservices',
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    name: 'v1.remote.example.com',
    fields: {
      spec: {
        group: 'remote.example.com',
        version: 'v1',
        groupPriorityMinimum: 100,
        versionPriority: 100,
        insecureSkipTLSVerify: true,
        service: { namespace: 'default', name: 'remote' },
      },
    },
    head: 'NAME SERVICE AVAILABLE AGE',
    cells: 'default/remote Unknown <age>',
  },
  {
    resource: 'flowschemas',
    apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
    kind: 'FlowSchema',
    fields: { spec: { priorityLevelConfiguration: { name: 'exempt' }, matchingPrecedence: 77 } },
    head: 'NAME PRIORITYLEVEL MATCHINGPRECEDENCE DISTINGUISHERMETHOD AGE MISSINGPL',
    cells: 'exempt 77 <none> <age> False',
  },
  {
    resource: 'prioritylevelconfigurations',
    apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
    kind: 'PriorityLevelConfiguration',
    fields: { spec: { type: 'Limited', limited: { limitResponse: { type: 'Reject' } } } },
    head: 'NAME TYPE NOMINALCONCURRENCYSHARES QUEUES HANDSIZE QUEUELENGTHLIMIT AGE',
    cells: 'Limited 30 <none> <none> <none> <age>',
  },
  {
    resource: 'roles',
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    fields: { rules: [] },
    head: 'NAME CREATED AT',
    cells: '<time>',
  },
  {
    resource: 'rolebindings',
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    fields: {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'User', name: 'ada' }],
    },
    head: 'NAME ROLE AGE',
    wideHead: 'NAME ROLE AGE USERS GROUPS SERVICEACCOUNTS',
    cells: 'ClusterRole/view <age>',
  },
];

const clean = (text: string): string =>
  text
    .trim()
    .replace(/ +/g, ' ')
    .replace(/\b\d+(?:\.\d+)?[smh](?=$| )/g, '<age>')
    .replace(/\d{4}-\d\d-\d\dT\S+Z/g, '<time>');

describe('kubectl with the other kinds', { timeout: 5 * TIMEOUT_MS, concurrency: 4 }, () => {
  before(async () => {
    cluster = await startCluster();
    await ok('api-resources');
  });
  after(() => cluster?.close());

  for (const { resource, apiVersion, kind, fields, name = 'one', head, wideHead = head, cells } of cases)
    it(`${kind}: create, get, patch, delete`, async () => {
      const object = { apiVersion, kind, metadata: { name }, ...fields };
      const created = await ok('create -f -', JSON.stringify(object));
      assert.match(created, new RegExp(`/${name.replaceAll('.', '\\.')} created\n$`));
      const row = async (wide: string): Promise<string[]> => (await ok(`get ${resource} ${name}${wide}`)).split('\n');
      await eventually(`the row of ${kind}`, async () => clean((await row(''))[1] ?? '') === `${name} ${cells}`).catch(
        async () => assert.equal(clean((await row(''))[1] ?? ''), `${name} ${cells}`),
      );
      assert.equal(clean((await row(''))[0] ?? ''), head);
      assert.equal(clean((await row(' -o wide'))[0] ?? ''), wideHead);
      const yaml = await ok(`get ${resource} ${name} -o yaml`);
      assert.match(yaml, new RegExp(`^apiVersion: ${apiVersion}$`, 'm'));
      assert.match(yaml, new RegExp(`^kind: ${kind}$`, 'm'));
      assert.match(
        await ok(['patch', resource, name, '--type=merge', '-p', '{"metadata":{"labels":{"a":"b"}}}']),
        /patched\n$/,
      );
      assert.equal(await ok(['get', resource, '-l', 'a=b', '-o', 'jsonpath={.items[*].metadata.name}']), name);
      // What is applied again is unchanged.
      assert.match(await ok('replace -f -', JSON.stringify({ ...object, metadata: { name } })), /replaced\n$/);
      assert.match(await ok(`delete ${resource} ${name} --wait=false`), /deleted/);
      await eventually(`${kind} is gone`, async () => (await kubectl(`get ${resource} ${name}`)).code !== 0);
      assert.match(await fails(`get ${resource} ${name}`), /NotFound/);
    });

  it('covers every kind these groups serve', () => {
    const elsewhere = new Set([
      '',
      'apps',
      'batch',
      'autoscaling',
      'policy',
      'authentication.k8s.io',
      'authorization.k8s.io',
      'apiextensions.k8s.io',
      'events.k8s.io',
    ]);
    const served = resources.filter(r => !elsewhere.has(r.group)).map(r => r.kind);
    const clusterWide = ['ClusterRole', 'ClusterRoleBinding'];
    assert.deepEqual([...cases.map(c => c.kind), ...clusterWide].sort(), served.sort());
  });

  it('shows short names, categories and verbs', async () => {
    const lines = (await ok('api-resources -o wide')).split('\n').map(line => line.trim().replace(/ +/g, ' '));
    const crud = 'create,delete,deletecollection,get,list,patch,update,watch';
    for (const line of [
      `certificatesigningrequests csr certificates.k8s.io/v1 false CertificateSigningRequest ${crud}`,
      `leases coordination.k8s.io/v1 true Lease ${crud}`,
      `ingresses ing networking.k8s.io/v1 true Ingress ${crud}`,
      `ipaddresses ip networking.k8s.io/v1 false IPAddress ${crud}`,
      `networkpolicies netpol networking.k8s.io/v1 true NetworkPolicy ${crud}`,
      `priorityclasses pc scheduling.k8s.io/v1 false PriorityClass ${crud}`,
      `storageclasses sc storage.k8s.io/v1 false StorageClass ${crud}`,
      `volumeattributesclasses vac storage.k8s.io/v1 false VolumeAttributesClass ${crud}`,
      `events ev events.k8s.io/v1 true Event ${crud}`,
      `mutatingwebhookconfigurations admissionregistration.k8s.io/v1 false MutatingWebhookConfiguration ${crud} api-extensions`,
      `apiservices apiregistration.k8s.io/v1 false APIService ${crud} api-extensions`,
      `resourceclaims resource.k8s.io/v1 true ResourceClaim ${crud}`,
    ])
      assert.ok(lines.includes(line), `no line ${line} in\n${lines.join('\n')}`);
  });

  it('lists what the server serves as available', async () => {
    const lines = (await ok('get apiservices --no-headers')).split('\n').map(clean);
    for (const groupVersion of new Set(resources.map(r => `${r.version}.${r.group}`)))
      if (!groupVersion.endsWith('apiregistration.k8s.io'))
        assert.ok(lines.includes(`${groupVersion} Local True <age>`), groupVersion);
  });

  it('serves no alpha and no beta', async () => {
    const versions = (await ok('api-versions')).trim().split('\n');
    assert.deepEqual(
      versions.filter(version => /alpha|beta/.test(version)),
      [],
    );
    assert.deepEqual(
      versions.filter(version => version.startsWith('autoscaling') || version.startsWith('resource')),
      ['autoscaling/v1', 'autoscaling/v2', 'resource.k8s.io/v1'],
    );
  });

  it('makes ingresses and priority classes by command', async () => {
    await ok([
      'create',
      'ingress',
      'made',
      '--class=nginx',
      '--rule=a.example.com/x*=web:80,tls=secret',
      '--default-backend=web:http',
    ]);
    const spec = JSON.parse(await ok('get ingress made -o jsonpath={.spec}')) as {
      rules: { http: { paths: { pathType: string }[] } }[];
      tls: unknown[];
    };
    assert.equal(spec.rules[0]?.http.paths[0]?.pathType, 'Prefix');
    assert.deepEqual(spec.tls, [{ hosts: ['a.example.com'], secretName: 'secret' }]);
    assert.match(await ok('describe ingress made'), /a\.example\.com\s+\/x\s+web:80/);
    const refused = await fails(['create', 'ingress', 'bad', '--rule=A/x=web:80']);
    assert.match(refused, /Ingress\.networking\.k8s\.io "bad" is invalid: spec\.rules\[0\]\.host: Invalid value: "A"/);
    await ok('create priorityclass made --value=7 --description=x --preemption-policy=Never');
    assert.equal(await ok('get pc made -o jsonpath={.preemptionPolicy}'), 'Never');
  });

  it('warns of what is deprecated', async () => {
    const object = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name: 'old', annotations: { 'kubernetes.io/ingress.class': 'nginx' } },
      spec: { defaultBackend: { service: { name: 'web', port: { number: 80 } } } },
    };
    const { code, err } = await kubectl('create -f -', JSON.stringify(object));
    assert.equal(code, 0);
    assert.equal(
      err,
      'Warning: annotation "kubernetes.io/ingress.class" is deprecated, please use \'spec.ingressClassName\' instead\n',
    );
  });

  it('shows the same events in both groups', async () => {
    const event = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'welded', namespace: 'default' },
      eventTime: '2026-01-01T00:00:00.000000Z',
      reportingController: 'example.com/robot',
      reportingInstance: 'robot-1',
      action: 'Weld',
      reason: 'Welded',
      note: 'all done',
      type: 'Normal',
      regarding: { kind: 'Pod', name: 'p', namespace: 'default' },
    };
    await ok('create -f -', JSON.stringify(event));
    const core = JSON.parse(await ok('get events.v1. welded -o json')) as Record<string, unknown>;
    assert.deepEqual(
      [core.apiVersion, core.message, core.reportingComponent, core.involvedObject],
      ['v1', 'all done', 'example.com/robot', { kind: 'Pod', name: 'p', namespace: 'default' }],
    );
    assert.match(await ok('get events --field-selector involvedObject.name=p,reason=Welded'), /all done/);
    assert.match(await ok('get events.events.k8s.io --field-selector regarding.name=p'), /all done/);
    await ok('delete events.v1. welded');
    assert.match(await fails('get events.events.k8s.io welded'), /NotFound/);
  });

  describe('certificates', () => {
    async function ask(name: string, spec: object): Promise<void> {
      const object = {
        apiVersion: 'certificates.k8s.io/v1',
        kind: 'CertificateSigningRequest',
        metadata: { name },
        spec,
      };
      await ok('create -f -', JSON.stringify(object));
    }

    it('are issued when approved, and good for asking', async () => {
      const { pem, privateKeyPem } = certificateRequest({ commonName: 'grace', organizations: ['devs'] });
      await ask('grace', {
        request: Buffer.from(pem).toString('base64'),
        signerName: 'kubernetes.io/kube-apiserver-client',
        usages: ['client auth'],
        expirationSeconds: 3600,
      });
      assert.match(await ok('get csr grace --no-headers'), /system:admin\s+60m\s+Pending/);
      assert.equal(
        await ok('certificate approve grace'),
        'certificatesigningrequest.certificates.k8s.io/grace approved\n',
      );
      const certificate = await eventually('the certificate', async () => {
        const text = await ok('get csr grace -o jsonpath={.status.certificate}');
        return text === '' ? undefined : text;
      });
      assert.match(await ok('get csr grace --no-headers'), /Approved,Issued/);
      const { server } = cluster;
      const kubeconfig = join(server.directory, 'grace.kubeconfig');
      const certificatePem = Buffer.from(certificate, 'base64').toString();
      await writeFile(kubeconfig, kubeconfigText(server.url, server.ca, { certificatePem, privateKeyPem }));
      const who = JSON.parse(await ok('auth whoami -o json', undefined, kubeconfig)) as {
        status: { userInfo: { username: string; groups: string[] } };
      };
      assert.equal(who.status.userInfo.username, 'grace');
      assert.deepEqual(who.status.userInfo.groups.slice().sort(), ['devs', 'system:authenticated']);
      assert.match(await fails('get pods', undefined, kubeconfig), /User "grace" cannot list resource "pods"/);
      assert.match(await fails('certificate deny grace'), /already Approved/);
      assert.ok((await readFile(kubeconfig, 'utf8')).length > 0);
    });

    it('are not issued when denied, or when the signer would not', async () => {
      const spec = { request: request(), signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'] };
      await ask('denied', spec);
      assert.match(await ok('certificate deny denied'), /denied denied\n$/);
      assert.match(await ok('get csr denied --no-headers'), /Denied$/m);
      await ask('wrong', { ...spec, usages: ['server auth'] });
      await ok('certificate approve wrong');
      await eventually('the failure', async () => /Approved,Failed/.test(await ok('get csr wrong --no-headers')));
      assert.match(await ok('get csr wrong -o jsonpath={.status.conditions[*].reason}'), /SignerValidationFailure/);
    });

    it('are not decided by those who may not', async () => {
      await ask('other', { request: request(), signerName: 'example.com/signer', usages: ['client auth'] });
      const roles = {
        apiVersion: 'v1',
        kind: 'List',
        items: [
          {
            apiVersion: 'rbac.authorization.k8s.io/v1',
            kind: 'ClusterRole',
            metadata: { name: 'csr-editor' },
            rules: [
              {
                apiGroups: ['certificates.k8s.io'],
                resources: ['certificatesigningrequests', 'certificatesigningrequests/approval'],
                verbs: ['get', 'list', 'update', 'patch'],
              },
            ],
          },
          {
            apiVersion: 'rbac.authorization.k8s.io/v1',
            kind: 'ClusterRoleBinding',
            metadata: { name: 'csr-editor' },
            roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'csr-editor' },
            subjects: [{ kind: 'User', name: 'eve' }],
          },
        ],
      };
      await ok('create -f -', JSON.stringify(roles));
      assert.match(
        await fails('certificate approve other --as=eve'),
        /user not permitted to approve requests with signerName "example\.com\/signer"/,
      );
      assert.match(await ok('get csr other --no-headers'), /Pending/);
    });

    it('of kubelets are approved for those who may have them', async () => {
      await ok(
        'create clusterrolebinding nodes --clusterrole=system:certificates.k8s.io:certificatesigningrequests:selfnodeclient --group=system:nodes',
      );
      const { pem } = certificateRequest({ commonName: 'system:node:n1', organizations: ['system:nodes'] });
      const object = {
        apiVersion: 'certificates.k8s.io/v1',
        kind: 'CertificateSigningRequest',
        metadata: { name: 'node' },
        spec: {
          request: Buffer.from(pem).toString('base64'),
          signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
          usages: ['client auth', 'digital signature'],
        },
      };
      const { server } = cluster;
      const kubeconfig = join(server.directory, 'node.kubeconfig');
      const certificate = server.certificateFor('system:node:n1', ['system:nodes']);
      await writeFile(kubeconfig, kubeconfigText(server.url, server.ca, certificate));
      await ok('create -f -', JSON.stringify(object), kubeconfig);
      await eventually('the approval', async () => /Approved,Issued/.test(await ok('get csr node --no-headers')));
      assert.match(
        await ok('get csr node -o jsonpath={.status.conditions[0].message}'),
        /Auto approving self kubelet client certificate/,
      );
    });
  });

  it('keeps an IPAddress for every address of a service', async () => {
    await ok('create service clusterip addressed --tcp=80');
    const address = await ok('get svc addressed -o jsonpath={.spec.clusterIP}');
    await eventually('the address', async () => (await kubectl(`get ip ${address}`)).code === 0);
    assert.match(await ok(`get ip ${address}`), /services\/default\/addressed/);
    await ok('delete svc addressed');
    await eventually('the address is gone', async () => (await kubectl(`get ip ${address}`)).code !== 0);
  });

  it('lists flow schemas in the order they are matched in', async () => {
    const lines = (await ok('get flowschemas --no-headers')).trim().split('\n');
    const precedences = lines.map(line => Number(line.split(/\s+/)[2]));
    assert.deepEqual(
      precedences,
      [...precedences].sort((one, other) => one - other),
    );
    assert.match(lines[0] ?? '', /^exempt /);
    assert.match(lines.at(-1) ?? '', /^catch-all /);
  });

  it('refuses to change what is fixed', async () => {
    const refused = await fails([
      'patch',
      'flowschema',
      'exempt',
      '--type=merge',
      '-p',
      '{"spec":{"matchingPrecedence":5}}',
    ]);
    assert.match(refused, /spec of 'exempt' must equal the fixed value/);
    assert.match(
      await fails(['patch', 'apiservice', 'v1.apps', '--type=merge', '-p', '{"spec":{"version":"v3"}}']),
      /must be `spec\.version\+"\."\+spec\.group`: "v3\.apps"/,
    );
  });
});

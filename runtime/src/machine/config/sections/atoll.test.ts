/** The section `atoll` as people write it: what is taken, what is refused and how it is said, what it becomes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { readConfig } from '../read.ts';
import { render } from '../render/index.ts';
import type { Problem, RenderedFile } from '../types.ts';

const read = (yaml: string): ReturnType<typeof readConfig> => {
  const text = `#cloud-config\natoll:\n${yaml.replace(/^/gm, '  ')}\n`;
  return readConfig([{ source: 'esp', location: 'test', documents: { 'user-data': Buffer.from(text) } }]);
};
const errorsOf = (problems: readonly Problem[]): string[] =>
  problems.filter(({ severity }) => severity === 'error').map(({ path, message }) => `${path}: ${message}`);
const filesOf = (yaml: string): Record<string, RenderedFile> => {
  const { config, problems } = read(yaml);
  assert.deepEqual(errorsOf(problems), []);
  assert.ok(config);
  return Object.fromEntries(render(config).rendered.files.map(file => [file.path, file]));
};
const daemons = (yaml: string): unknown => parse(String(filesOf(yaml)['/etc/atoll/config.yaml']?.content ?? 'null'));

describe('what the section atoll becomes', () => {
  it('a channel to look at, for the agent and for root only', () => {
    const upgrade =
      'upgrade:\n  channel: https://u:p@example.com/atoll/\n  poll: 12h\n  window: "Sat,Sun 02:00-05:00"\n  rollout: 25';
    const file = filesOf(upgrade)['/etc/atoll/upgrade.json'];
    assert.equal(file?.mode, 0o600);
    const channel = 'https://u:p@example.com/atoll/';
    assert.deepEqual(JSON.parse(String(file?.content)), {
      channel,
      poll: '12h',
      window: 'Sat,Sun 02:00-05:00',
      rollout: 25,
    });
  });
  const wrongUpgrades: readonly (readonly [yaml: string, said: RegExp])[] = [
    ['poll: 6h', /upgrade\.channel|channel/],
    ['channel: ftp://example.com/', /must be an https or http URL/],
    ['channel: https://example.com/bundle.raucb', /must end with \.json or with \//],
    ['channel: https://example.com/\n  poll: often', /must be a duration/],
    ['channel: https://example.com/\n  poll: 5s', /must be 60 s or more/],
    ['channel: https://example.com/\n  window: at night', /is not a window|no day of the week/],
    ['channel: https://example.com/\n  rollout: 101', /rollout/],
    ['channel: https://example.com/\n  limit: fast', /limit/],
  ];
  for (const [yaml, said] of wrongUpgrades)
    it(`no ${yaml.replaceAll('\n', ';')}`, () => {
      assert.match(errorsOf(read(`upgrade:\n  ${yaml}`).problems).join('\n'), said);
    });
  it("K3s' options as they are, for root only", () => {
    const file = filesOf('token: abc\nnode-label: [a=b, c=d]\ntls-san: kube.example.com')['/etc/atoll/config.yaml'];
    assert.equal(file?.mode, 0o600);
    assert.deepEqual(parse(String(file?.content)), {
      token: 'abc',
      'node-label': ['a=b', 'c=d'],
      'tls-san': 'kube.example.com',
    });
  });
  const rows: readonly (readonly [yaml: string, daemons: unknown])[] = [
    ['role: server', null],
    ['{}', null],
    ['https-listen-port: 7443', { 'https-listen-port': 7443 }],
    [
      'cluster-cidr: 10.50.0.0/16\nservice-cidr: 10.51.0.0/16',
      { 'cluster-cidr': '10.50.0.0/16', 'service-cidr': '10.51.0.0/16' },
    ],
    [
      'kubelet-arg: ["eviction-hard=memory.available<5%,nodefs.available<5%"]',
      { 'kubelet-arg': ['eviction-hard=memory.available<5%,nodefs.available<5%'] },
    ],
    ['kubelet-arg: max-pods=30', { 'kubelet-arg': 'max-pods=30' }],
    ['kube-apiserver-arg: [anonymous-auth=false]', { 'kube-apiserver-arg': ['anonymous-auth=false'] }],
    ['write-kubeconfig-mode: "0640"', { 'write-kubeconfig-mode': '0640' }],
    ['node-ip: 192.0.2.1,fd00::1', { 'node-ip': '192.0.2.1,fd00::1' }],
    ['node-taint: "dedicated:NoSchedule"', { 'node-taint': 'dedicated:NoSchedule' }],
    ['disable: [traefik, servicelb]', { disable: ['traefik', 'servicelb'] }],
    ['disable: traefik', { disable: 'traefik' }],
    ['disable-kube-proxy: true\nselinux: false\ndisable-cloud-controller: true', null],
    [
      'images: ["docker.io/library/nginx:1.29", /efi/images/app.tar.zst]',
      { 'preload-image': ['docker.io/library/nginx:1.29', '/efi/images/app.tar.zst'] },
    ],
    ['flannel-backend: none\ndebug: true\nv: 4', { 'flannel-backend': 'none', debug: true, v: 4 }],
    ['secrets-encryption: false', { 'secrets-encryption': false }],
  ];
  for (const [yaml, expected] of rows) it(yaml.replaceAll('\n', '; '), () => assert.deepEqual(daemons(yaml), expected));

  it('an agent has no server, a server without a node no agent', () => {
    const agent = filesOf('role: agent\nserver: https://192.0.2.1:6443\ntoken: abc');
    assert.ok(agent['/etc/atoll/no-server']);
    assert.equal(agent['/etc/atoll/no-agent'], undefined);
    const server = filesOf('disable-agent: true');
    assert.ok(server['/etc/atoll/no-agent']);
    assert.equal(server['/etc/atoll/no-server'], undefined);
    assert.equal(server['/etc/atoll/config.yaml'], undefined);
  });
  it('registries and manifests are files for root only', () => {
    const files = filesOf(`registries:
  mirrors:
    docker.io: {endpoint: ["https://m.example:5000"]}
  configs:
    m.example:5000: {auth: {username: u, password: p}}
manifests:
  app: |
    {apiVersion: v1, kind: ConfigMap, metadata: {name: one}}
  b.yaml: "{apiVersion: v1, kind: ConfigMap, metadata: {name: two}}"`);
    assert.equal(files['/etc/atoll/registries.yaml']?.mode, 0o600);
    assert.deepEqual(parse(String(files['/etc/atoll/registries.yaml']?.content)), {
      mirrors: { 'docker.io': { endpoint: ['https://m.example:5000'] } },
      configs: { 'm.example:5000': { auth: { username: 'u', password: 'p' } } },
    });
    assert.equal(
      files['/etc/atoll/manifests/app.yaml']?.content,
      '{apiVersion: v1, kind: ConfigMap, metadata: {name: one}}\n',
    );
    assert.equal(files['/etc/atoll/manifests/b.yaml']?.mode, 0o600);
  });
});

describe('what is refused, and how', () => {
  const rows: readonly (readonly [yaml: string, message: RegExp])[] = [
    // Known, and not there.
    ['datastore-endpoint: postgres://x', /^atoll\.datastore-endpoint: is not available yet: a cluster has one server/],
    ['cluster-init: true', /atoll\.cluster-init: .*one server/],
    ['etcd-snapshot-retention: 3', /atoll\.etcd-snapshot-retention: .*atoll backup/],
    ['flannel-iface: eth0', /atoll\.flannel-iface: .*bridge of their node/],
    ['kube-scheduler-arg: [v=4]', /atoll\.kube-scheduler-arg: .*scheduler takes no options/],
    ['kube-proxy-arg: [v=4]', /atoll\.kube-proxy-arg: .*no kube-proxy/],
    ['pause-image: x', /atoll\.pause-image: .*containerd/],
    ['rootless: true', /atoll\.rootless: /],
    ['docker: true', /atoll\.docker: .*runc/],
    ['vpn-auth: x', /atoll\.vpn-auth: .*VPN/],
    ['embedded-registry: true', /atoll\.embedded-registry: .*mirror/],
    ['data-dir: /x', /atoll\.data-dir: .*data partition/],
    ['no-deploy: traefik', /atoll\.no-deploy: .*use disable/],
    ['flannel-backend: vxlan', /atoll\.flannel-backend: .*none/],
    ['selinux: true', /atoll\.selinux: is not available: there is no SELinux/],
    ['disable-network-policy: false', /atoll\.disable-network-policy: is not available/],
    ['tls-san-security: false', /atoll\.tls-san-security: is not available/],
    // Unknown.
    ['node-lable: a=b', /atoll\.node-lable: /],
    ['rolle: agent', /atoll\.rolle: /],
    // Values.
    ['role: worker', /atoll\.role: .*"worker"/],
    ['https-listen-port: 70000', /atoll\.https-listen-port: .*65535/],
    ['https-listen-port: abc', /atoll\.https-listen-port: /],
    ['token: a b', /atoll\.token: /],
    ['server: 192.0.2.1', /atoll\.server: must be a URL like https:\/\/192\.0\.2\.1:6443/],
    ['server: http://192.0.2.1:6443', /atoll\.server: must be a URL/],
    ['node-name: Left_Gate', /atoll\.node-name: .*DNS name/],
    ['node-label: [site]', /atoll\.node-label\[0\]: must be KEY=VALUE/],
    ['node-label: ["a=b c"]', /atoll\.node-label\[0\]: .*the value "b c"/],
    ['node-label: ["-a=b"]', /the key "-a"/],
    ['node-label: [node-role.kubernetes.io/master=]', /a node may not give itself node-role\.kubernetes\.io\/master/],
    ['node-label: [a=1, a=2]', /atoll\.node-label: gives a two values: "1" and "2"/],
    ['node-taint: [a=b]', /atoll\.node-taint\[0\]: the effect|must be KEY=VALUE:EFFECT/],
    ['node-taint: [a=b:Never]', /the effect "Never" must be NoSchedule/],
    ['node-taint: [a=b:NoSchedule, a=c:NoSchedule]', /gives a:NoSchedule twice/],
    ['node-ip: 192.0.2.300', /atoll\.node-ip: must be an IP address/],
    ['node-ip: [192.0.2.1, 192.0.2.2]', /two addresses of one family/],
    ['node-ip: 10.42.0.7', /10\.42\.0\.7 is an address of pods \(cluster-cidr 10\.42\.0\.0\/16, the default\)/],
    ['cluster-cidr: 10.42.0.0', /atoll\.cluster-cidr: must be an IPv4 range/],
    ['cluster-cidr: 10.42.1.0/16', /has bits beyond its length: 10\.42\.0\.0\/16 is meant/],
    ['cluster-cidr: 10.42.0.0/25', /\/8 to a \/24/],
    ['cluster-cidr: fd00::/48', /not available yet: IPv6/],
    ['cluster-cidr: 10.42.0.0/16,fd00::/48', /not two families/],
    [
      'service-cidr: 10.42.128.0/20',
      /atoll\.service-cidr: pods \(cluster-cidr 10\.42\.0\.0\/16, the default\) and services .* share addresses/,
    ],
    ['cluster-cidr: 10.0.0.0/8', /atoll\.cluster-cidr: pods .* share addresses/],
    ['service-node-port-range: 30000', /must be a range of ports such as 30000-32767/],
    ['service-node-port-range: 32767-30000', /FIRST-LAST/],
    ['cluster-domain: Cluster.Local', /atoll\.cluster-domain: /],
    ['cluster-dns: nowhere', /atoll\.cluster-dns: must be an IP address/],
    ['tls-san: ["a b"]', /atoll\.tls-san\[0\]: must be a DNS name or an IP address/],
    ['write-kubeconfig-mode: "999"', /octal/],
    ['write-kubeconfig: kubeconfig', /absolute path/],
    ['kubelet-arg: [max-pods=0]', /atoll\.kubelet-arg\[0\]: the kubelet's option max-pods: "0" must be/],
    ['kubelet-arg: [eviction-soft=x]', /"eviction-soft" is not available/],
    ['kubelet-arg: [image-gc-low-threshold=84, image-gc-high-threshold=82]', /atoll\.kubelet-arg: .*must be under/],
    ['kube-apiserver-arg: [oidc-issuer-url=x]', /kube-apiserver's option "oidc-issuer-url" is not available/],
    ['kube-apiserver-arg: [anonymous-auth]', /must be anonymous-auth=VALUE/],
    ['kube-controller-manager-arg: [concurrent-deployment-syncs=9]', /kube-controller-manager's option "concurrent/],
    ['registries: {mirrors: {"https://docker.io": {endpoint: []}}}', /without https:\/\//],
    ['registries: {mirrors: {docker.io: {endpoint: [m.example]}}}', /must be a URL such as/],
    ['registries: {mirrors: {docker.io: {rewrite: {a: b}}}}', /does not rewrite names/],
    ['registries: {configs: {m.example: {auth: {username: u}}}}', /needs both username and password/],
    ['registries: {configs: {m.example: {auth: {username: u, password: p, auth: x}}}}', /one of them/],
    ['registries: {configs: {m.example: {tls: {cert_file: /a}}}}', /both cert_file and key_file/],
    ['registries: {mirrors: {}}\nprivate-registry: /x', /says the same as registries/],
    ['token: a\ntoken-file: /x', /atoll\.token-file: says the same as token/],
    ['images: [nginx]', /must be a full name with its registry/],
    ['images: ["https://example.org/a.tar"]', /not available yet: archives from URLs/],
    ['images: [/efi/app.zip]', /must end in \.tar/],
    ['manifests: {"A B": x}', /atoll\.manifests/],
    ['manifests: {a: {kind: x}}', /atoll\.manifests\.a: /],
    // Together.
    ['role: agent\ntoken: x', /an agent needs the server it joins/],
    ['role: agent\nserver: https://192.0.2.1:6443', /an agent needs a token/],
    [
      'role: agent\nserver: https://192.0.2.1:6443\ntoken: x\ntls-san: a.example',
      /atoll\.tls-san: is an option of servers/,
    ],
    ['server: https://192.0.2.1:6443', /a second server cannot join/],
    ['disable-agent: true\nnode-label: a=b', /atoll\.node-label: is an option of nodes/],
  ];
  for (const [yaml, message] of rows)
    it(yaml.replaceAll('\n', '; '), () => {
      const errors = errorsOf(read(yaml).problems);
      assert.ok(errors.length > 0, 'taken');
      assert.ok(
        errors.some(error => message.test(error)),
        errors.join('\n'),
      );
    });

  it('a token is never in a message', () => {
    for (const yaml of [
      'token: sec ret',
      'agent-token: [sec, ret]',
      'registries: {configs: {a: {auth: {password: [sec]}}}}',
    ])
      assert.doesNotMatch(JSON.stringify(read(yaml).problems), /sec/);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  HEAD,
  hostsFiles,
  nodeCredentials,
  type Registries,
  registryOf,
  wrongHost,
  wrongMirror,
} from './registries.ts';

const hosts = (registries: Registries, only = false): Record<string, string> =>
  Object.fromEntries(Object.entries(hostsFiles(registries, only)).map(([k, v]) => [k, v.replace(HEAD, '')]));

describe('registries become hosts.toml', () => {
  it('a mirror is asked before the registry itself', () =>
    assert.deepEqual(
      hosts({ mirrors: { 'docker.io': { endpoint: ['https://m.example:5000', 'http://n.example/v2/hub/'] } } }),
      {
        'docker.io': `server = "https://registry-1.docker.io"

[host."https://m.example:5000"]
  capabilities = ["pull", "resolve"]

[host."http://n.example/v2/hub"]
  capabilities = ["pull", "resolve"]
  override_path = true
`,
      },
    ));
  it('* is all registries', () =>
    assert.deepEqual(hosts({ mirrors: { '*': { endpoint: ['https://m.example'] } } }), {
      _default: '\n[host."https://m.example"]\n  capabilities = ["pull", "resolve"]\n',
    }));
  it('mirrors only: the last of them stands in for the registry', () =>
    assert.deepEqual(
      hosts({ mirrors: { 'docker.io': { endpoint: ['https://a.example', 'https://b.example'] } } }, true),
      {
        'docker.io':
          'server = "https://b.example"\n\n[host."https://a.example"]\n  capabilities = ["pull", "resolve"]\n',
      },
    ));
  it('certificates are of the host that is asked', () =>
    assert.deepEqual(
      hosts({
        mirrors: { 'docker.io': { endpoint: ['https://m.example:5000'] } },
        configs: {
          'm.example:5000': { tls: { ca_file: '/a.crt', cert_file: '/c.crt', key_file: '/c.key' } },
          'own.example': { tls: { insecure_skip_verify: true } },
          'other.example': { auth: { username: 'u', password: 'p' } },
        },
      }),
      {
        'docker.io': `server = "https://registry-1.docker.io"

[host."https://m.example:5000"]
  capabilities = ["pull", "resolve"]
  ca = "/a.crt"
  client = [["/c.crt", "/c.key"]]
`,
        'm.example:5000': `server = "https://m.example:5000"
ca = "/a.crt"
client = [["/c.crt", "/c.key"]]

[host]
`,
        'own.example': 'server = "https://own.example"\nskip_verify = true\n\n[host]\n',
      },
    ));
  it('nothing is nothing', () => assert.deepEqual(hosts({}), {}));
});

describe('credentials of the node', () => {
  const registries: Registries = {
    mirrors: { 'docker.io': { endpoint: ['https://m.example:5000'] } },
    configs: {
      'm.example:5000': { auth: { username: 'u', password: 'p' } },
      'docker.io': { auth: { auth: 'dTpw' } },
      'quay.example': { auth: { identity_token: 't' } },
    },
  };
  const rows: readonly (readonly [image: string, credentials: object[]])[] = [
    [
      'busybox:1',
      [
        { serverAddress: 'https://m.example:5000', username: 'u', password: 'p' },
        { serverAddress: 'https://registry-1.docker.io', auth: 'dTpw' },
      ],
    ],
    ['quay.example/a/b', [{ serverAddress: 'https://quay.example', identityToken: 't' }]],
    ['elsewhere.example/a', []],
  ];
  for (const [image, credentials] of rows)
    it(image, () => assert.deepEqual(nodeCredentials(registries, image), credentials));
});

it('names of registries', () => {
  for (const [image, registry] of [
    ['busybox', 'docker.io'],
    ['team/app:1', 'docker.io'],
    ['docker.io/library/busybox', 'docker.io'],
    ['localhost/a', 'localhost'],
    ['r.example:5000/a/b@sha256:00', 'r.example:5000'],
  ] as const)
    assert.equal(registryOf(image), registry, image);
  for (const host of ['docker.io', 'r.example:5000', '*', '[::1]:5000', 'localhost'])
    assert.equal(wrongHost(host), undefined);
  for (const host of ['https://docker.io', 'a/b', '', 'a b', 'r.example:']) assert.ok(wrongHost(host), host);
  for (const url of ['https://m.example', 'http://10.0.0.1:5000/v2/x']) assert.equal(wrongMirror(url), undefined);
  for (const url of ['m.example', 'ftp://m.example', 'https://u:p@m.example', 'https://m.example?x'])
    assert.ok(wrongMirror(url), url);
});

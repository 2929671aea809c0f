import { testKind } from '../testing/table.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const KEY =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const SET = 'field is immutable when `immutable` is set';
const secret = (type: string, data: Readonly<Record<string, string>> = {}) => ({ type: `kubernetes.io/${type}`, data });

testKind({
  group: '',
  resource: 'configmaps',
  good: { data: { a: '1' } },
  alsoGood: [{ data: undefined }, { 'data.b~c_d-E': '' }, { binaryData: { b: base64('x') } }],
  bad: [
    [{ 'data.a b': '' }, `data[a b]: Invalid value: "a b": ${KEY}`],
    [{ 'data.~~x': '' }, 'data[..x]: Invalid value: "..x": must not start with \'..\''],
    [{ binaryData: { a: base64('x') } }, 'data[a]: Invalid value: "a": duplicate of key present in binaryData'],
    [{ 'data.a': 'x'.repeat(1024 * 1024 + 1) }, '[]: Too long: may not be more than 1048576 bytes'],
  ],
  updates: [
    [{ 'data.a': '2' }],
    [{ immutable: true }],
    [{ 'data.a b': '' }, `data[a b]: Invalid value: "a b": ${KEY}`],
  ],
  cells: [[{ binaryData: { b: base64('x') } }, 2, '10m']],
});

testKind({
  group: '',
  resource: 'configmaps',
  good: { data: { a: '1' }, immutable: true },
  updates: [
    [{ 'metadata.labels': { a: 'b' } }],
    [{ 'data.a': '2' }, `data: Forbidden: ${SET}`],
    [{ immutable: false }, `immutable: Forbidden: ${SET}`],
    [{ binaryData: { b: base64('x') } }, `binaryData: Forbidden: ${SET}`],
  ],
});

testKind({
  group: '',
  resource: 'secrets',
  good: { data: { a: base64('1') } },
  alsoGood: [
    { stringData: { b: 'x' } },
    { type: 'example.com/own' },
    secret('dockercfg', { '.dockercfg': base64('{}') }),
    secret('dockerconfigjson', { '.dockerconfigjson': base64('{"auths":{}}') }),
    secret('basic-auth', { username: '' }),
    secret('ssh-auth', { 'ssh-privatekey': base64('x') }),
    secret('tls', { 'tls.crt': '', 'tls.key': '' }),
    { ...secret('service-account-token'), 'metadata.annotations': { 'kubernetes.io/service-account.name': 'sa' } },
  ],
  bad: [
    [{ 'data.a b': '' }, `data[a b]: Invalid value: "a b": ${KEY}`],
    [
      { 'data.a': Buffer.alloc(1024 * 1024 + 1).toString('base64') },
      'data: Too long: may not be more than 1048576 bytes',
    ],
    [secret('dockercfg'), 'data[.dockercfg]: Required value'],
    [
      secret('dockerconfigjson', { '.dockerconfigjson': base64('') }),
      'data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": unexpected end of JSON input',
    ],
    [
      secret('dockerconfigjson', { '.dockerconfigjson': base64('[]') }),
      'data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": json: cannot unmarshal array into Go value of type map[string]interface {}',
    ],
    [secret('basic-auth'), 'data[username]: Required value', 'data[password]: Required value'],
    [secret('ssh-auth', { 'ssh-privatekey': '' }), 'data[ssh-privatekey]: Required value'],
    [secret('tls', { 'tls.crt': '' }), 'data[tls.key]: Required value'],
    [secret('service-account-token'), 'metadata.annotations[kubernetes.io/service-account.name]: Required value'],
  ],
  defaults: { type: 'Opaque' },
  updates: [
    [{ 'data.a': '' }],
    [{ type: 'example.com/own' }, 'type: Invalid value: "example.com/own": field is immutable'],
  ],
  warnings: [
    [{}],
    [
      secret('tls', { 'tls.crt': base64('x'), 'tls.key': base64('x') }),
      'tls: failed to find any PEM data in certificate input',
    ],
  ],
  cells: [[{}, 'Opaque', 1, '10m']],
});

testKind({
  group: '',
  resource: 'secrets',
  good: { data: { a: base64('1') }, immutable: true },
  updates: [
    [{ 'data.a': '' }, `data: Forbidden: ${SET}`],
    [{ immutable: undefined }, `immutable: Forbidden: ${SET}`],
  ],
});

testKind({
  group: '',
  resource: 'serviceaccounts',
  good: {},
  alsoGood: [{ secrets: [{ name: 'a' }], imagePullSecrets: [{ name: 'b' }], automountServiceAccountToken: false }],
  warnings: [
    [{}],
    [
      { 'metadata.annotations.kubernetes~io/enforce-mountable-secrets': 'true' },
      'metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets',
    ],
  ],
  cells: [[{ secrets: [{ name: 'a' }] }, 1, '10m']],
});

import { testKind } from '../testing/table.ts';
import { CIDR, IP, LABEL, SUBDOMAIN } from '../testing/texts.ts';

const BACKEND = { service: { name: 'web', port: { number: 80 } } };
const path = (more: object = {}) => ({ path: '/', pathType: 'Prefix', backend: BACKEND, ...more });
const HTTP = 'spec.rules.0.http.paths.0';
const FIRST = 'spec.rules[0].http.paths[0]';

testKind({
  group: 'networking.k8s.io',
  resource: 'ingresses',
  good: { spec: { rules: [{ host: 'a.example.com', http: { paths: [path()] } }] } },
  alsoGood: [
    { 'spec.rules': undefined, 'spec.defaultBackend': BACKEND },
    { 'spec.rules.0.host': '*.example.com' },
    { 'spec.rules.0.host': undefined },
    { 'spec.rules.0.http': undefined },
    { [`${HTTP}.pathType`]: 'ImplementationSpecific', [`${HTTP}.path`]: undefined },
    { [`${HTTP}.backend`]: { resource: { apiGroup: 'example.com', kind: 'Bucket', name: 'b' } } },
    { [`${HTTP}.backend.service.port`]: { name: 'http' } },
    { [`${HTTP}.backend.service.name`]: '1-begins-with-a-digit' },
    { 'spec.tls': [{ hosts: ['a.example.com', '*.example.com'], secretName: 'tls' }] },
    { 'spec.ingressClassName': 'nginx' },
    {
      'spec.ingressClassName': 'nginx',
      'metadata.annotations.kubernetes~io/ingress~class': 'nginx',
    },
  ],
  bad: [
    [{ 'metadata.name': 'UP' }, `metadata.name: Invalid value: "UP": ${SUBDOMAIN}`],
    [{ 'spec.rules': undefined }, 'spec: Invalid value: null: either `defaultBackend` or `rules` must be specified'],
    [{ 'spec.rules': [] }, 'spec: Invalid value: null: either `defaultBackend` or `rules` must be specified'],
    [
      { 'spec.rules.0.host': '10.0.0.1' },
      'spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
    ],
    [{ 'spec.rules.0.host': 'A' }, `spec.rules[0].host: Invalid value: "A": ${SUBDOMAIN}`],
    [
      { 'spec.rules.0.host': 'a.*.com' },
      "spec.rules[0].host: Invalid value: \"a.*.com\": a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ],
    [{ 'spec.rules.0.http.paths': [] }, 'spec.rules[0].http.paths: Required value'],
    [{ [`${HTTP}.pathType`]: undefined }, `${FIRST}.pathType: Required value: pathType must be specified`],
    [
      { [`${HTTP}.pathType`]: 'Glob' },
      `${FIRST}.pathType: Unsupported value: "Glob": supported values: "Exact", "ImplementationSpecific", "Prefix"`,
    ],
    [{ [`${HTTP}.path`]: 'x' }, `${FIRST}.path: Invalid value: "x": must be an absolute path`],
    [{ [`${HTTP}.path`]: undefined }, `${FIRST}.path: Invalid value: "": must be an absolute path`],
    [{ [`${HTTP}.path`]: '/a//b' }, `${FIRST}.path: Invalid value: "/a//b": must not contain '//'`],
    [{ [`${HTTP}.path`]: '/a/./b' }, `${FIRST}.path: Invalid value: "/a/./b": must not contain '/./'`],
    [{ [`${HTTP}.path`]: '/a/../b' }, `${FIRST}.path: Invalid value: "/a/../b": must not contain '/../'`],
    [{ [`${HTTP}.path`]: '/a%2fb' }, `${FIRST}.path: Invalid value: "/a%2fb": must not contain '%2f'`],
    [{ [`${HTTP}.path`]: '/a%2Fb' }, `${FIRST}.path: Invalid value: "/a%2Fb": must not contain '%2F'`],
    [{ [`${HTTP}.path`]: '/a/..' }, `${FIRST}.path: Invalid value: "/a/..": cannot end with '/..'`],
    [{ [`${HTTP}.path`]: '/a/.' }, `${FIRST}.path: Invalid value: "/a/.": cannot end with '/.'`],
    [
      { [`${HTTP}.pathType`]: 'ImplementationSpecific', [`${HTTP}.path`]: 'x' },
      `${FIRST}.path: Invalid value: "x": must be an absolute path`,
    ],
    [{ [`${HTTP}.backend`]: {} }, `${FIRST}.backend: Invalid value: "": resource or service backend is required`],
    [
      { [`${HTTP}.backend.resource`]: { kind: 'B', name: 'b' } },
      `${FIRST}.backend: Invalid value: "": cannot set both resource and service backends`,
    ],
    [
      { [`${HTTP}.backend`]: { resource: { apiGroup: 'A', kind: '', name: 'a/b' } } },
      `${FIRST}.backend.resource.apiGroup: Invalid value: "A": ${SUBDOMAIN}`,
      `${FIRST}.backend.resource.kind: Required value`,
      `${FIRST}.backend.resource.name: Invalid value: "a/b": may not contain '/'`,
    ],
    [{ [`${HTTP}.backend.service.name`]: '' }, `${FIRST}.backend.service.name: Required value`],
    [{ [`${HTTP}.backend.service.name`]: 'A' }, `${FIRST}.backend.service.name: Invalid value: "A": ${LABEL}`],
    [{ [`${HTTP}.backend.service.port`]: {} }, `${FIRST}.backend: Required value: port name or number is required`],
    [
      { [`${HTTP}.backend.service.port.name`]: 'http' },
      `${FIRST}.backend: Invalid value: "": cannot set both port name & port number`,
    ],
    [
      { [`${HTTP}.backend.service.port.number`]: 70000 },
      `${FIRST}.backend.service.port.number: Invalid value: 70000: must be between 1 and 65535, inclusive`,
    ],
    [
      { [`${HTTP}.backend.service.port`]: { name: 'a--b' } },
      `${FIRST}.backend.service.port.name: Invalid value: "a--b": must not contain consecutive hyphens`,
    ],
    [{ 'spec.tls': [{ hosts: ['A'] }] }, `spec.tls[0].hosts[0]: Invalid value: "A": ${SUBDOMAIN}`],
    [{ 'spec.tls': [{ secretName: 'A' }] }, `spec.tls[0].secretName: Invalid value: "A": ${SUBDOMAIN}`],
    [{ 'spec.ingressClassName': 'A' }, `spec.ingressClassName: Invalid value: "A": ${SUBDOMAIN}`],
    [
      { 'spec.ingressClassName': 'nginx', 'metadata.annotations.kubernetes~io/ingress~class': 'other' },
      'annotations.kubernetes.io/ingress.class: Invalid value: "other": must match `ingressClassName` when both are specified',
    ],
  ],
  defaults: { 'metadata.generation': 1 },
  updates: [
    [{ 'spec.ingressClassName': 'nginx', 'metadata.annotations.kubernetes~io/ingress~class': 'other' }],
    [{ 'spec.rules.0.host': 'b.example.com' }],
    [{ [`${HTTP}.path`]: 'x' }, `${FIRST}.path: Invalid value: "x": must be an absolute path`],
  ],
  statusUpdates: [
    [{ 'status.loadBalancer.ingress': [{ ip: '192.0.2.1' }, { hostname: 'lb.example.com' }] }],
    [{ 'status.loadBalancer.ingress': [{ ip: 'x' }] }, `status.loadBalancer.ingress[0].ip: Invalid value: "x": ${IP}`],
    [
      { 'status.loadBalancer.ingress': [{ hostname: '192.0.2.1' }] },
      'status.loadBalancer.ingress[0].hostname: Invalid value: "192.0.2.1": must be a DNS name, not an IP address',
    ],
  ],
  warnings: [
    [
      { 'metadata.annotations.kubernetes~io/ingress~class': 'nginx' },
      'annotation "kubernetes.io/ingress.class" is deprecated, please use \'spec.ingressClassName\' instead',
    ],
  ],
  cells: [
    [{}, '<none>', 'a.example.com', '', '80', '10m'],
    [
      {
        'spec.ingressClassName': 'nginx',
        'spec.rules': ['a', 'b', 'c', 'd', 'e'].map(host => ({ host })),
        'spec.tls': [{}],
        'status.loadBalancer.ingress': [{ ip: '192.0.2.1' }, { hostname: 'h' }],
      },
      'nginx',
      'a,b,c + 2 more...',
      '192.0.2.1,h',
      '80, 443',
      '10m',
    ],
    [{ 'spec.rules': [{}] }, '<none>', '*', '', '80', '10m'],
  ],
});

testKind({
  group: 'networking.k8s.io',
  resource: 'ingressclasses',
  good: { spec: { controller: 'example.com/ingress', parameters: { apiGroup: 'example.com', kind: 'P', name: 'p' } } },
  alsoGood: [
    { 'spec.parameters': undefined },
    { 'spec.controller': 'example.com/a/b' },
    { 'spec.parameters.scope': 'Namespace', 'spec.parameters.namespace': 'ns' },
  ],
  bad: [
    [{ 'spec.controller': undefined }, 'spec.controller: Required value'],
    [
      { 'spec.controller': 'example.com' },
      'spec.controller: Invalid value: "example.com": must be a domain-prefixed path (such as "acme.io/foo")',
    ],
    [{ 'spec.controller': 'A/b' }, `spec.controller: Invalid value: "A": ${SUBDOMAIN}`],
    [
      { 'spec.controller': `example.com/${'a'.repeat(250)}` },
      'spec.controller: Too long: may not be more than 250 bytes',
    ],
    [
      { 'spec.controller': 'example.com/a?' },
      "spec.controller: Invalid value: \"a?\": Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')",
    ],
    [{ 'spec.parameters.kind': '' }, 'spec.parameters.kind: Required value'],
    [{ 'spec.parameters.name': '' }, 'spec.parameters.name: Required value'],
    [
      { 'spec.parameters.scope': 'X' },
      'spec.parameters.scope: Unsupported value: "X": supported values: "Cluster", "Namespace"',
    ],
    [
      { 'spec.parameters.scope': 'Namespace' },
      "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'",
    ],
    [
      { 'spec.parameters.namespace': 'ns' },
      "spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'",
    ],
    [
      { 'spec.parameters.scope': 'Namespace', 'spec.parameters.namespace': 'A' },
      `spec.parameters.namespace: Invalid value: "A": ${LABEL}`,
    ],
  ],
  defaults: { 'spec.parameters.scope': 'Cluster', 'metadata.generation': 1 },
  updates: [
    [{ 'spec.parameters': undefined }],
    [
      { 'spec.controller': 'example.com/other' },
      'spec.controller: Invalid value: "example.com/other": field is immutable',
    ],
  ],
  cells: [
    [{}, 'example.com/ingress', 'P.example.com/p', '10m'],
    [{ 'spec.parameters': undefined }, 'example.com/ingress', '<none>', '10m'],
  ],
});

const FROM = 'spec.ingress[0].from[0]';
const PORT = 'spec.ingress.0.ports.0';

testKind({
  group: 'networking.k8s.io',
  resource: 'networkpolicies',
  good: { spec: { podSelector: { matchLabels: { app: 'x' } }, ingress: [{ from: [{ podSelector: {} }] }] } },
  alsoGood: [
    { 'spec.ingress': [] },
    { 'spec.ingress.0.from.0': { ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } } },
    { 'spec.ingress.0.from.0': { ipBlock: { cidr: '2001:db8::/32' } } },
    { 'spec.ingress.0.from.0.namespaceSelector': {} },
    { [PORT]: { port: 80, endPort: 90 } },
    { [PORT]: { port: 'http', protocol: 'SCTP' } },
    { [PORT]: {} },
    { 'spec.policyTypes': ['Egress'] },
    { 'spec.egress': [{ to: [{ podSelector: {} }], ports: [{ port: 53, protocol: 'UDP' }] }] },
  ],
  bad: [
    [
      { 'spec.podSelector.matchLabels': { 'a b': 'c' } },
      "spec.podSelector.matchLabels: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    ],
    [{ 'spec.ingress.0.from.0': {} }, `${FROM}: Required value: must specify a peer`],
    [{ 'spec.ingress.0.from.0': { ipBlock: { cidr: '' } } }, `${FROM}.ipBlock.cidr: Required value`],
    [
      { 'spec.ingress.0.from.0': { ipBlock: { cidr: '10.0.0.0' } } },
      `${FROM}.ipBlock.cidr: Invalid value: "10.0.0.0": ${CIDR}`,
    ],
    [
      { 'spec.ingress.0.from.0': { ipBlock: { cidr: '10.0.0.1/8' } } },
      `${FROM}.ipBlock.cidr: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length`,
    ],
    [
      { 'spec.ingress.0.from.0': { ipBlock: { cidr: '10.0.0.0/8', except: ['11.0.0.0/16'] } } },
      `${FROM}.ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of \`cidr\``,
    ],
    [
      { 'spec.ingress.0.from.0': { ipBlock: { cidr: '10.0.0.0/8', except: ['10.0.0.0/8'] } } },
      `${FROM}.ipBlock.except[0]: Invalid value: "10.0.0.0/8": must be a strict subset of \`cidr\``,
    ],
    [
      { 'spec.ingress.0.from.0': { podSelector: {}, ipBlock: { cidr: '10.0.0.0/8' } } },
      `${FROM}: Forbidden: may not specify both ipBlock and another peer`,
    ],
    [
      { [PORT]: { protocol: 'ICMP' } },
      'spec.ingress[0].ports[0].protocol: Unsupported value: "ICMP": supported values: "TCP", "UDP", "SCTP"',
    ],
    [
      { [PORT]: { port: 0 } },
      'spec.ingress[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
    ],
    [
      { [PORT]: { port: 90, endPort: 80 } },
      'spec.ingress[0].ports[0].endPort: Invalid value: 80: must be greater than or equal to `port`',
    ],
    [
      { [PORT]: { port: 90, endPort: 70000 } },
      'spec.ingress[0].ports[0].endPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
    ],
    [
      { [PORT]: { port: 'http', endPort: 80 } },
      'spec.ingress[0].ports[0].endPort: Invalid value: 80: may not be specified when `port` is non-numeric',
    ],
    [
      { [PORT]: { endPort: 80 } },
      'spec.ingress[0].ports[0].endPort: Invalid value: 80: may not be specified when `port` is not specified',
    ],
    [
      { 'spec.policyTypes': ['Ingress', 'Both'] },
      'spec.policyTypes[1]: Unsupported value: "Both": supported values: "Ingress", "Egress"',
    ],
    [
      { 'spec.policyTypes': ['Ingress', 'Egress', 'Ingress'] },
      'spec.policyTypes: Invalid value: ["Ingress","Egress","Ingress"]: may not specify more than two policyTypes',
    ],
    [{ 'spec.egress': [{ to: [{}] }] }, 'spec.egress[0].to[0]: Required value: must specify a peer'],
  ],
  defaults: { 'spec.policyTypes': ['Ingress'], 'metadata.generation': 1 },
  updates: [
    [{ 'spec.podSelector': {} }],
    [{ 'spec.ingress.0.from.0': {} }, `${FROM}: Required value: must specify a peer`],
  ],
  warnings: [
    [
      { 'spec.ingress.0.from.0': { ipBlock: { cidr: '2001:DB8::/32' } } },
      'spec.ingress[0].from[0].ipBlock.cidr: IPv6 CIDR value "2001:DB8::/32" should be in RFC 5952 canonical format ("2001:db8::/32")',
    ],
  ],
  cells: [
    [{}, 'app=x', '10m'],
    [{ 'spec.podSelector': {} }, '<none>', '10m'],
  ],
});

const PARENT = { group: '', resource: 'services', namespace: 'default', name: 'web' };

testKind({
  group: 'networking.k8s.io',
  resource: 'ipaddresses',
  name: '10.43.0.7',
  good: { spec: { parentRef: PARENT } },
  alsoGood: [{ 'metadata.name': '2001:db8::1' }, { 'spec.parentRef.group': 'example.com' }],
  bad: [
    [{ 'metadata.name': 'x' }, `metadata.name: Invalid value: "x": ${IP}`],
    [{ 'metadata.name': '10.43.0.07' }, 'metadata.name: Invalid value: "10.43.0.07": must not have leading 0s'],
    [
      { 'metadata.name': '2001:DB8::1' },
      'metadata.name: Invalid value: "2001:DB8::1": must be in canonical form ("2001:db8::1")',
    ],
    [{ spec: {} }, 'spec.parentRef: Required value'],
    [{ 'spec.parentRef.resource': '' }, 'spec.parentRef.resource: Required value'],
    [{ 'spec.parentRef.name': '' }, 'spec.parentRef.name: Required value'],
    [{ 'spec.parentRef.name': 'a/b' }, 'spec.parentRef.name: Invalid value: "a/b": may not contain \'/\''],
    [{ 'spec.parentRef.namespace': '..' }, 'spec.parentRef.namespace: Invalid value: "..": may not be \'..\''],
    [{ 'spec.parentRef.group': 'A' }, `spec.parentRef.group: Invalid value: "A": ${SUBDOMAIN}`],
  ],
  defaults: { 'metadata.generation': undefined },
  updates: [
    [{ 'metadata.labels': { a: 'b' } }],
    [
      { 'spec.parentRef.name': 'other' },
      'spec.parentRef: Invalid value: {"resource":"services","namespace":"default","name":"other"}: field is immutable',
    ],
  ],
  cells: [[{}, 'services/default/web', '10m']],
});

testKind({
  group: 'networking.k8s.io',
  resource: 'servicecidrs',
  good: { spec: { cidrs: ['10.96.0.0/16'] } },
  alsoGood: [{ 'spec.cidrs': ['10.96.0.0/16', '2001:db8::/64'] }],
  bad: [
    [{ 'spec.cidrs': [] }, 'spec.cidrs: Required value: at least one CIDR required'],
    [
      { 'spec.cidrs': ['10.0.0.0/8', '11.0.0.0/8', '2001:db8::/64'] },
      'spec.cidrs: Invalid value: {"cidrs":["10.0.0.0/8","11.0.0.0/8","2001:db8::/64"]}: may only hold up to 2 values',
    ],
    [{ 'spec.cidrs': ['x'] }, `spec.cidrs[0]: Invalid value: "x": ${CIDR}`],
    [
      { 'spec.cidrs': ['10.0.0.0/8', '11.0.0.0/8'] },
      'spec.cidrs: Invalid value: ["10.0.0.0/8","11.0.0.0/8"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
    ],
    [
      { 'spec.cidrs': ['2001:DB8::/64'] },
      'spec.cidrs[0]: Invalid value: "2001:DB8::/64": must be in canonical form ("2001:db8::/64")',
    ],
  ],
  updates: [
    [{ 'spec.cidrs': ['10.96.0.0/16', '2001:db8::/64'] }],
    [{ 'spec.cidrs': ['10.97.0.0/16'] }, 'spec.cidrs[0]: Invalid value: "10.97.0.0/16": field is immutable'],
    [
      { 'spec.cidrs': ['10.97.0.0/16', '2001:db8::/64'] },
      'spec.cidrs[0]: Invalid value: "10.97.0.0/16": field is immutable',
    ],
    [{ 'spec.cidrs': [] }, 'spec.cidrs: Invalid value: []: field is immutable'],
  ],
  cells: [[{}, '10.96.0.0/16', '10m']],
});

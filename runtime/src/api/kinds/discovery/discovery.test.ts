import { testKind } from '../testing/table.ts';
import { IP, LABEL, LABEL_VALUE, SUBDOMAIN } from '../testing/texts.ts';

const FIRST = 'endpoints[0].addresses[0]';

testKind({
  group: 'discovery.k8s.io',
  resource: 'endpointslices',
  good: {
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.42.0.5'], conditions: { ready: true }, nodeName: 'n1' }],
    ports: [{ name: 'http', port: 80 }],
  },
  alsoGood: [
    { endpoints: [], ports: [] },
    { addressType: 'IPv6', 'endpoints.0.addresses': ['2001:db8::1'] },
    { addressType: 'FQDN', 'endpoints.0.addresses': ['web.example.com', 'web.example.com.'] },
    { ports: [{}, { name: 'b' }] },
    { 'ports.0.appProtocol': 'example.com/grpc' },
    { 'endpoints.0.hints': { forZones: [{ name: 'a' }], forNodes: [{ name: 'n1' }] } },
  ],
  bad: [
    [{ addressType: undefined }, 'addressType: Required value'],
    [{ addressType: 'IP' }, 'addressType: Unsupported value: "IP": supported values: "FQDN", "IPv4", "IPv6"'],
    [{ 'endpoints.0.addresses': [] }, 'endpoints[0].addresses: Required value: must contain at least 1 address'],
    [
      { 'endpoints.0.addresses': Array.from({ length: 101 }, () => '10.42.0.5') },
      'endpoints[0].addresses: Too many: 101: must have at most 100 items',
    ],
    [{ 'endpoints.0.addresses': ['x'] }, `${FIRST}: Invalid value: "x": ${IP}`],
    [{ 'endpoints.0.addresses': ['2001:db8::1'] }, `${FIRST}: Invalid value: "2001:db8::1": must be an IPv4 address`],
    [{ addressType: 'IPv6' }, `${FIRST}: Invalid value: "10.42.0.5": must be an IPv6 address`],
    [
      { 'endpoints.0.addresses': ['127.0.0.1'] },
      `${FIRST}: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)`,
    ],
    [
      { 'endpoints.0.addresses': ['169.254.0.1'] },
      `${FIRST}: Invalid value: "169.254.0.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)`,
    ],
    [
      { 'endpoints.0.addresses': ['224.0.0.1'] },
      `${FIRST}: Invalid value: "224.0.0.1": may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)`,
    ],
    [{ 'endpoints.0.addresses': ['0.0.0.0'] }, `${FIRST}: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)`],
    [
      { addressType: 'FQDN', 'endpoints.0.addresses': ['web'] },
      `${FIRST}: Invalid value: "web": should be a domain with at least two segments separated by dots`,
    ],
    [
      { addressType: 'FQDN', 'endpoints.0.addresses': ['A.example.com'] },
      `${FIRST}: Invalid value: "A.example.com": ${SUBDOMAIN}`,
    ],
    [{ 'endpoints.0.nodeName': 'N' }, `endpoints[0].nodeName: Invalid value: "N": ${SUBDOMAIN}`],
    [{ 'endpoints.0.hostname': 'a.b' }, 'endpoints[0].hostname: Invalid value: "a.b": must not contain dots'],
    [
      { 'endpoints.0.hints': { forZones: [{ name: 'a' }, { name: 'a' }] } },
      'endpoints[0].hints.forZones[1].name: Duplicate value: "a"',
    ],
    [
      { 'endpoints.0.hints': { forZones: [{ name: '-' }] } },
      `endpoints[0].hints.forZones[0].name: Invalid value: "-": ${LABEL_VALUE}`,
    ],
    [
      { 'endpoints.0.hints': { forZones: Array.from({ length: 9 }, (_, i) => ({ name: `z${i}` })) } },
      'endpoints[0].hints.forZones: Too many: 9: must have at most 8 items',
    ],
    [
      { endpoints: Array.from({ length: 1001 }, () => ({ addresses: ['10.42.0.5'] })) },
      'endpoints: Too many: 1001: must have at most 1000 items',
    ],
    [{ 'ports.0.name': 'A' }, `ports[0].name: Invalid value: "A": ${LABEL}`],
    [{ ports: [{ name: 'a' }, { name: 'a' }] }, 'ports[1].name: Duplicate value: "a"'],
    [
      { 'ports.0.protocol': 'ICMP' },
      'ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"',
    ],
  ],
  defaults: { 'ports.0.protocol': 'TCP', 'metadata.generation': 1 },
  updates: [
    [{ 'endpoints.0.addresses': ['10.42.0.6'] }],
    [
      { addressType: 'FQDN', 'endpoints.0.addresses': ['web.example.com'] },
      'addressType: Invalid value: "FQDN": field is immutable',
    ],
  ],
  warnings: [
    [
      { addressType: 'FQDN', 'endpoints.0.addresses': ['web.example.com'] },
      'addressType: FQDN endpoints are deprecated',
    ],
    [
      { addressType: 'IPv6', 'endpoints.0.addresses': ['2001:DB8::1'] },
      'endpoints[0].addresses[0]: IPv6 address "2001:DB8::1" should be in RFC 5952 canonical format ("2001:db8::1")',
    ],
  ],
  cells: [
    [{}, 'IPv4', '80', '10.42.0.5', '10m'],
    [{ endpoints: [], ports: [] }, 'IPv4', '<unset>', '<unset>', '10m'],
    [
      { ports: [{ name: 'a' }, { name: 'b', port: 2 }, { name: 'c', port: 3 }, { name: 'd', port: 4 }] },
      'IPv4',
      'a,2,3 + 1 more...',
      '10.42.0.5',
      '10m',
    ],
  ],
});

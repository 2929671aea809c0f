import { testKind } from '../testing/table.ts';
import { DNS1035, IP, LABEL, LABEL_VALUE, QUALIFIED, SUBDOMAIN } from '../testing/texts.ts';

const PORT = { port: 80 };
const RANGE = 'must be between 1 and 65535, inclusive';
const BALANCER = "may only be used when `type` is 'LoadBalancer'";
const balancer = (more: object = {}) => ({ 'spec.type': 'LoadBalancer', ...more });
const nodePort = (more: object = {}) => ({ 'spec.type': 'NodePort', ...more });
const external = (more: object = {}) => ({
  'spec.type': 'ExternalName',
  'spec.externalName': 'example.com',
  'spec.ports': undefined,
  ...more,
});

testKind({
  group: '',
  resource: 'services',
  good: { spec: { selector: { app: 'a' }, ports: [PORT] } },
  alsoGood: [
    { 'spec.selector': undefined },
    {
      'spec.ports': [
        { name: 'a', port: 80, targetPort: 'http' },
        { name: 'b', port: 80, protocol: 'UDP', appProtocol: 'example.com/x' },
      ],
    },
    { 'spec.clusterIP': 'None' },
    { 'spec.clusterIP': 'None', 'spec.ports': undefined },
    { 'spec.clusterIP': '10.43.0.9' },
    { 'spec.clusterIPs': ['10.43.0.9', 'fd00::9'], 'spec.clusterIP': '10.43.0.9' },
    { 'spec.ipFamilies': ['IPv4'], 'spec.ipFamilyPolicy': 'PreferDualStack' },
    nodePort({ 'spec.ports': [{ port: 80, nodePort: 30080 }] }),
    nodePort({ 'spec.externalTrafficPolicy': 'Local' }),
    balancer(),
    balancer({ 'spec.loadBalancerClass': 'example.com/x', 'spec.allocateLoadBalancerNodePorts': false }),
    balancer({ 'spec.loadBalancerSourceRanges': ['10.0.0.0/8'] }),
    balancer({ 'spec.externalTrafficPolicy': 'Local', 'spec.healthCheckNodePort': 31000 }),
    external(),
    external({ 'spec.externalName': 'example.com.' }),
    external({ 'spec.ports': [PORT] }),
    { 'spec.sessionAffinity': 'ClientIP' },
    { 'spec.sessionAffinity': 'ClientIP', 'spec.sessionAffinityConfig': { clientIP: { timeoutSeconds: 86400 } } },
    { 'spec.externalIPs': ['192.0.2.9'] },
    { 'spec.externalIPs': ['192.0.2.9'], 'spec.externalTrafficPolicy': 'Local' },
    { 'spec.internalTrafficPolicy': 'Local' },
    { 'spec.trafficDistribution': 'PreferClose' },
    { 'spec.trafficDistribution': 'PreferSameNode' },
    { 'spec.publishNotReadyAddresses': true },
  ],
  bad: [
    [{ 'metadata.name': '1a' }, `metadata.name: Invalid value: "1a": ${DNS1035}`],
    [{ 'spec.ports': [] }, 'spec.ports: Required value'],
    [
      { 'spec.ports': [{}] },
      `spec.ports[0].port: Invalid value: 0: ${RANGE}`,
      `spec.ports[0].targetPort: Invalid value: 0: ${RANGE}`,
    ],
    [
      { 'spec.ports': [{ port: 70000 }] },
      `spec.ports[0].port: Invalid value: 70000: ${RANGE}`,
      `spec.ports[0].targetPort: Invalid value: 70000: ${RANGE}`,
    ],
    [
      { 'spec.ports': [PORT, { port: 81 }] },
      'spec.ports[0].name: Required value',
      'spec.ports[1].name: Required value',
    ],
    [{ 'spec.ports': [{ port: 80, name: 'A' }] }, `spec.ports[0].name: Invalid value: "A": ${LABEL}`],
    [
      {
        'spec.ports': [
          { name: 'a', port: 80 },
          { name: 'a', port: 81 },
        ],
      },
      'spec.ports[1].name: Duplicate value: "a"',
    ],
    [
      {
        'spec.ports': [
          { name: 'a', port: 80 },
          { name: 'b', port: 80 },
        ],
      },
      'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}',
    ],
    [
      { 'spec.ports': [{ port: 80, protocol: 'HTTP' }] },
      'spec.ports[0].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"',
    ],
    [
      { 'spec.ports': [{ port: 80, appProtocol: 'a b' }] },
      `spec.ports[0].appProtocol: Invalid value: "a b": ${QUALIFIED}`,
    ],
    [
      { 'spec.ports': [{ port: 80, nodePort: 30080 }] },
      "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
    ],
    [
      nodePort({
        'spec.ports': [
          { name: 'a', port: 80, nodePort: 30080 },
          { name: 'b', port: 81, nodePort: 30080 },
        ],
      }),
      'spec.ports[1].nodePort: Duplicate value: 30080',
    ],
    [
      { 'spec.type': 'Other' },
      'spec.type: Unsupported value: "Other": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    ],
    [{ 'spec.selector': { a: 'b c' } }, `spec.selector: Invalid value: "b c": ${LABEL_VALUE}`],
    [
      { 'spec.sessionAffinity': 'Cookie' },
      'spec.sessionAffinity: Unsupported value: "Cookie": supported values: "ClientIP", "None"',
    ],
    [
      { 'spec.sessionAffinity': 'ClientIP', 'spec.sessionAffinityConfig': { clientIP: { timeoutSeconds: 0 } } },
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be greater than 0 and less than 86400',
    ],
    [
      nodePort({ 'spec.clusterIP': 'None' }),
      'spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for NodePort services',
    ],
    [{ 'spec.clusterIP': 'x' }, `spec.clusterIPs[0]: Invalid value: "x": ${IP}`],
    [
      { 'spec.clusterIP': '10.43.0.9', 'spec.clusterIPs': ['10.43.0.8'] },
      'spec.clusterIPs: Invalid value: ["10.43.0.8"]: first value must match `clusterIP`',
    ],
    [
      { 'spec.clusterIPs': ['10.43.0.8'] },
      'spec.clusterIPs: Invalid value: ["10.43.0.8"]: must be empty when `clusterIP` is not specified',
    ],
    [
      { 'spec.clusterIP': '10.43.0.9', 'spec.clusterIPs': ['10.43.0.9', '10.43.0.8'] },
      'spec.clusterIPs: Invalid value: ["10.43.0.9","10.43.0.8"]: may specify no more than one IP for each IP family',
    ],
    [
      { 'spec.ipFamilies': ['IPv5'] },
      'spec.ipFamilies[0]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"',
    ],
    [
      { 'spec.ipFamilyPolicy': 'Some' },
      'spec.ipFamilyPolicy: Unsupported value: "Some": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"',
    ],
    [{ 'spec.externalIPs': ['x'] }, `spec.externalIPs[0]: Invalid value: "x": ${IP}`],
    [
      { 'spec.externalIPs': ['127.0.0.1'] },
      'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
    ],
    [
      { 'spec.externalTrafficPolicy': 'Local' },
      'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
    ],
    [
      nodePort({ 'spec.externalTrafficPolicy': 'Near' }),
      'spec.externalTrafficPolicy: Unsupported value: "Near": supported values: "Cluster", "Local"',
    ],
    [
      { 'spec.healthCheckNodePort': 31000 },
      "spec.healthCheckNodePort: Invalid value: 31000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    ],
    [
      { 'spec.internalTrafficPolicy': 'Near' },
      'spec.internalTrafficPolicy: Unsupported value: "Near": supported values: "Cluster", "Local"',
    ],
    [
      { 'spec.trafficDistribution': 'PreferFar' },
      'spec.trafficDistribution: Unsupported value: "PreferFar": supported values: "PreferClose", "PreferSameZone", "PreferSameNode"',
    ],
    [{ 'spec.loadBalancerSourceRanges': ['10.0.0.0/8'] }, `spec.LoadBalancerSourceRanges: Forbidden: ${BALANCER}`],
    [
      balancer({ 'spec.loadBalancerSourceRanges': ['10.0.0.0'] }),
      'spec.LoadBalancerSourceRanges[0]: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ],
    [{ 'spec.loadBalancerClass': 'a' }, `spec.loadBalancerClass: Forbidden: ${BALANCER}`],
    [{ 'spec.allocateLoadBalancerNodePorts': false }, `spec.allocateLoadBalancerNodePorts: Forbidden: ${BALANCER}`],
    [external({ 'spec.externalName': '' }), 'spec.externalName: Required value'],
    [external({ 'spec.externalName': 'A_B' }), `spec.externalName: Invalid value: "A_B": ${SUBDOMAIN}`],
    [
      external({ 'spec.clusterIP': '10.43.0.9' }),
      'spec.clusterIPs: Forbidden: may not be set for ExternalName services',
    ],
    [
      external({ 'spec.ipFamilyPolicy': 'SingleStack' }),
      'spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services',
    ],
    [
      {
        'metadata.annotations': {
          'service.kubernetes.io/topology-mode': 'Auto',
          'service.kubernetes.io/topology-aware-hints': 'Disabled',
        },
      },
      'metadata.annotations[service.kubernetes.io/topology-mode]: Invalid value: "Auto": must match annotations[service.kubernetes.io/topology-aware-hints] when both are specified',
    ],
  ],
  defaults: {
    'spec.type': 'ClusterIP',
    'spec.sessionAffinity': 'None',
    'spec.internalTrafficPolicy': 'Cluster',
    'spec.externalTrafficPolicy': undefined,
    'spec.ports.0.protocol': 'TCP',
    'spec.ports.0.targetPort': 80,
    status: { loadBalancer: {} },
  },
  updates: [
    [{ 'spec.selector': { app: 'b' } }],
    [{ 'spec.ports': [{ port: 81 }] }],
    [nodePort()],
    [{ 'spec.sessionAffinity': 'ClientIP' }],
    [{ 'spec.ports': [] }, 'spec.ports: Required value'],
    [
      { 'spec.trafficDistribution': 'x' },
      'spec.trafficDistribution: Unsupported value: "x": supported values: "PreferClose", "PreferSameZone", "PreferSameNode"',
    ],
  ],
  statusUpdates: [
    [
      { 'status.loadBalancer.ingress': [{ ip: '192.0.2.1', ipMode: 'VIP' }] },
      "status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'",
    ],
  ],
  warnings: [
    [{}],
    [external({ 'spec.externalIPs': ['192.0.2.1'] }), 'spec.externalIPs is ignored when spec.type is "ExternalName"'],
    [{ 'spec.externalName': 'a' }, 'spec.externalName is ignored when spec.type is not "ExternalName"'],
    [
      { 'spec.clusterIP': 'None', 'spec.sessionAffinity': 'ClientIP' },
      'spec.SessionAffinity is ignored for headless services',
    ],
    [
      { 'spec.externalIPs': ['010.0.0.1'] },
      'spec.externalIPs[0]: non-standard IP address "010.0.0.1" is invalid: use "10.0.0.1"',
    ],
    [
      { 'metadata.annotations': { 'service.kubernetes.io/topology-aware-hints': 'Auto' } },
      'annotation service.kubernetes.io/topology-aware-hints is deprecated, please use service.kubernetes.io/topology-mode instead',
    ],
  ],
  cells: [
    [{ 'spec.clusterIPs': ['10.43.0.9'] }, 'ClusterIP', '10.43.0.9', '<none>', '80/TCP', '10m', 'app=a'],
    [
      nodePort({ 'spec.ports.0.nodePort': 30080, 'spec.externalIPs': ['192.0.2.1', '192.0.2.2'] }),
      'NodePort',
      '<none>',
      '192.0.2.1,192.0.2.2',
      '80:30080/TCP',
      '10m',
      'app=a',
    ],
    [balancer(), 'LoadBalancer', '<none>', '<pending>', '80/TCP', '10m', 'app=a'],
    [
      balancer({ 'status.loadBalancer.ingress': [{ ip: '192.0.2.1' }, { hostname: 'lb.example.com' }] }),
      'LoadBalancer',
      '<none>',
      '192.0.2.1,lb.example.com',
      '80/TCP',
      '10m',
      'app=a',
    ],
    [external({ 'spec.selector': undefined }), 'ExternalName', '<none>', 'example.com', '<none>', '10m', '<none>'],
  ],
});

testKind({
  group: '',
  resource: 'services',
  good: {
    spec: {
      type: 'LoadBalancer',
      clusterIP: '10.43.0.9',
      clusterIPs: ['10.43.0.9'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: 31000,
      loadBalancerClass: 'example.com/x',
      ports: [{ port: 80, nodePort: 30080 }],
    },
  },
  updates: [
    [{ 'spec.ports': [{ port: 80 }] }],
    [{ 'spec.clusterIP': undefined, 'spec.clusterIPs': undefined }],
    [{ 'spec.healthCheckNodePort': undefined }],
    [{ 'spec.type': 'ClusterIP', 'spec.externalTrafficPolicy': undefined }],
    [{ 'spec.type': 'NodePort' }],
    [{ 'spec.clusterIP': '10.43.0.8' }, 'spec.clusterIPs[0]: Invalid value: ["10.43.0.8"]: may not change once set'],
    [
      { 'spec.ipFamilies': ['IPv6'] },
      'spec.ipFamilies[0]: Invalid value: ["IPv6"]: may not change once set',
      'spec.clusterIPs[0]: Invalid value: "10.43.0.9": expected an IPv6 value as indicated by `ipFamilies[0]`',
    ],
    [
      { 'spec.loadBalancerClass': 'example.com/y' },
      'spec.loadBalancerClass: Invalid value: "example.com/y": may not change once set',
    ],
    [{ 'spec.healthCheckNodePort': 31001 }, 'spec.healthCheckNodePort: Forbidden: field is immutable'],
    [
      {
        'spec.ipFamilyPolicy': 'PreferDualStack',
        'spec.ipFamilies': ['IPv4', 'IPv6'],
        'spec.clusterIPs': ['10.43.0.9', 'fd00::9'],
      },
    ],
  ],
  statusUpdates: [
    [{ 'status.loadBalancer.ingress': [{ ip: '192.0.2.1', ipMode: 'VIP' }] }],
    [
      { 'status.loadBalancer.ingress': [{ ip: '192.0.2.1' }] },
      'status.loadBalancer.ingress[0].ipMode: Required value: must be specified when `ip` is set',
    ],
    [
      { 'status.loadBalancer.ingress': [{ hostname: '10.0.0.1' }] },
      'status.loadBalancer.ingress[0].hostname: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
    ],
    [
      { 'status.loadBalancer.ingress': [{ ip: '192.0.2.1', ipMode: 'X' }] },
      'status.loadBalancer.ingress[0].ipMode: Unsupported value: "X": supported values: "Proxy", "VIP"',
    ],
  ],
});

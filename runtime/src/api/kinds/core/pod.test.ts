import { testKind } from '../testing/table.ts';
import { LABEL, LABEL_VALUE, QUALIFIED, SUBDOMAIN } from '../testing/texts.ts';

const C = 'spec.containers.0';
const FIRST = 'spec.containers[0]';
const PORT_RANGE = 'must be between 1 and 65535, inclusive';
const NOT_NEGATIVE = 'must be greater than or equal to 0';
const IP = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';

const container = (name: string, more: object = {}) => ({ name, image: 'example.test/a:1', ...more });
const volume = (source: object) => ({ 'spec.volumes': [{ name: 'v', ...source }] });
const mounted = (mount: object) => ({
  'spec.volumes': [{ name: 'v', emptyDir: {} }],
  [`${C}.volumeMounts`]: [{ name: 'v', mountPath: '/v', ...mount }],
});
const probed = (probe: object) => ({ [`${C}.livenessProbe`]: probe });
const tolerating = (toleration: object) => ({ 'spec.tolerations': [toleration] });
const env = (...variables: object[]) => ({ [`${C}.env`]: variables });
const init = (...containers: object[]) => ({ 'spec.initContainers': containers });
const sidecar = container('side', { restartPolicy: 'Always' });
const limited = (resources: object) => ({ [`${C}.resources`]: resources });
const spread = (more: object = {}) => ({
  'spec.topologySpreadConstraints': [
    { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: {}, ...more },
  ],
});
const required = (...terms: object[]) => ({
  'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution': { nodeSelectorTerms: terms },
});
const NODE_TERMS = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms';

testKind({
  group: '',
  resource: 'pods',
  good: { spec: { containers: [container('a')] } },
  alsoGood: [
    { 'spec.containers': [container('a'), container('b')] },
    { [`${C}.image`]: 'registry.example:5000/a/b@sha256:0000' },
    { [`${C}.ports`]: [{ containerPort: 80 }, { name: 'http', containerPort: 81, hostPort: 81, protocol: 'UDP' }] },
    env(
      { name: 'A.b-c', value: '' },
      { name: '1', value: 'x' },
      { name: 'N', valueFrom: { fieldRef: { fieldPath: "metadata.labels['a']" } } },
    ),
    env({ name: 'C', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } } }),
    { [`${C}.envFrom`]: [{ configMapRef: { name: 'c' } }, { prefix: 'P_', secretRef: { name: 's', optional: true } }] },
    probed({ httpGet: { path: '/', port: 80 } }),
    probed({ tcpSocket: { port: 'http' } }),
    probed({ grpc: { port: 80 } }),
    probed({ exec: { command: ['true'] }, terminationGracePeriodSeconds: 1 }),
    volume({ emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }),
    volume({ hostPath: { path: '/x', type: 'Directory' } }),
    volume({ configMap: { name: 'c', defaultMode: 0o400, items: [{ key: 'a', path: 'b/c' }] } }),
    volume({ persistentVolumeClaim: { claimName: 'c' } }),
    volume({ nfs: { server: 's', path: '/' } }),
    volume({ csi: { driver: 'csi.example.com' } }),
    volume({ image: { reference: 'example.test/i:1' } }),
    volume({
      ephemeral: {
        volumeClaimTemplate: { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
      },
    }),
    volume({ projected: { sources: [{ configMap: { name: 'c' } }, { secret: { name: 's' } }] } }),
    mounted({ subPath: 'a/b', readOnly: true }),
    mounted({ mountPropagation: 'HostToContainer' }),
    init(container('i'), sidecar),
    { 'spec.restartPolicy': 'Never' },
    { 'spec.hostNetwork': true, [`${C}.ports`]: [{ containerPort: 80 }] },
    { 'spec.dnsPolicy': 'None', 'spec.dnsConfig': { nameservers: ['10.0.0.1'], searches: ['a_b.example.com.', '.'] } },
    { 'spec.activeDeadlineSeconds': 1 },
    {
      'spec.securityContext': { runAsUser: 0, sysctls: [{ name: 'net.ipv4.tcp_syncookies', value: '1' }], fsGroup: 1 },
    },
    { [`${C}.securityContext`]: { capabilities: { add: ['NET_ADMIN'] }, seccompProfile: { type: 'RuntimeDefault' } } },
    tolerating({ operator: 'Exists' }),
    tolerating({ key: 'a', operator: 'Equal', value: 'b', effect: 'NoExecute', tolerationSeconds: 3 }),
    limited({ requests: { cpu: '100m', memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi', 'example.com/gpu': '1' } }),
    limited({ limits: { 'hugepages-2Mi': '2Mi', memory: '1Mi' } }),
    { 'spec.nodeSelector': { a: 'b' }, 'spec.schedulingGates': [{ name: 'example.com/wait' }] },
    spread(),
    required({ matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }] }),
    { 'spec.readinessGates': [{ conditionType: 'example.com/ready' }] },
    { 'spec.hostAliases': [{ ip: '10.0.0.1', hostnames: ['a', 'b.c'] }] },
    { 'spec.hostname': 'h', 'spec.subdomain': 's', 'spec.setHostnameAsFQDN': true },
    { 'spec.os': { name: 'linux' } },
    { 'spec.overhead': { cpu: '1m' } },
    { 'spec.priorityClassName': 'system-node-critical', 'spec.preemptionPolicy': 'Never' },
    { 'spec.imagePullSecrets': [{ name: 'p' }], 'spec.serviceAccountName': 'sa' },
    { 'spec.shareProcessNamespace': true },
    { 'spec.hostUsers': false },
    { 'spec.resources': { requests: { cpu: '1' }, limits: { cpu: '2' } } },
  ],
  bad: [
    [{ 'metadata.name': 'Big' }, `metadata.name: Invalid value: "Big": ${SUBDOMAIN}`],
    [{ 'spec.containers': [] }, 'spec.containers: Required value'],
    [{ [`${C}.name`]: '' }, `${FIRST}.name: Required value`],
    [{ [`${C}.name`]: 'a.b' }, `${FIRST}.name: Invalid value: "a.b": must not contain dots`],
    [{ 'spec.containers': [container('a'), container('a')] }, 'spec.containers[1].name: Duplicate value: "a"'],
    [{ [`${C}.image`]: undefined }, `${FIRST}.image: Required value`],
    [{ [`${C}.image`]: ' a' }, `${FIRST}.image: Invalid value: " a": must not have leading or trailing whitespace`],
    [
      { [`${C}.imagePullPolicy`]: 'Sometimes' },
      `${FIRST}.imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"`,
    ],
    [
      { [`${C}.terminationMessagePolicy`]: 'x' },
      `${FIRST}.terminationMessagePolicy: Unsupported value: "x": supported values: "File", "FallbackToLogsOnError"`,
    ],
    [{ [`${C}.ports`]: [{}] }, `${FIRST}.ports[0].containerPort: Required value`],
    [
      { [`${C}.ports`]: [{ containerPort: 70000 }] },
      `${FIRST}.ports[0].containerPort: Invalid value: 70000: ${PORT_RANGE}`,
    ],
    [
      { [`${C}.ports`]: [{ containerPort: 80, hostPort: -1 }] },
      `${FIRST}.ports[0].hostPort: Invalid value: -1: ${PORT_RANGE}`,
    ],
    [
      { [`${C}.ports`]: [{ containerPort: 80, protocol: 'ICMP' }] },
      `${FIRST}.ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"`,
    ],
    [
      { [`${C}.ports`]: [{ containerPort: 80, name: 'A' }] },
      `${FIRST}.ports[0].name: Invalid value: "A": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)`,
      `${FIRST}.ports[0].name: Invalid value: "A": must contain at least one letter (a-z)`,
    ],
    [
      { [`${C}.ports`]: [{ containerPort: 80, name: '1-2' }] },
      `${FIRST}.ports[0].name: Invalid value: "1-2": must contain at least one letter (a-z)`,
    ],
    [
      { [`${C}.ports`]: [{ containerPort: 80, name: 'seventeen-letters' }] },
      `${FIRST}.ports[0].name: Invalid value: "seventeen-letters": must be no more than 15 characters`,
    ],
    [
      {
        [`${C}.ports`]: [
          { containerPort: 80, name: 'p' },
          { containerPort: 81, name: 'p' },
        ],
      },
      `${FIRST}.ports[1].name: Duplicate value: "p"`,
    ],
    [
      {
        [`${C}.ports`]: [
          { containerPort: 80, hostPort: 80 },
          { containerPort: 81, hostPort: 80 },
        ],
      },
      `${FIRST}.ports[1].hostPort: Duplicate value: "TCP//80"`,
    ],
    [env({ name: '' }), `${FIRST}.env[0].name: Required value`],
    [
      env({ name: 'a=b' }),
      `${FIRST}.env[0].name: Invalid value: "a=b": a valid environment variable name must consist only of printable ASCII characters other than '='`,
    ],
    [
      env({ name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }),
      `${FIRST}.env[0].valueFrom: Invalid value: "": may not be specified when \`value\` is not empty`,
    ],
    [
      env({ name: 'A', valueFrom: {} }),
      `${FIRST}.env[0].valueFrom: Invalid value: "": must specify one of: \`fieldRef\`, \`resourceFieldRef\`, \`configMapKeyRef\`, \`secretKeyRef\` or \`fileKeyRef\``,
    ],
    [
      env({ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.nope' } } }),
      `${FIRST}.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.nope": error converting fieldPath: field label not supported: spec.nope`,
    ],
    [
      env({ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.labels' } } }),
      `${FIRST}.env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "metadata.labels": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"`,
    ],
    [
      env({ name: 'A', valueFrom: { configMapKeyRef: { name: 'c', key: '' } } }),
      `${FIRST}.env[0].valueFrom.configMapKeyRef.key: Required value`,
    ],
    [
      env({ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'a b' } } }),
      `${FIRST}.env[0].valueFrom.secretKeyRef.key: Invalid value: "a b": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`,
    ],
    [
      env({ name: 'A', valueFrom: { resourceFieldRef: { resource: 'limits.gpu' } } }),
      `${FIRST}.env[0].valueFrom.resourceFieldRef.resource: Unsupported value: "limits.gpu": supported values: "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory"`,
    ],
    [
      { [`${C}.envFrom`]: [{}] },
      `${FIRST}.envFrom: Invalid value: "": must specify one of: \`configMapRef\` or \`secretRef\``,
    ],
    [
      { [`${C}.envFrom`]: [{ configMapRef: { name: 'a' }, secretRef: { name: 'b' } }] },
      `${FIRST}.envFrom: Invalid value: "": may not have more than one field specified at a time`,
    ],
    [probed({}), `${FIRST}.livenessProbe: Required value: must specify a handler type`],
    [
      probed({ httpGet: { path: '/', port: 80 }, tcpSocket: { port: 80 } }),
      `${FIRST}.livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type`,
    ],
    [
      probed({ httpGet: { port: 0, scheme: 'FTP' } }),
      `${FIRST}.livenessProbe.httpGet.port: Invalid value: 0: ${PORT_RANGE}`,
      `${FIRST}.livenessProbe.httpGet.scheme: Unsupported value: "FTP": supported values: "HTTP", "HTTPS"`,
    ],
    [probed({ exec: {} }), `${FIRST}.livenessProbe.exec.command: Required value`],
    [
      probed({ tcpSocket: { port: 80 }, periodSeconds: -1, successThreshold: 2 }),
      `${FIRST}.livenessProbe.periodSeconds: Invalid value: -1: ${NOT_NEGATIVE}`,
      `${FIRST}.livenessProbe.successThreshold: Invalid value: 2: must be 1`,
    ],
    [
      { [`${C}.readinessProbe`]: { tcpSocket: { port: 80 }, terminationGracePeriodSeconds: 1 } },
      `${FIRST}.readinessProbe.terminationGracePeriodSeconds: Invalid value: 1: must not be set for readinessProbes`,
    ],
    [
      { [`${C}.lifecycle`]: { preStop: {} } },
      `${FIRST}.lifecycle.preStop: Required value: must specify a handler type`,
    ],
    [
      { [`${C}.lifecycle`]: { preStop: { sleep: { seconds: 100 } } } },
      `${FIRST}.lifecycle.preStop.sleep: Invalid value: 100: must be non-negative and less than terminationGracePeriodSeconds (30)`,
    ],
    [{ [`${C}.volumeMounts`]: [{ name: 'v', mountPath: '/v' }] }, `${FIRST}.volumeMounts[0].name: Not found: "v"`],
    [mounted({ mountPath: '' }), `${FIRST}.volumeMounts[0].mountPath: Required value`],
    [mounted({ subPath: '../x' }), `${FIRST}.volumeMounts.subPath: Invalid value: "../x": must not contain '..'`],
    [
      mounted({ subPath: 'a', subPathExpr: 'b' }),
      `${FIRST}.volumeMounts[0].subPathExpr: Invalid value: "b": subPathExpr and subPath are mutually exclusive`,
    ],
    [
      mounted({ mountPropagation: 'Both' }),
      `${FIRST}.volumeMounts.mountPropagation: Unsupported value: "Both": supported values: "Bidirectional", "HostToContainer", "None"`,
    ],
    [
      mounted({ mountPropagation: 'Bidirectional' }),
      `${FIRST}.volumeMounts.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers`,
    ],
    [
      {
        ...mounted({}),
        [`${C}.volumeMounts`]: [
          { name: 'v', mountPath: '/v' },
          { name: 'v', mountPath: '/v' },
        ],
      },
      `${FIRST}.volumeMounts[1].mountPath: Invalid value: "/v": must be unique`,
    ],
    [{ 'spec.volumes': [{ name: 'v' }, { name: 'v' }] }, 'spec.volumes[1].name: Duplicate value: "v"'],
    [{ 'spec.volumes': [{ name: 'V', emptyDir: {} }] }, `spec.volumes[0].name: Invalid value: "V": ${LABEL}`],
    [
      volume({ emptyDir: {}, hostPath: { path: '/' } }),
      'spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type',
    ],
    [volume({ hostPath: { path: '' } }), 'spec.volumes[0].hostPath.path: Required value'],
    [
      volume({ hostPath: { path: '/a/../b' } }),
      'spec.volumes[0].hostPath.path: Invalid value: "/a/../b": must not contain \'..\'',
    ],
    [volume({ secret: {} }), 'spec.volumes[0].secret.secretName: Required value'],
    [
      volume({ configMap: { name: 'c', defaultMode: 0o1000 } }),
      'spec.volumes[0].configMap.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive',
    ],
    [
      volume({
        projected: {
          sources: [
            { configMap: { name: 'c', items: [{ key: 'k', path: 'p' }] } },
            { secret: { name: 's', items: [{ key: 'k', path: 'p' }] } },
          ],
        },
      }),
      'spec.volumes[0].projected: Invalid value: "s": conflicting duplicate paths',
    ],
    [
      volume({ projected: { sources: [{ configMap: { name: 'c' }, secret: { name: 's' } }] } }),
      'spec.volumes[0].projected.sources[0]: Forbidden: may not specify more than 1 volume type per source',
    ],
    [
      volume({ projected: { sources: [{ serviceAccountToken: { path: 't', expirationSeconds: 1 } }] } }),
      'spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 1: may not specify a duration less than 10 minutes',
      'spec.volumes[0].projected.sources[0].serviceAccountToken: Forbidden: must not be specified when serviceAccountName is not set',
    ],
    [volume({ persistentVolumeClaim: {} }), 'spec.volumes[0].persistentVolumeClaim.claimName: Required value'],
    [
      volume({ nfs: { server: 's', path: 'x' } }),
      'spec.volumes[0].nfs.path: Invalid value: "x": must be an absolute path',
    ],
    [init(container('a')), 'spec.initContainers[0].name: Duplicate value: "a"'],
    [
      init(container('i', { livenessProbe: { tcpSocket: { port: 80 } } })),
      'spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
    ],
    [
      { [`${C}.restartPolicy`]: 'Sometimes' },
      `${FIRST}.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"`,
    ],
    [
      { 'spec.restartPolicy': 'Maybe' },
      'spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "OnFailure", "Never"',
    ],
    [
      { 'spec.dnsPolicy': 'Other' },
      'spec.dnsPolicy: Unsupported value: "Other": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"',
    ],
    [{ 'spec.dnsPolicy': 'None' }, 'spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None'],
    [{ 'spec.dnsConfig': { nameservers: ['x'] } }, `spec.dnsConfig.nameservers[0]: Invalid value: "x": ${IP}`],
    [{ 'spec.nodeSelector': { 'a b': 'c' } }, `spec.nodeSelector: Invalid value: "a b": ${QUALIFIED}`],
    [{ 'spec.nodeSelector': { a: '-' } }, `spec.nodeSelector: Invalid value: "-": ${LABEL_VALUE}`],
    [{ 'spec.serviceAccountName': 'A' }, `spec.serviceAccountName: Invalid value: "A": ${SUBDOMAIN}`],
    [{ 'spec.hostname': 'a.b' }, `spec.hostname: Invalid value: "a.b": must not contain dots`],
    [
      { 'spec.activeDeadlineSeconds': 0 },
      'spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive',
    ],
    [
      { 'spec.terminationGracePeriodSeconds': -1 },
      `spec.terminationGracePeriodSeconds: Invalid value: -1: ${NOT_NEGATIVE}`,
    ],
    [
      { 'spec.securityContext': { runAsUser: -1 } },
      'spec.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive',
    ],
    [
      { 'spec.securityContext': { sysctls: [{ name: 'a b', value: '' }] } },
      'spec.securityContext.sysctls[0].name: Invalid value: "a b": must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$',
    ],
    [
      { [`${C}.securityContext`]: { privileged: true, allowPrivilegeEscalation: false } },
      `${FIRST}.securityContext: Invalid value: {"privileged":true,"allowPrivilegeEscalation":false}: cannot set \`allowPrivilegeEscalation\` to false and \`privileged\` to true`,
    ],
    [
      { [`${C}.securityContext`]: { seccompProfile: { type: 'Localhost' } } },
      `${FIRST}.securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost`,
    ],
    [
      { [`${C}.securityContext`]: { procMount: 'All' } },
      `${FIRST}.securityContext.procMount: Unsupported value: "All": supported values: "Default", "Unmasked"`,
    ],
    [
      tolerating({ key: 'a', operator: 'Exists', value: 'b' }),
      'spec.tolerations[0].operator: Invalid value: "b": value must be empty when `operator` is \'Exists\'',
    ],
    [
      tolerating({ operator: 'Equal', value: 'b' }),
      'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
    ],
    [
      tolerating({ key: 'a', effect: 'NoSchedule', tolerationSeconds: 1 }),
      'spec.tolerations[0].effect: Invalid value: "NoSchedule": effect must be \'NoExecute\' when `tolerationSeconds` is set',
    ],
    [
      tolerating({ key: 'a', operator: 'Has' }),
      'spec.tolerations[0].operator: Unsupported value: "Has": supported values: "Equal", "Exists"',
    ],
    [
      tolerating({ key: 'a', effect: 'Run' }),
      'spec.tolerations[0].effect: Unsupported value: "Run": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
    ],
    [
      limited({ requests: { cpu: '2' }, limits: { cpu: '1' } }),
      `${FIRST}.resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1`,
    ],
    [
      limited({ requests: { 'example.com/gpu': '1' } }),
      `${FIRST}.resources.limits: Required value: Limit must be set for non overcommitable resources`,
    ],
    [
      limited({ limits: { 'example.com/gpu': '500m' } }),
      `${FIRST}.resources.limits[example.com/gpu]: Invalid value: "500m": must be an integer`,
      `${FIRST}.resources.requests[example.com/gpu]: Invalid value: "500m": must be an integer`,
    ],
    [
      limited({ requests: { cpu: '0' }, limits: { cpu: '-1' } }),
      `${FIRST}.resources.limits[cpu]: Invalid value: "-1": ${NOT_NEGATIVE}`,
      `${FIRST}.resources.requests: Invalid value: "0": must be less than or equal to cpu limit of -1`,
    ],
    [
      limited({ limits: { gpu: '1' } }),
      `${FIRST}.resources.limits[gpu]: Invalid value: "gpu": must be a standard resource type or fully qualified`,
      `${FIRST}.resources.limits[gpu]: Invalid value: "gpu": must be a standard resource for containers`,
      `${FIRST}.resources.requests[gpu]: Invalid value: "gpu": must be a standard resource type or fully qualified`,
      `${FIRST}.resources.requests[gpu]: Invalid value: "gpu": must be a standard resource for containers`,
    ],
    [limited({ limits: { 'hugepages-2Mi': '2Mi' } }), `${FIRST}.resources: Forbidden: HugePages require cpu or memory`],
    [spread({ maxSkew: 0 }), 'spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero'],
    [spread({ topologyKey: '' }), 'spec.topologySpreadConstraints[0].topologyKey: Required value: can not be empty'],
    [
      spread({ whenUnsatisfiable: 'X' }),
      'spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "X": supported values: "DoNotSchedule", "ScheduleAnyway"',
    ],
    [
      spread({ whenUnsatisfiable: 'ScheduleAnyway', minDomains: 2 }),
      'spec.topologySpreadConstraints[0].minDomains: Invalid value: 2: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway',
    ],
    [required(), `${NODE_TERMS}: Required value: must have at least one node selector term`],
    [
      required({ matchExpressions: [{ key: 'a', operator: 'In' }] }),
      `${NODE_TERMS}[0].matchExpressions[0].values: Required value: must be specified when \`operator\` is 'In' or 'NotIn'`,
    ],
    [
      required({ matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }] }),
      `${NODE_TERMS}[0].matchExpressions[0].values: Forbidden: may not be specified when \`operator\` is 'Exists' or 'DoesNotExist'`,
    ],
    [
      required({ matchExpressions: [{ key: 'a', operator: 'Gt', values: ['1', '2'] }] }),
      `${NODE_TERMS}[0].matchExpressions[0].values: Required value: must be specified single value when \`operator\` is 'Lt' or 'Gt'`,
    ],
    [
      {
        'spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution': [{ topologyKey: '' }],
      },
      'spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Required value: can not be empty',
      'spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Invalid value: "": name part must be non-empty',
      `spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Invalid value: "": ${QUALIFIED}`,
    ],
    [
      { 'spec.readinessGates': [{ conditionType: 'a b' }] },
      `spec.readinessGates[0].conditionType: Invalid value: "a b": ${QUALIFIED}`,
    ],
    [{ 'spec.schedulingGates': [{ name: 'a' }, { name: 'a' }] }, 'spec.schedulingGates[1]: Duplicate value: "a"'],
    [
      { 'spec.schedulingGates': [{ name: 'a' }], 'spec.nodeName': 'n' },
      'spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared',
    ],
    [
      { 'spec.hostNetwork': true, [`${C}.ports`]: [{ containerPort: 80, hostPort: 81 }] },
      `${FIRST}.ports[0].hostPort: Invalid value: 81: must match \`containerPort\` when \`hostNetwork\` is true`,
    ],
    [
      { 'spec.shareProcessNamespace': true, 'spec.hostPID': true },
      'spec.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled',
    ],
    [{ 'spec.hostUsers': false, 'spec.hostIPC': true }, 'spec.HostIPC: Forbidden: when `hostUsers` is false'],
    [{ 'spec.ephemeralContainers': [container('e')] }, 'spec.ephemeralContainers: Forbidden: cannot be set on create'],
    [
      { 'spec.preemptionPolicy': 'Ask' },
      'spec.preemptionPolicy: Unsupported value: "Ask": supported values: "PreemptLowerPriority", "Never"',
    ],
    [{ 'spec.os': { name: 'plan9' } }, 'spec.os: Unsupported value: "plan9": supported values: "linux", "windows"'],
    [
      { 'metadata.finalizers': ['mine'] },
      'metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
    ],
  ],
  defaults: {
    'spec.restartPolicy': 'Always',
    'spec.terminationGracePeriodSeconds': 30,
    'spec.dnsPolicy': 'ClusterFirst',
    'spec.schedulerName': 'default-scheduler',
    'spec.securityContext': {},
    'spec.enableServiceLinks': true,
    [`${C}.imagePullPolicy`]: 'IfNotPresent',
    [`${C}.terminationMessagePath`]: '/dev/termination-log',
    [`${C}.terminationMessagePolicy`]: 'File',
    [`${C}.resources`]: {},
    'status.phase': 'Pending',
    'status.qosClass': 'BestEffort',
    'metadata.generation': 1,
  },
  updates: [
    [{ 'metadata.labels': { a: 'b' } }],
    [{ [`${C}.image`]: 'example.test/a:2' }],
    [{ 'spec.activeDeadlineSeconds': 5 }],
    [{ 'spec.tolerations': [{ key: 'a', operator: 'Exists' }] }],
    [{ [`${C}.image`]: '' }, `${FIRST}.image: Required value`, `${FIRST}.image: Required value`],
    [
      { 'spec.containers': [container('a'), container('b')] },
      'spec.containers: Forbidden: pod updates may not add or remove containers',
    ],
  ],
  statusUpdates: [
    [{ 'status.phase': 'Running', 'status.podIP': '10.0.0.1', 'status.podIPs': [{ ip: '10.0.0.1' }] }],
    [{ 'status.podIPs': [{ ip: 'x' }] }, `status.podIPs[0]: Invalid value: "x": ${IP}`],
    [{ 'status.nominatedNodeName': 'A B' }, `status.nominatedNodeName: Invalid value: "A B": ${SUBDOMAIN}`],
  ],
  warnings: [
    [{}],
    [
      env({ name: 'A', value: '1' }, { name: 'A', value: '2' }),
      `${FIRST}.env[1]: hides previous definition of "A", which may be dropped when using apply`,
    ],
    [
      {
        [`${C}.ports`]: [{ containerPort: 80 }, { containerPort: 80 }],
      },
      `${FIRST}.ports[1]: duplicate port definition with ${FIRST}.ports[0]`,
    ],
    [
      { 'spec.nodeSelector': { 'beta.kubernetes.io/os': 'linux' } },
      'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
    ],
    [{ 'spec.imagePullSecrets': [{ name: 'a' }, { name: 'a' }] }, 'spec.imagePullSecrets[1].name: duplicate name "a"'],
    [{ 'spec.imagePullSecrets': [{ name: '' }] }, 'spec.imagePullSecrets[0].name: invalid empty name ""'],
    [
      {
        'spec.hostAliases': [
          { ip: '10.0.0.1', hostnames: ['a'] },
          { ip: '10.0.0.1', hostnames: ['b'] },
        ],
      },
      'spec.hostAliases[1].ip: duplicate ip "10.0.0.1"',
    ],
    [
      limited({ limits: { memory: '100m' } }),
      `${FIRST}.resources.limits[memory]: fractional byte value "100m" is invalid, must be an integer`,
      `${FIRST}.resources.requests[memory]: fractional byte value "100m" is invalid, must be an integer`,
    ],
    [
      volume({ gitRepo: { repository: 'https://example.com' } }),
      'spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+',
    ],
    [
      {
        'metadata.annotations': { 'seccomp.security.alpha.kubernetes.io/pod': 'runtime/default' },
      },
      'metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]: non-functional in v1.27+; use the "seccompProfile" field instead',
    ],
  ],
  cells: [
    [{}, '0/1', 'Pending', '0', '10m', '<none>', '<none>', '<none>', '<none>'],
    [
      {
        'spec.nodeName': 'n1',
        'status.phase': 'Running',
        'status.podIPs': [{ ip: '10.0.0.1' }],
        'status.containerStatuses': [
          {
            name: 'a',
            ready: true,
            restartCount: 3,
            state: { running: {} },
            lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:05:00Z' } },
          },
        ],
      },
      '1/1',
      'Running',
      '3 (5m ago)',
      '10m',
      '10.0.0.1',
      'n1',
      '<none>',
      '<none>',
    ],
    [
      {
        'metadata.deletionTimestamp': '2026-01-01T00:09:00Z',
        'status.phase': 'Running',
        'spec.readinessGates': [{ conditionType: 'a' }, { conditionType: 'b' }],
        'status.conditions': [{ type: 'a', status: 'True' }],
      },
      '0/1',
      'Terminating',
      '0',
      '10m',
      '<none>',
      '<none>',
      '<none>',
      '1/2',
    ],
    [
      { 'status.phase': 'Failed', 'status.reason': 'Evicted' },
      '0/1',
      'Evicted',
      '0',
      '10m',
      '<none>',
      '<none>',
      '<none>',
      '<none>',
    ],
    [
      {
        'status.containerStatuses': [
          { name: 'a', ready: false, restartCount: 0, state: { waiting: { reason: 'ImagePullBackOff' } } },
        ],
        'status.nominatedNodeName': 'n2',
      },
      '0/1',
      'ImagePullBackOff',
      '0',
      '10m',
      '<none>',
      '<none>',
      'n2',
      '<none>',
    ],
  ],
});

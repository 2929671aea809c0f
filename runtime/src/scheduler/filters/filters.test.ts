import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, Pod, PodAffinityTerm, Taint, TopologySpreadConstraint } from '../../api/generated/types/core.v1.ts';
import { asking, makeNode, makePod } from '../../api/testing/make.ts';
import { decide, failureText } from '../decide.ts';
import { snapshotOf, type World } from '../testing.ts';

/** `''`: the pod fits. Otherwise what upstream says. */
function outcome(pod: Pod, nodes: readonly Node[], pods: readonly Pod[] = [], world: World = {}): string {
  const decision = decide(pod, snapshotOf(nodes, pods, world), () => 0);
  return decision.node === undefined ? failureText(decision.failure).replace(/^0\/\d+ nodes are available: /, '') : '';
}

const cpu = (amount: string): Pod['spec'] => ({ containers: [asking({ cpu: amount })] });
const small = makeNode('small', { cpu: '1', memory: '1Gi', pods: '2' });
const on = (node: string, name: string, spec: object = {}, labels: Record<string, string> = {}): Pod =>
  makePod(name, { nodeName: node, ...spec }, { metadata: { labels } });

const taint: Taint = { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' };
const tainted = makeNode('tainted', undefined, { spec: { taints: [taint] } });
const cordoned = makeNode('cordoned', undefined, { spec: { unschedulable: true } });
const ssd = makeNode('ssd', undefined, { labels: { disk: 'ssd', cores: '8' } });
const port = (hostPort: number, rest: object = {}) => ({
  containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort, ...rest }] }],
});
const required = (...expressions: object[]) =>
  ({
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: expressions }] },
      },
    },
  }) as Pod['spec'];

const simple: [name: string, pod: Pod, node: Node, pods: Pod[], want: string][] = [
  ['fits', makePod('p', cpu('1')), small, [], ''],
  ['insufficient cpu', makePod('p', cpu('600m')), small, [on('small', 'a', cpu('500m') ?? {})], '1 Insufficient cpu.'],
  [
    'too many pods and insufficient memory',
    makePod('p', { containers: [asking({ memory: '2Gi' })] }),
    small,
    [on('small', 'a'), on('small', 'b')],
    '1 Insufficient memory, 1 Too many pods.',
  ],
  [
    'an extended resource nobody has',
    makePod('p', { containers: [asking({ 'example.com/gpu': '1' })] }),
    small,
    [],
    '1 Insufficient example.com/gpu.',
  ],
  ['a taint', makePod('p'), tainted, [], '1 node(s) had untolerated taint(s).'],
  ['a tolerated taint', makePod('p', { tolerations: [{ key: 'dedicated', value: 'gpu' }] }), tainted, [], ''],
  ['a tolerated key', makePod('p', { tolerations: [{ key: 'dedicated', operator: 'Exists' }] }), tainted, [], ''],
  [
    'another value is not tolerated',
    makePod('p', { tolerations: [{ key: 'dedicated', value: 'x' }] }),
    tainted,
    [],
    '1 node(s) had untolerated taint(s).',
  ],
  ['a cordoned node', makePod('p'), cordoned, [], '1 node(s) were unschedulable.'],
  ['a cordoned node tolerated', makePod('p', { tolerations: [{ operator: 'Exists' }] }), cordoned, [], ''],
  ['the node selector', makePod('p', { nodeSelector: { disk: 'ssd' } }), ssd, [], ''],
  [
    'the node selector elsewhere',
    makePod('p', { nodeSelector: { disk: 'hdd' } }),
    ssd,
    [],
    "1 node(s) didn't match Pod's node affinity/selector.",
  ],
  ['affinity In', makePod('p', required({ key: 'disk', operator: 'In', values: ['ssd', 'nvme'] })), ssd, [], ''],
  [
    'affinity NotIn',
    makePod('p', required({ key: 'disk', operator: 'NotIn', values: ['ssd'] })),
    ssd,
    [],
    "1 node(s) didn't match Pod's node affinity/selector.",
  ],
  ['affinity Gt', makePod('p', required({ key: 'cores', operator: 'Gt', values: ['4'] })), ssd, [], ''],
  [
    'affinity DoesNotExist',
    makePod('p', required({ key: 'disk', operator: 'DoesNotExist' })),
    ssd,
    [],
    "1 node(s) didn't match Pod's node affinity/selector.",
  ],
  [
    'an empty term selects nothing',
    makePod('p', required()),
    ssd,
    [],
    "1 node(s) didn't match Pod's node affinity/selector.",
  ],
  [
    'a host port taken',
    makePod('p', port(80)),
    ssd,
    [on('ssd', 'a', port(80))],
    "1 node(s) didn't have free ports for the requested pod ports.",
  ],
  ['of another protocol', makePod('p', port(80, { protocol: 'UDP' })), ssd, [on('ssd', 'a', port(80))], ''],
  [
    'of another address',
    makePod('p', port(80, { hostIP: '10.0.0.1' })),
    ssd,
    [on('ssd', 'a', port(80, { hostIP: '10.0.0.2' }))],
    '',
  ],
  [
    'of all addresses',
    makePod('p', port(80, { hostIP: '10.0.0.1' })),
    ssd,
    [on('ssd', 'a', port(80))],
    "1 node(s) didn't have free ports for the requested pod ports.",
  ],
];
for (const [name, pod, node, pods, want] of simple)
  test(`filter: ${name}`, () => assert.equal(outcome(pod, [node], pods), want));

const zone = (name: string, value: string): Node => makeNode(name, undefined, { labels: { zone: value } });
const zones = [zone('a1', 'a'), zone('a2', 'a'), zone('b1', 'b')];
const term = (app: string, rest: Partial<PodAffinityTerm> = {}): PodAffinityTerm => ({
  topologyKey: 'zone',
  labelSelector: { matchLabels: { app } },
  ...rest,
});
const near = (...terms: PodAffinityTerm[]): Pod['spec'] => ({
  containers: [],
  affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
});
const far = (...terms: PodAffinityTerm[]): Pod['spec'] => ({
  containers: [],
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
});
const labelled = (app: string, spec: Pod['spec'] = { containers: [] }): Pod =>
  makePod('p', spec, { metadata: { labels: { app } } });

function feasible(pod: Pod, nodes: readonly Node[], pods: readonly Pod[], world: World = {}): string {
  return nodes
    .filter(node => {
      const decision = decide(pod, snapshotOf(nodes, pods, world), () => 0);
      if (decision.node !== undefined && decision.feasible === nodes.length) return true;
      const refused =
        decision.node === undefined
          ? decision.failure.refused.has(node.metadata.name ?? '')
          : isRefused(pod, node, nodes, pods, world);
      return !refused;
    })
    .map(({ metadata }) => metadata.name)
    .join(' ');
}
/** Whether the pod could not go to this node of several: asked with a pod that must go there. */
function isRefused(pod: Pod, node: Node, nodes: readonly Node[], pods: readonly Pod[], world: World): boolean {
  const pinned: Pod = {
    ...pod,
    spec: { ...pod.spec, containers: pod.spec?.containers ?? [], nodeName: node.metadata.name },
  };
  return decide(pinned, snapshotOf(nodes, pods, world), () => 0).node === undefined;
}

const db = on('b1', 'db', {}, { app: 'db' });
const placed: [name: string, pod: Pod, pods: Pod[], want: string, world?: World][] = [
  ['affinity goes to the zone', labelled('web', near(term('db'))), [db], 'b1'],
  ['affinity to nobody goes nowhere', labelled('web', near(term('db'))), [], ''],
  ['the first of a group that wants itself goes anywhere', labelled('web', near(term('web'))), [], 'a1 a2 b1'],
  ['the second follows the first', labelled('web', near(term('web'))), [on('a1', 'w', {}, { app: 'web' })], 'a1 a2'],
  [
    'all terms must hold',
    labelled('web', near(term('db'), term('db', { topologyKey: 'kubernetes.io/hostname' }))),
    [db],
    'b1',
  ],
  ['anti-affinity stays away', labelled('web', far(term('db'))), [db], 'a1 a2'],
  ["others' anti-affinity is kept too", labelled('web'), [on('a1', 'x', far(term('web')) ?? {}, { app: 'x' })], 'b1'],
  ['another namespace is not meant', labelled('web', far(term('db', { namespaces: ['other'] }))), [db], 'a1 a2 b1'],
  [
    'namespaces by label are meant',
    labelled('web', far(term('db', { namespaceSelector: { matchLabels: { team: 'x' } } }))),
    [db],
    'a1 a2',
    { namespaces: { default: { team: 'x' } } },
  ],
  ['an empty namespace selector means all', labelled('web', far(term('db', { namespaceSelector: {} }))), [db], 'a1 a2'],
];
for (const [name, pod, pods, want, world] of placed)
  test(`pods: ${name}`, () => assert.equal(feasible(pod, zones, pods, world), want));

const spread = (rest: Partial<TopologySpreadConstraint> = {}): Pod =>
  labelled('web', {
    containers: [],
    topologySpreadConstraints: [
      {
        topologyKey: 'zone',
        maxSkew: 1,
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector: { matchLabels: { app: 'web' } },
        ...rest,
      },
    ],
  });
const web = (node: string, name: string): Pod => on(node, name, {}, { app: 'web' });
const spreads: [name: string, pod: Pod, pods: Pod[], want: string][] = [
  ['anywhere at first', spread(), [], 'a1 a2 b1'],
  ['to the emptier zone', spread(), [web('a1', '1')], 'b1'],
  ['with more skew, anywhere', spread({ maxSkew: 2 }), [web('a1', '1')], 'a1 a2 b1'],
  ['anywhere when even', spread(), [web('a1', '1'), web('b1', '2')], 'a1 a2 b1'],
  ['too few domains count as an empty one', spread({ minDomains: 3 }), [web('a1', '1'), web('b1', '2')], ''],
  ['a node without the label is none', spread({ topologyKey: 'rack' }), [], ''],
];
for (const [name, pod, pods, want] of spreads)
  test(`spread: ${name}`, () => assert.equal(feasible(pod, zones, pods), want));

const claiming = makePod('p', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] });
const claim = (volumeName?: string) => ({ metadata: { name: 'data' }, spec: { volumeName }, status: {} });
const local = {
  metadata: { name: 'pv' },
  spec: {
    nodeAffinity: {
      required: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In' as const, values: ['b'] }] }],
      },
    },
  },
};
const volumes: [name: string, world: World, want: string][] = [
  ['no claim', {}, 'persistentvolumeclaim "data" not found.'],
  ['an unbound claim', { claims: { 'default/data': claim() } }, 'pod has unbound immediate PersistentVolumeClaims.'],
  [
    'a volume elsewhere',
    { claims: { 'default/data': claim('pv') }, volumes: { pv: local } },
    "1 node(s) didn't match PersistentVolume's node affinity.",
  ],
  ['a volume anywhere', { claims: { 'default/data': claim('pv') }, volumes: { pv: { metadata: { name: 'pv' } } } }, ''],
];
for (const [name, world, want] of volumes)
  test(`volumes: ${name}`, () => assert.equal(outcome(claiming, [zone('a1', 'a')], [], world), want));

test('the message counts reasons over nodes, sorted', () => {
  assert.equal(
    outcome(makePod('p', cpu('100')), [small, makeNode('n'), tainted, cordoned]),
    '1 node(s) had untolerated taint(s), 1 node(s) were unschedulable, 2 Insufficient cpu.',
  );
});

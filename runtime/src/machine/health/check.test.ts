/** What blesses and what does not, row by row. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Before, HealthCheckResult, PodBefore } from '../upgrade/types.ts';
import { atDeadline, check, firstOpen, nothingBefore, verdictOf } from './check.ts';
import type { ControlPlaneNow, EndpointNow, NodeNow, Observation, PodNow } from './observation.ts';
import { agent, answers, before, node, silent, unit, well } from './testing.ts';

interface Row {
  readonly what: string;
  readonly before?: Partial<Before>;
  readonly now?: Partial<Observation>;
  readonly state: HealthCheckResult['state'];
  /** Whole message, or part of it. */
  readonly says: string | RegExp;
}

const table = (name: HealthCheckResult['check'], rows: readonly Row[]): void => {
  describe(name, () => {
    for (const row of rows)
      it(row.what, () => {
        const results = check({ ...before, ...row.before }, { ...well, ...row.now });
        const found = results.find(result => result.check === name);
        assert.equal(found?.state, row.state, found?.message);
        if (typeof row.says === 'string') assert.equal(found?.message, row.says);
        else assert.match(found?.message ?? '', row.says);
      });
  });
};

const units = (change: Partial<Observation['units']>): Partial<Observation> => ({
  units: { ...well.units, ...change },
});
table('units', [
  { what: 'all up', state: 'passed', says: /atoll-agent.service up, nothing failed$/ },
  { what: 'systemd is silent', now: units({ system: '' }), state: 'waiting', says: 'systemd does not answer' },
  {
    what: 'the server starts again and again',
    now: units({
      wanted: [unit('atoll-server.service', 'activating', 'auto-restart', 4, 'the store is damaged'), agent],
    }),
    state: 'waiting',
    says: 'atoll-server.service is activating (auto-restart), restarted 4 times: the store is damaged',
  },
  {
    what: 'once again is one time',
    now: units({ wanted: [unit('atoll-agent.service', 'activating', 'auto-restart', 1)] }),
    state: 'waiting',
    says: 'atoll-agent.service is activating (auto-restart), restarted 1 time',
  },
  {
    what: 'two are down',
    now: units({
      wanted: [unit('containerd.service', 'failed', 'failed'), unit('atoll-agent.service', 'inactive', 'dead')],
    }),
    state: 'waiting',
    says: 'containerd.service is failed and 1 more',
  },
  {
    what: 'a wanted unit that failed before',
    before: { failedUnits: ['containerd.service'] },
    now: units({ wanted: [unit('containerd.service', 'failed', 'failed'), agent] }),
    state: 'passed',
    says: /nothing failed/,
  },
  {
    what: 'a unit has failed',
    now: units({ system: 'degraded', failed: [unit('fstrim.service', 'failed', 'failed', 0, 'no space')] }),
    state: 'waiting',
    says: 'fstrim.service is failed: no space',
  },
  {
    what: 'a unit has failed that failed before',
    before: { failedUnits: ['fstrim.service'] },
    now: units({ system: 'degraded', failed: [unit('fstrim.service', 'failed', 'failed')] }),
    state: 'passed',
    says: /; fstrim.service failed before too$/,
  },
  {
    what: 'another unit has failed than before',
    before: { failedUnits: ['fstrim.service'] },
    now: units({
      system: 'degraded',
      failed: [unit('fstrim.service', 'failed', 'failed'), unit('nftables.service', 'failed', 'failed')],
    }),
    state: 'waiting',
    says: 'nftables.service is failed',
  },
  {
    what: 'a failed mount',
    now: units({ system: 'degraded', failed: [unit('var-lib-data.mount', 'failed', 'failed')] }),
    state: 'waiting',
    says: 'var-lib-data.mount is failed',
  },
  {
    what: 'still starting',
    now: units({ system: 'starting', jobs: ['multi-user.target', 'atoll-config-fetch.service'] }),
    state: 'waiting',
    says: 'the system is starting: multi-user.target, atoll-config-fetch.service',
  },
  {
    what: 'still starting, with many jobs',
    now: units({ system: 'starting', jobs: ['a', 'b', 'c', 'd', 'e'] }),
    state: 'waiting',
    says: 'the system is starting: a, b, c and 2 more',
  },
  {
    what: 'still starting, nobody says what',
    now: units({ system: 'initializing' }),
    state: 'waiting',
    says: 'the system is initializing',
  },
  { what: 'maintenance', now: units({ system: 'maintenance' }), state: 'waiting', says: 'the system is maintenance' },
  { what: 'stopping', now: units({ system: 'stopping' }), state: 'waiting', says: 'the system is stopping' },
  { what: 'degraded by nothing new', now: units({ system: 'degraded' }), state: 'passed', says: /nothing failed$/ },
]);

const control = (
  state: ControlPlaneNow['state'],
  why = 'why',
  role: Observation['role'] = 'agent',
): Partial<Observation> => ({ role, controlPlane: { state, server: 'https://192.0.2.9:6443', why } });
table('control-plane', [
  { what: 'ready', state: 'passed', says: 'https://127.0.0.1:6443 is ready' },
  { what: 'ready, of an agent', now: control('ready'), state: 'passed', says: /is ready$/ },
  ...(['not-ready', 'refused', 'silent', 'no-network', 'untrusted', 'unasked'] as const).flatMap((state): Row[] => [
    { what: `${state}, own server`, now: control(state, 'x', 'server'), state: 'waiting', says: /is not ready: x$/ },
    {
      what: `${state}, server only`,
      now: control(state, 'x', 'server-only'),
      state: 'waiting',
      says: /is not ready: x$/,
    },
    {
      what: `${state}, own server, as before`,
      before: { serverReachable: false },
      now: control(state, '', 'server'),
      state: 'waiting',
      says: /is not ready$/,
    },
  ]),
  {
    what: 'of an agent: not ready',
    now: control('not-ready'),
    state: 'excused',
    says: /answers that it is not ready: why/,
  },
  {
    what: 'of an agent: refused',
    now: control('refused'),
    state: 'excused',
    says: /while the network of this machine works/,
  },
  {
    what: 'of an agent: silent',
    now: control('silent'),
    state: 'excused',
    says: /while the network of this machine works/,
  },
  { what: 'of an agent: no network', now: control('no-network'), state: 'waiting', says: /cannot be reached: why/ },
  { what: 'of an agent: untrusted', now: control('untrusted'), state: 'waiting', says: /do not trust each other/ },
  { what: 'of an agent: unasked', now: control('unasked'), state: 'waiting', says: /cannot be asked yet: why/ },
  ...(['no-network', 'untrusted', 'unasked'] as const).map(
    (state): Row => ({
      what: `of an agent: ${state}, as before`,
      before: { serverReachable: false },
      now: control(state),
      state: 'excused',
      says: /as before/,
    }),
  ),
]);

const unreached: Partial<Observation> = {
  ...control('silent'),
  node: { unknown: 'the server does not answer' },
  pods: { unknown: 'the server does not answer' },
  services: { kubernetes: { unknown: 'no answer' }, dns: { unknown: 'no answer' } },
};
const nodeIs = (change: Partial<NodeNow>): Partial<Observation> => ({ node: { ...node, ...change } });
table('node', [
  { what: 'Ready', state: 'passed', says: 'n1 is Ready' },
  {
    what: 'Ready in an earlier boot',
    now: nodeIs({ bootId: 'boot-1' }),
    state: 'waiting',
    says: 'n1 has not reported since this boot',
  },
  { what: 'never reported', now: nodeIs({ bootId: '' }), state: 'waiting', says: /has not reported/ },
  {
    what: 'NotReady',
    now: nodeIs({ ready: 'False', reason: 'KubeletNotReady', message: 'container runtime network not ready' }),
    state: 'waiting',
    says: 'not Ready: KubeletNotReady: container runtime network not ready',
  },
  {
    what: 'NotReady, for no reason',
    now: nodeIs({ ready: 'False', reason: '', message: '' }),
    state: 'waiting',
    says: 'not Ready: no reason given',
  },
  {
    what: 'Unknown',
    now: nodeIs({ ready: 'Unknown', reason: 'NodeStatusUnknown' }),
    state: 'waiting',
    says: /NodeStatusUnknown/,
  },
  {
    what: 'NotReady, as before',
    before: { nodeReady: false },
    now: nodeIs({ ready: 'False' }),
    state: 'excused',
    says: /as before/,
  },
  { what: 'Ready, and was not', before: { nodeReady: false }, state: 'passed', says: 'n1 is Ready' },
  {
    what: 'not reported, and was not Ready',
    before: { nodeReady: false },
    now: nodeIs({ bootId: 'boot-1' }),
    state: 'waiting',
    says: /has not reported/,
  },
  {
    what: 'Ready under pressure',
    now: nodeIs({ pressure: ['DiskPressure: the disk is full'] }),
    state: 'passed',
    says: 'n1 is Ready, with DiskPressure: the disk is full',
  },
  {
    what: 'no node',
    now: { role: 'server-only' },
    before: { role: 'server-only' },
    state: 'passed',
    says: 'this machine is no node',
  },
  {
    what: 'not known',
    now: { node: { unknown: 'nodes "n1" not found' } },
    state: 'waiting',
    says: 'it is not known: nodes "n1" not found',
  },
  { what: 'not known to an agent whose server is away', now: unreached, state: 'excused', says: /not known/ },
  {
    what: 'not known to an agent without a network',
    now: { ...unreached, ...control('no-network') },
    state: 'waiting',
    says: /not known/,
  },
  {
    what: 'old, of an agent whose server is not ready',
    now: { ...control('not-ready'), ...nodeIs({ bootId: 'boot-1' }) },
    state: 'excused',
    says: /has not reported/,
  },
  {
    what: 'NotReady, of an agent whose server is not ready',
    now: { ...control('not-ready'), ...nodeIs({ ready: 'False', message: 'm' }) },
    state: 'excused',
    says: /not Ready/,
  },
]);

const services = (
  kubernetes: readonly EndpointNow[],
  dns: readonly EndpointNow[] = [],
  role: Observation['role'] = 'server',
): Partial<Observation> => ({ role, services: { kubernetes: { endpoints: kubernetes }, dns: { endpoints: dns } } });
const dnsSilent: EndpointNow = { address: '10.42.0.5:53', answers: false, why: 'queryA ETIMEOUT' };
table('services', [
  { what: 'no DNS', state: 'passed', says: 'the Service kubernetes answers; there is no cluster DNS' },
  { what: 'one of two endpoints answers', now: services([silent, answers]), state: 'passed', says: /answers/ },
  { what: 'no endpoint', now: services([]), state: 'waiting', says: 'the Service kubernetes has no endpoints' },
  {
    what: 'no endpoint answers',
    now: services([silent]),
    state: 'waiting',
    says: 'no endpoint of the Service kubernetes answers: 192.0.2.1:6443: no answer within 2000 ms',
  },
  {
    what: 'none answers an agent, and one did',
    now: services([silent], [], 'agent'),
    state: 'waiting',
    says: /no endpoint/,
  },
  {
    what: 'none answers an agent, as before',
    before: { kubernetesAnswered: false },
    now: services([silent], [], 'agent'),
    state: 'excused',
    says: /as before$/,
  },
  {
    what: 'none answers a server, as before',
    before: { kubernetesAnswered: false },
    now: services([silent]),
    state: 'waiting',
    says: /no endpoint/,
  },
  {
    what: 'not known',
    now: { services: { kubernetes: { unknown: 'forbidden' }, dns: { endpoints: [] } } },
    state: 'waiting',
    says: 'services are not known: forbidden',
  },
  { what: 'not known, the server is away', now: unreached, state: 'excused', says: /not known/ },
  {
    what: 'DNS answers',
    now: services([answers], [{ ...answers, address: '10.42.0.5:53' }]),
    state: 'passed',
    says: /DNS answer$/,
  },
  {
    what: 'DNS answers no more',
    before: { dnsAnswered: true },
    now: services([answers], [dnsSilent]),
    state: 'waiting',
    says: "the cluster's DNS does not answer: 10.42.0.5:53: queryA ETIMEOUT",
  },
  {
    what: 'one DNS endpoint answers',
    before: { dnsAnswered: true },
    now: services([answers], [dnsSilent, { ...answers, address: '10.42.0.6:53' }]),
    state: 'passed',
    says: /DNS answer$/,
  },
  {
    what: 'DNS did not answer before',
    before: { dnsAnswered: false },
    now: services([answers], [dnsSilent]),
    state: 'passed',
    says: /as before$/,
  },
  {
    what: 'DNS is gone',
    before: { dnsAnswered: true },
    now: services([answers]),
    state: 'waiting',
    says: "the cluster's DNS has no endpoints",
  },
  {
    what: 'DNS is not known',
    now: { services: { kubernetes: { endpoints: [answers] }, dns: { unknown: 'no answer' } } },
    state: 'waiting',
    says: /DNS is not known/,
  },
]);

const ran = (name: string, change: Partial<PodBefore> = {}): PodBefore => ({
  namespace: 'default',
  name,
  uid: `uid-${name}`,
  ready: true,
  containers: 1,
  ...change,
});
const pod = (name: string, change: Partial<PodNow> = {}): PodNow => ({
  namespace: 'default',
  name,
  uid: `uid-${name}`,
  phase: 'Running',
  ready: true,
  reason: '',
  deleting: false,
  disrupted: false,
  restartPolicy: 'Always',
  running: [`c-${name}`],
  why: '',
  ...change,
});
const pods = (
  found: readonly PodNow[],
  started: readonly string[] = found.map(({ name }) => name),
): Partial<Observation> => ({
  pods: found,
  runtime: { running: Object.fromEntries(started.map(name => [`uid-${name}`, [`c-${name}`]])) },
});
const one = { pods: [ran('a')] };
const owned = { pods: [ran('a', { owner: 'rs' })] };
table('pods', [
  { what: 'none ran', state: 'passed', says: 'no pod ran before' },
  {
    what: 'others are no matter',
    now: pods([pod('x', { phase: 'Pending' })]),
    state: 'passed',
    says: 'no pod ran before',
  },
  { what: 'no node', before: { ...one, role: 'server-only' }, state: 'passed', says: 'no pods run on this machine' },
  { what: 'it runs', before: one, now: pods([pod('a')]), state: 'passed', says: /^all 1 / },
  {
    what: 'the runtime is down',
    before: one,
    now: { ...pods([pod('a')]), runtime: { unknown: 'connect ENOENT' } },
    state: 'waiting',
    says: 'the container runtime does not answer: connect ENOENT',
  },
  {
    what: 'the runtime is down and no pod ran',
    now: { runtime: { unknown: 'connect ENOENT' } },
    state: 'waiting',
    says: /container runtime does not answer/,
  },
  {
    what: 'its status is of before the restart',
    before: one,
    now: pods([pod('a')], []),
    state: 'waiting',
    says: '0 of 1 run: default/a has not been started again yet',
  },
  {
    what: 'one of two containers is of before the restart',
    before: one,
    now: pods([pod('a', { running: ['c-a', 'c-b'] })]),
    state: 'waiting',
    says: /not been started again/,
  },
  {
    what: 'not Ready',
    before: one,
    now: pods([pod('a', { ready: false })]),
    state: 'waiting',
    says: /default\/a runs, but is not Ready$/,
  },
  {
    what: 'a container crashes',
    before: one,
    now: pods([pod('a', { ready: false, running: [], why: 'container c waits: CrashLoopBackOff: back-off 10s' })], []),
    state: 'waiting',
    says: '0 of 1 run: default/a runs, but is not Ready: container c waits: CrashLoopBackOff: back-off 10s',
  },
  {
    what: 'not Ready, as before',
    before: { pods: [ran('a', { ready: false })] },
    now: pods([pod('a', { ready: false })]),
    state: 'passed',
    says: /^all/,
  },
  {
    what: 'crashing, as before',
    before: { pods: [ran('a', { ready: false })] },
    now: pods([pod('a', { ready: false, running: [] })], []),
    state: 'passed',
    says: /^all/,
  },
  {
    what: 'not Ready before, and not started again',
    before: { pods: [ran('a', { ready: false })] },
    now: pods([pod('a', { ready: false })], []),
    state: 'waiting',
    says: /not been started again/,
  },
  {
    what: 'Pending',
    before: one,
    now: pods([
      pod('a', { phase: 'Pending', ready: false, running: [], why: 'container c waits: ErrImagePull: no such host' }),
    ]),
    state: 'waiting',
    says: '0 of 1 run: default/a is Pending: container c waits: ErrImagePull: no such host',
  },
  {
    what: 'Pending, and was not Ready',
    before: { pods: [ran('a', { ready: false })] },
    now: pods([pod('a', { phase: 'Pending', ready: false, running: [] })]),
    state: 'waiting',
    says: /is Pending$/,
  },
  {
    what: 'Succeeded',
    before: one,
    now: pods([pod('a', { phase: 'Succeeded', ready: false, running: [] })], []),
    state: 'passed',
    says: /^all/,
  },
  {
    what: 'ended by the restart, not to be restarted',
    before: one,
    now: pods([pod('a', { phase: 'Failed', ready: false, running: [], restartPolicy: 'Never' })], []),
    state: 'passed',
    says: /^all/,
  },
  {
    what: "a Job's that failed",
    before: one,
    now: pods([pod('a', { phase: 'Failed', ready: false, running: [], restartPolicy: 'OnFailure' })], []),
    state: 'passed',
    says: /^all/,
  },
  {
    what: 'the new kubelet does not take it',
    before: one,
    now: pods(
      [pod('a', { phase: 'Failed', ready: false, running: [], reason: 'NodeAffinity', why: 'Pod was rejected' })],
      [],
    ),
    state: 'waiting',
    says: '0 of 1 run: default/a is Failed (NodeAffinity): Pod was rejected',
  },
  ...['Evicted', 'Preempting', 'Terminated', 'NodeShutdown'].map(
    (reason): Row => ({
      what: `Failed: ${reason}`,
      before: one,
      now: pods([pod('a', { phase: 'Failed', ready: false, running: [], reason })], []),
      state: 'passed',
      says: /^all/,
    }),
  ),
  {
    what: 'Failed: disrupted',
    before: one,
    now: pods([pod('a', { phase: 'Failed', ready: false, running: [], disrupted: true })], []),
    state: 'passed',
    says: /^all/,
  },
  { what: 'deleted since', before: one, now: pods([]), state: 'passed', says: /^all/ },
  {
    what: 'being deleted',
    before: one,
    now: pods([pod('a', { deleting: true, ready: false })], []),
    state: 'passed',
    says: /^all/,
  },
  {
    what: 'Unknown phase',
    before: one,
    now: pods([pod('a', { phase: 'Unknown' })]),
    state: 'waiting',
    says: /is Unknown/,
  },
  { what: 'drained, runs elsewhere', before: owned, now: pods([]), state: 'passed', says: /^all/ },
  {
    what: 'replaced, and the other runs',
    before: owned,
    now: pods([pod('b', { owner: 'rs' })]),
    state: 'passed',
    says: /^all/,
  },
  {
    what: 'replaced, and the other waits for a node',
    before: owned,
    now: pods([pod('b', { owner: 'rs', phase: 'Pending', ready: false, running: [], why: '0/1 nodes are available' })]),
    state: 'waiting',
    says: '0 of 1 run: default/b, which replaces one of before, is Pending: 0/1 nodes are available',
  },
  {
    what: 'evicted and replaced, and the other is not Ready',
    before: owned,
    now: pods([
      pod('a', { owner: 'rs', phase: 'Failed', ready: false, running: [], reason: 'Evicted' }),
      pod('b', { owner: 'rs', ready: false }),
    ]),
    state: 'waiting',
    says: /default\/b, which replaces one of before, runs, but is not Ready/,
  },
  {
    what: 'replaced where it was not Ready either',
    before: { pods: [ran('a', { owner: 'rs', ready: false })] },
    now: pods([pod('b', { owner: 'rs', ready: false })]),
    state: 'passed',
    says: /^all/,
  },
  {
    what: "the replacement is another controller's",
    before: owned,
    now: pods([pod('b', { owner: 'other', phase: 'Pending', ready: false, running: [] })]),
    state: 'passed',
    says: /^all/,
  },
  {
    what: 'two replacements for one: the good one counts',
    before: owned,
    now: pods([pod('b', { owner: 'rs', phase: 'Pending', ready: false, running: [] }), pod('c', { owner: 'rs' })]),
    state: 'passed',
    says: /^all/,
  },
  {
    what: 'two lost, one replaced well, one badly',
    before: { pods: [ran('a', { owner: 'rs' }), ran('d', { owner: 'rs' })] },
    now: pods([pod('b', { owner: 'rs' }), pod('c', { owner: 'rs', phase: 'Pending', ready: false, running: [] })]),
    state: 'waiting',
    says: /^1 of 2 run: default\/c/,
  },
  {
    what: 'two lost of which one was Ready: one Ready and one not is as before',
    before: { pods: [ran('a', { owner: 'rs', ready: false }), ran('d', { owner: 'rs' })] },
    now: pods([pod('b', { owner: 'rs', ready: false }), pod('c', { owner: 'rs' })]),
    state: 'passed',
    says: /^all 2/,
  },
  {
    what: 'a new one beside the old one is no replacement',
    before: owned,
    now: pods([pod('a', { owner: 'rs' }), pod('b', { owner: 'rs', phase: 'Pending', ready: false, running: [] })]),
    state: 'passed',
    says: /^all/,
  },
  {
    what: 'three of four',
    before: { pods: ['a', 'b', 'c', 'd'].map(name => ran(name)) },
    now: pods(['a', 'b', 'c', 'd'].map(name => pod(name, { ready: name !== 'c' }))),
    state: 'waiting',
    says: '3 of 4 run: default/c runs, but is not Ready',
  },
  {
    what: 'two of four',
    before: { pods: ['a', 'b', 'c', 'd'].map(name => ran(name)) },
    now: pods(['a', 'b', 'c', 'd'].map(name => pod(name, { ready: name < 'c' }))),
    state: 'waiting',
    says: '2 of 4 run: default/c runs, but is not Ready; and 1 more',
  },
  { what: 'not known', before: one, now: { pods: { unknown: 'no answer' } }, state: 'waiting', says: 'no answer' },
  {
    what: 'the server is away; all run, by the runtime',
    before: one,
    now: { ...unreached, runtime: { running: { 'uid-a': ['c'] } } },
    state: 'passed',
    says: /by the container runtime$/,
  },
  {
    what: 'the server is away; one is not there',
    before: { pods: [ran('a'), ran('b')] },
    now: { ...unreached, runtime: { running: { 'uid-a': ['c'] } } },
    state: 'excused',
    says: '1 of 2 run; the server says what else is to run here (default/b), and it cannot be asked',
  },
  {
    what: 'the server is away; one of two containers runs',
    before: { pods: [ran('a', { containers: 2 })] },
    now: { ...unreached, runtime: { running: { 'uid-a': ['c'] } } },
    state: 'excused',
    says: /^0 of 1 run/,
  },
  {
    what: 'the server is away, the runtime too',
    before: one,
    now: { ...unreached, runtime: { unknown: 'connect ENOENT' } },
    state: 'waiting',
    says: /container runtime/,
  },
]);

describe('the verdict', () => {
  const of = (...states: readonly HealthCheckResult['state'][]): HealthCheckResult[] =>
    states.map(state => ({ check: 'units', state, message: state }));
  const rows: readonly [what: string, states: HealthCheckResult[], uptime: number, verdict: string][] = [
    ['all passed', of('passed', 'passed'), 20, 'healthy'],
    ['all passed, after the deadline', of('passed'), 700, 'healthy'],
    ['one waits', of('passed', 'waiting'), 20, 'waiting'],
    ['one waits, at the deadline', of('passed', 'waiting'), 600, 'failed'],
    ['one is excused, early', of('passed', 'excused'), 299, 'waiting'],
    ['one is excused, at half time', of('passed', 'excused'), 300, 'healthy'],
    ['one is excused, one waits, at half time', of('waiting', 'excused'), 300, 'waiting'],
    ['one is excused, one waits, at the deadline', of('waiting', 'excused'), 601, 'failed'],
    ['one has failed', of('failed'), 20, 'waiting'],
  ];
  for (const [what, states, uptime, verdict] of rows)
    it(what, () => assert.equal(verdictOf(states, uptime, 600), verdict));

  it('what waits is what has failed at the deadline', () =>
    assert.deepEqual(
      atDeadline(of('passed', 'waiting', 'excused')).map(({ state }) => state),
      ['passed', 'failed', 'excused'],
    ));
  it('the first open one is told', () => {
    assert.equal(firstOpen(of('passed', 'excused', 'waiting'))?.state, 'waiting');
    assert.equal(firstOpen(of('passed', 'excused'))?.state, 'excused');
    assert.equal(firstOpen(of('passed')), undefined);
  });
});

describe('a first boot', () => {
  it('is as demanding as a trial, with nothing to bring back', () => {
    const states = (role: Before['role'], now: Partial<Observation> = {}): string =>
      check(nothingBefore(role, well.at), { ...well, role, ...now })
        .map(({ state }) => state)
        .join(' ');
    assert.equal(states('server'), 'passed passed passed passed passed');
    assert.equal(states('server', nodeIs({ ready: 'False' })), 'passed passed waiting passed passed');
    assert.equal(states('agent', unreached), 'passed excused excused excused passed');
    assert.equal(states('agent', { ...unreached, ...control('no-network') }), 'passed excused excused excused passed');
    assert.equal(states('server-only'), 'passed passed passed passed passed');
  });
});

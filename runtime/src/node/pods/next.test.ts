import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Desired, END_RETRY_MS, endKey, type Memory, nothingObserved, type Observed, type Step } from './model.ts';
import { killGroups, next } from './next.ts';
import { container, exited, instance, memory, pod, probes, sandbox, seen, started, T0 } from './testing.ts';

interface Case {
  name: string;
  pod?: Desired['pod'];
  gone?: boolean;
  observed?: Observed;
  memory?: Partial<Memory>;
  now?: number;
  /** `startContainer a 0`, `kill a 30`, `wait`, `wait 10` (seconds after T0). */
  step: string;
}

function text(step: Step): string {
  switch (step.do) {
    case 'wait':
      return step.until === undefined ? 'wait' : `wait ${(step.until - T0) / 1000}`;
    case 'startContainer':
      return `start ${step.role} ${step.name} ${step.attempt} in ${step.sandboxId}`;
    case 'kill':
      return `kill ${step.groups.map(g => g.map(c => c.name).join('+')).join(' then ')} in ${step.graceSeconds}`;
    case 'createSandbox':
      return `createSandbox ${step.attempt}`;
    case 'stopSandbox':
    case 'removeSandbox':
      return `${step.do} ${step.sandboxId}`;
    case 'removeContainer':
      return `removeContainer ${step.id}`;
    case 'finish':
      return `finish ${step.phase}${step.reason ? ` ${step.reason}` : ''}`;
    default:
      return step.do;
  }
}

function check(cases: readonly Case[]): void {
  for (const c of cases) {
    const desired = { pod: c.pod ?? pod(), gone: c.gone ?? false };
    const given = { observed: c.observed ?? nothingObserved, memory: memory(c.memory), now: c.now ?? T0 };
    const step = next(desired, given.observed, given.memory, given.now);
    assert.equal(text(step), c.step, c.name);
    assert.deepEqual(next(desired, given.observed, given.memory, given.now), step, `${c.name}: again`);
  }
}

const two = pod({ containers: [container('a'), container('b')] });
const retry = (seconds: number, reason = 'x') =>
  ({ notBefore: T0 + seconds * 1000, delayMs: seconds * 1000, reason, message: '' }) as const;

test('from nothing to running', () => {
  check([
    { name: 'volumes first', memory: { volumesMounted: false }, step: 'mountVolumes' },
    {
      name: 'volumes failed a moment ago',
      memory: { volumesMounted: false, retries: new Map([['volumes', retry(5)]]) },
      step: 'wait 5',
    },
    { name: 'then the sandbox', step: 'createSandbox 0' },
    { name: 'the sandbox failed a moment ago', memory: { retries: new Map([['sandbox', retry(3)]]) }, step: 'wait 3' },
    {
      name: 'the clock was set back',
      memory: { retries: new Map([['sandbox', retry(3)]]) },
      now: T0 - 60_000,
      step: 'createSandbox 0',
    },
    {
      name: 'and its time has come',
      memory: { retries: new Map([['sandbox', retry(3)]]) },
      now: T0 + 3000,
      step: 'createSandbox 0',
    },
    { name: 'then the container', observed: seen([]), step: 'start main a 0 in s0' },
    { name: 'one after another', pod: two, observed: seen([instance('a')]), step: 'start main b 0 in s0' },
    { name: 'all run', pod: two, observed: seen([instance('b'), instance('a')]), step: 'wait' },
    {
      name: 'a pull that failed does not hold up the others',
      pod: two,
      observed: seen([]),
      memory: { retries: new Map([['a', retry(10, 'ErrImagePull')]]) },
      step: 'start main b 0 in s0',
    },
    {
      name: 'and is tried again later',
      pod: two,
      observed: seen([instance('b')]),
      memory: { retries: new Map([['a', retry(10, 'ErrImagePull')]]) },
      step: 'wait 10',
    },
    {
      name: 'made and never started: removed',
      observed: seen([instance('a', { state: 'created' })]),
      step: 'removeContainer a-0',
    },
    {
      name: 'restart counts go on from the API when the runtime forgot',
      pod: {
        ...pod(),
        status: {
          containerStatuses: [
            { name: 'a', ready: true, restartCount: 4, image: '', imageID: '', containerID: 'containerd://x' },
          ],
        },
      },
      observed: seen([]),
      step: 'start main a 5 in s0',
    },
  ]);
});

test('sandboxes', () => {
  const dead = sandbox({ ready: false });
  check([
    { name: 'dead: another', observed: seen([], [dead]), step: 'createSandbox 1' },
    {
      name: 'dead, with a container still up: that first',
      observed: seen([instance('a')], [dead]),
      step: 'kill a in 30',
    },
    { name: 'no address', observed: seen([], [sandbox({ ips: [] })]), step: 'stopSandbox s0' },
    {
      name: 'host network needs none',
      pod: pod({ hostNetwork: true }),
      observed: seen([], [sandbox({ ips: [], hostNetwork: true })]),
      step: 'start main a 0 in s0',
    },
    {
      name: 'of the wrong network',
      observed: seen([], [sandbox({ hostNetwork: true })]),
      step: 'stopSandbox s0',
    },
    {
      name: 'two are up',
      observed: seen([], [sandbox({ id: 's1', attempt: 1 }), sandbox()]),
      step: 'stopSandbox s1',
    },
    {
      name: 'after a reboot everything is made again, attempts go on',
      observed: seen([exited('a', 137)], [sandbox({ id: 's1', attempt: 1 }), dead]),
      step: 'start main a 1 in s1',
    },
    {
      name: 'an old one without containers is forgotten',
      observed: seen([instance('a', { sandboxId: 's1' })], [sandbox({ id: 's1', attempt: 1 }), dead]),
      step: 'removeSandbox s0',
    },
    {
      name: 'a finished pod gets no new sandbox',
      pod: pod({ restartPolicy: 'Never' }),
      observed: seen([exited('a', 0)], [dead]),
      step: 'finish Succeeded',
    },
  ]);
});

test('restart policies: every policy, exit code and state', () => {
  const policies = ['Always', 'OnFailure', 'Never'] as const;
  for (const restartPolicy of policies)
    for (const exitCode of [0, 1, 137])
      for (const other of ['running', 'exited0', 'exited1'] as const) {
        const b = other === 'running' ? instance('b') : exited('b', other === 'exited0' ? 0 : 1);
        const restarts = (code: number): boolean =>
          restartPolicy === 'Always' || (restartPolicy === 'OnFailure' && code !== 0);
        const bCode = other === 'exited1' ? 1 : 0;
        const step = restarts(exitCode)
          ? 'start main a 1 in s0'
          : other === 'running'
            ? 'wait'
            : restarts(bCode)
              ? 'start main b 1 in s0'
              : `finish ${exitCode === 0 && bCode === 0 ? 'Succeeded' : 'Failed'}`;
        check([
          {
            name: `${restartPolicy}, a exited ${exitCode}, b ${other}`,
            pod: pod({ restartPolicy, containers: [container('a'), container('b')] }),
            observed: seen([exited('a', exitCode), b]),
            step,
          },
        ]);
      }
});

test('back-off', () => {
  const entry = (delaySeconds: number, updatedAgo = 0) =>
    new Map([['a', { delayMs: delaySeconds * 1000, lastUpdate: T0 - updatedAgo * 1000 }]]);
  check([
    { name: 'the first restart is at once', observed: seen([exited('a', 1)]), step: 'start main a 1 in s0' },
    {
      name: 'the second waits',
      observed: seen([exited('a', 1, { attempt: 1 })]),
      memory: { restarts: entry(10) },
      step: 'wait 10',
    },
    {
      name: 'until its time',
      observed: seen([exited('a', 1, { attempt: 1 })]),
      memory: { restarts: entry(10) },
      now: T0 + 10_000,
      step: 'start main a 2 in s0',
    },
    {
      name: 'ten good minutes forget it',
      observed: seen([exited('a', 1, { attempt: 7 })]),
      memory: { restarts: entry(300, 601) },
      step: 'start main a 8 in s0',
    },
    {
      name: 'the nearest time of several',
      pod: two,
      observed: seen([exited('a', 1), exited('b', 1)]),
      memory: {
        restarts: new Map([
          ['a', { delayMs: 40_000, lastUpdate: T0 }],
          ['b', { delayMs: 20_000, lastUpdate: T0 }],
        ]),
      },
      step: 'wait 20',
    },
    {
      name: 'at most two old instances are kept',
      observed: seen([instance('a', { attempt: 2 }), exited('a', 1, { attempt: 1 }), exited('a', 1)]),
      step: 'removeContainer a-0',
    },
  ]);
});

test('init containers', () => {
  const init = pod({ initContainers: [container('i'), container('j')] });
  const never = pod({ initContainers: [container('i'), container('j')], restartPolicy: 'Never' });
  check([
    { name: 'the first', pod: init, observed: seen([]), step: 'start init i 0 in s0' },
    { name: 'runs', pod: init, observed: seen([instance('i')]), step: 'wait' },
    { name: 'done: the second', pod: init, observed: seen([exited('i', 0)]), step: 'start init j 0 in s0' },
    {
      name: 'all done: the main ones',
      pod: init,
      observed: seen([exited('j', 0), exited('i', 0)]),
      step: 'start main a 0 in s0',
    },
    { name: 'failed: again', pod: init, observed: seen([exited('i', 1)]), step: 'start init i 1 in s0' },
    {
      name: 'failed again: backs off, nothing overtakes it',
      pod: init,
      observed: seen([exited('i', 1, { attempt: 1 })]),
      memory: { restarts: new Map([['i', { delayMs: 10_000, lastUpdate: T0 }]]) },
      step: 'wait 10',
    },
    { name: 'failed for good', pod: never, observed: seen([exited('i', 1)]), step: 'finish Failed' },
    {
      name: 'in a new sandbox they run again',
      pod: init,
      observed: seen(
        [exited('a', 1), exited('j', 0), exited('i', 0)],
        [sandbox({ id: 's1', attempt: 1 }), sandbox({ ready: false })],
      ),
      step: 'start init i 1 in s1',
    },
    {
      name: 'what a started pod no longer knows of them does not matter',
      pod: init,
      observed: seen([instance('a')]),
      step: 'wait',
    },
    {
      name: 'a failed init record of an earlier try does not end a started pod',
      pod: never,
      observed: seen([instance('a'), exited('i', 1)]),
      step: 'wait',
    },
  ]);
});

test('sidecars', () => {
  const spec = { initContainers: [container('s', { restartPolicy: 'Always' }), container('i')] };
  const withSidecar = pod(spec);
  const job = pod({ ...spec, restartPolicy: 'Never' });
  check([
    { name: 'starts in its turn', pod: withSidecar, observed: seen([]), step: 'start sidecar s 0 in s0' },
    { name: 'holds the next until it has started', pod: withSidecar, observed: seen([instance('s')]), step: 'wait' },
    {
      name: 'has started',
      pod: withSidecar,
      observed: seen([instance('s')]),
      memory: { probes: probes('s-0') },
      step: 'start init i 0 in s0',
    },
    {
      name: 'is restarted before the others go on',
      pod: withSidecar,
      observed: seen([exited('i', 0), exited('s', 0)]),
      step: 'start sidecar s 1 in s0',
    },
    {
      name: 'is restarted when the pod runs, even under Never',
      pod: job,
      observed: seen([instance('a'), exited('i', 0), exited('s', 1)]),
      step: 'start sidecar s 1 in s0',
    },
    {
      name: 'does not keep the pod from its end',
      pod: job,
      observed: seen([exited('a', 0), exited('i', 0), instance('s')]),
      memory: { probes: probes('s-0') },
      step: 'finish Succeeded',
    },
    {
      name: 'ends after the pod',
      pod: job,
      observed: seen([exited('a', 0), instance('s')]),
      memory: { verdict: { phase: 'Succeeded' } },
      step: 'kill s in 30',
    },
    {
      name: 'one in back-off does not hold up a running pod',
      pod: withSidecar,
      observed: seen([exited('a', 1), exited('i', 0), exited('s', 1, { attempt: 1 })]),
      memory: { restarts: new Map([['s', { delayMs: 10_000, lastUpdate: T0 }]]) },
      step: 'start main a 1 in s0',
    },
  ]);
  const several = pod({
    initContainers: [container('s', { restartPolicy: 'Always' }), container('t', { restartPolicy: 'Always' })],
  });
  const groups = killGroups(several, seen([instance('a'), instance('t'), instance('s')]));
  assert.deepEqual(
    groups.map(g => g.map(c => c.name)),
    [['a'], ['t'], ['s']],
    'the last started ends first',
  );
});

test('probes and changed containers', () => {
  const failed = (kind: 'liveness' | 'startup', graceSeconds?: number) =>
    new Map([['a-0', { ...started, failed: graceSeconds === undefined ? { kind } : { kind, graceSeconds } }]]);
  check([
    { name: 'liveness', observed: seen([instance('a')]), memory: { probes: failed('liveness') }, step: 'kill a in 30' },
    { name: 'startup', observed: seen([instance('a')]), memory: { probes: failed('startup') }, step: 'kill a in 30' },
    {
      name: "the probe's own grace",
      observed: seen([instance('a')]),
      memory: { probes: failed('liveness', 5) },
      step: 'kill a in 5',
    },
    { name: 'another image', observed: seen([instance('a', { hash: 'other' })]), step: 'kill a in 30' },
    { name: 'unknown state', observed: seen([instance('a', { state: 'unknown' })]), step: 'kill a in 30' },
  ]);
});

test('ephemeral containers start once', () => {
  const debugged = pod({ ephemeralContainers: [{ name: 'e', image: 'x' }] });
  check([
    { name: 'start', pod: debugged, observed: seen([instance('a')]), step: 'start ephemeral e 0 in s0' },
    { name: 'runs', pod: debugged, observed: seen([instance('a'), instance('e')]), step: 'wait' },
    { name: 'ended', pod: debugged, observed: seen([instance('a'), exited('e', 1)]), step: 'wait' },
  ]);
});

test('deadlines', () => {
  const limited = pod({ activeDeadlineSeconds: 60 });
  check([
    { name: 'before', pod: limited, observed: seen([instance('a')]), step: 'wait 60' },
    {
      name: 'over',
      pod: limited,
      observed: seen([instance('a')]),
      now: T0 + 60_000,
      step: 'finish Failed DeadlineExceeded',
    },
    {
      name: 'counted from the start the API knows',
      pod: { ...limited, status: { startTime: new Date(T0 - 50_000).toISOString() } },
      observed: seen([instance('a')]),
      step: 'wait 10',
    },
    {
      name: 'the nearer of deadline and back-off',
      pod: pod({ activeDeadlineSeconds: 5 }),
      observed: seen([exited('a', 1)]),
      memory: { restarts: new Map([['a', { delayMs: 10_000, lastUpdate: T0 }]]) },
      step: 'wait 5',
    },
  ]);
});

/** After this many failures to end each of these, the last a moment ago. */
const failing = (failures: number, ...ids: string[]): Partial<Memory> => ({
  retries: new Map(
    ids.map(id => {
      const delayMs = END_RETRY_MS * 2 ** (failures - 1);
      return [endKey(id), { notBefore: T0 + delayMs, delayMs, reason: 'Ending', message: '' }];
    }),
  ),
});

test('what the runtime does not end is tried again, and does not keep the pod from running', () => {
  const dead = sandbox({ ready: false });
  const next1 = sandbox({ id: 's1', attempt: 1 });
  const in1 = instance('a', { sandboxId: 's1' });
  const mute = sandbox({ ips: [] });
  const deleted = pod({}, { deletionTimestamp: '2026-11-21T12:00:30Z', deletionGracePeriodSeconds: 7 });
  const older = [3, 2, 1].map(attempt => exited('a', 1, { attempt }));
  const held = { restarts: new Map([['a', { delayMs: 10_000, lastUpdate: T0 }]]) };
  check([
    { name: 'a dead sandbox', observed: seen([], [next1, dead]), step: 'removeSandbox s0' },
    {
      name: 'not removed: the pod starts beside it',
      observed: seen([], [next1, dead]),
      memory: failing(1, 's0'),
      step: 'start main a 0 in s1',
    },
    {
      name: 'and it is tried again when its time comes',
      observed: seen([in1], [next1, dead]),
      memory: failing(1, 's0'),
      step: 'wait 2',
    },
    { name: 'ever later', observed: seen([in1], [next1, dead]), memory: failing(4, 's0'), step: 'wait 16' },
    {
      name: 'then',
      observed: seen([in1], [next1, dead]),
      memory: failing(4, 's0'),
      now: T0 + 16_000,
      step: 'removeSandbox s0',
    },
    {
      name: 'one is not removed, another is',
      observed: seen([in1], [next1, dead, sandbox({ id: 's', ready: false })]),
      memory: failing(2, 's0'),
      step: 'removeSandbox s',
    },
    {
      name: 'a record that stays keeps nobody',
      observed: seen([instance('b'), ...older]),
      pod: two,
      memory: { ...held, ...failing(1, 'a-1'), probes: probes('b-0') },
      step: 'wait 2',
    },
    {
      name: 'nor one that was never started',
      observed: seen([instance('a', { state: 'created' })]),
      memory: failing(1, 'a-0'),
      step: 'start main a 1 in s0',
    },
    {
      name: 'a sandbox that does not stop has a second chance',
      observed: seen([], [mute]),
      memory: failing(1, 's0'),
      step: 'wait 2',
    },
    {
      name: 'and no third: another beside it',
      observed: seen([], [mute]),
      memory: failing(2, 's0'),
      step: 'createSandbox 1',
    },
    {
      name: 'in which the pod runs',
      observed: seen([], [next1, mute]),
      memory: failing(2, 's0'),
      step: 'start main a 0 in s1',
    },
    {
      name: 'while it is told again',
      observed: seen([in1], [next1, mute]),
      memory: failing(3, 's0'),
      now: T0 + 8000,
      step: 'stopSandbox s0',
    },
    {
      name: 'attempts go on after the highest',
      observed: seen([], [dead, sandbox({ id: 's7', attempt: 7, ready: false })]),
      memory: failing(2, 's0', 's7'),
      step: 'createSandbox 8',
    },
    {
      name: 'an end waits for its network',
      pod: deleted,
      observed: seen([], [sandbox()]),
      memory: failing(3, 's0'),
      step: 'wait 8',
    },
    {
      name: 'what is gone: one after another',
      gone: true,
      observed: seen([exited('a', 0)], [dead]),
      memory: { cleanedUp: true, ...failing(1, 'a-0') },
      step: 'removeSandbox s0',
    },
    {
      name: 'what is gone stays until all of it is',
      gone: true,
      observed: seen([exited('a', 0)], [dead]),
      memory: { cleanedUp: true, ...failing(1, 'a-0', 's0') },
      step: 'wait 2',
    },
  ]);
});

test('the end, in order', () => {
  const deleted = pod({}, { deletionTimestamp: '2026-11-21T12:00:30Z', deletionGracePeriodSeconds: 7 });
  const verdict = { phase: 'Succeeded' } as const;
  check([
    { name: 'containers', pod: deleted, observed: seen([instance('a')]), step: 'kill a in 7' },
    { name: 'network', pod: deleted, observed: seen([exited('a', 143)]), step: 'stopSandbox s0' },
    { name: 'volumes', pod: deleted, observed: seen([exited('a', 143)], [sandbox({ ready: false })]), step: 'cleanUp' },
    {
      name: 'the API object',
      pod: deleted,
      observed: seen([exited('a', 143)], [sandbox({ ready: false })]),
      memory: { cleanedUp: true },
      step: 'deleteFromApi',
    },
    {
      name: 'not twice',
      pod: deleted,
      observed: seen([], [sandbox({ ready: false })]),
      memory: { cleanedUp: true, deletedFromApi: true },
      step: 'wait',
    },
    {
      name: 'again when the server did not answer',
      pod: deleted,
      memory: { cleanedUp: true, retries: new Map([['delete', retry(4)]]) },
      step: 'wait 4',
    },
    { name: 'never started', pod: deleted, memory: { cleanedUp: true }, step: 'deleteFromApi' },
    {
      name: 'a grace of nothing is a second',
      pod: pod({}, { deletionTimestamp: 'x', deletionGracePeriodSeconds: 0 }),
      observed: seen([instance('a')]),
      step: 'kill a in 1',
    },
    { name: 'gone: what runs ends soon', gone: true, observed: seen([instance('a')]), step: 'kill a in 1' },
    {
      name: 'gone: records',
      gone: true,
      observed: seen([exited('a', 0)], [sandbox({ ready: false })]),
      memory: { cleanedUp: true },
      step: 'removeContainer a-0',
    },
    {
      name: 'gone: sandbox',
      gone: true,
      observed: seen([], [sandbox({ ready: false })]),
      memory: { cleanedUp: true },
      step: 'removeSandbox s0',
    },
    { name: 'gone: nothing left', gone: true, memory: { cleanedUp: true }, step: 'forget' },
    { name: 'finished: its network', observed: seen([exited('a', 0)]), memory: { verdict }, step: 'stopSandbox s0' },
    {
      name: 'finished: stays for its logs',
      observed: seen([exited('a', 0)], [sandbox({ ready: false })]),
      memory: { verdict, cleanedUp: true },
      step: 'wait',
    },
    {
      name: 'finished, then deleted',
      pod: deleted,
      observed: seen([exited('a', 0)], [sandbox({ ready: false })]),
      memory: { verdict, cleanedUp: true },
      step: 'deleteFromApi',
    },
  ]);
});

test('every step leads on: a pod that obeys its steps comes to rest', () => {
  const specs = [
    pod(),
    two,
    pod({ initContainers: [container('i'), container('s', { restartPolicy: 'Always' })] }),
    pod({ restartPolicy: 'Never', initContainers: [container('i')] }),
  ];
  for (const each of specs)
    for (const exitCode of [0, 1]) {
      let observed: Observed = nothingObserved;
      let known = memory({ volumesMounted: false });
      let turns = 0;
      for (; turns < 50; turns++) {
        const step = next({ pod: each, gone: false }, observed, known, T0);
        if (step.do === 'wait') break;
        if (step.do === 'mountVolumes') known = { ...known, volumesMounted: true };
        if (step.do === 'createSandbox') observed = seen([]);
        if (step.do === 'finish') known = { ...known, verdict: step };
        if (step.do === 'cleanUp') known = { ...known, cleanedUp: true };
        if (step.do === 'stopSandbox') observed = { ...observed, sandboxes: [sandbox({ ready: false })] };
        if (step.do === 'removeContainer')
          observed = { ...observed, containers: observed.containers.filter(c => c.id !== step.id) };
        if (step.do === 'kill') {
          const ids = step.groups.flat().map(c => c.id);
          const down = observed.containers.map(c => (ids.includes(c.id) ? { ...c, state: 'exited' as const } : c));
          observed = { ...observed, containers: down };
        }
        if (step.do === 'startContainer') {
          const { name, attempt, role } = step;
          const ends = role === 'init' || each.spec?.restartPolicy === 'Never';
          const code = role === 'init' && attempt > 0 ? 0 : exitCode;
          const run = ends ? exited(name, code, { attempt }) : instance(name, { attempt });
          observed = { ...observed, containers: [run, ...observed.containers] };
          known = { ...known, probes: probes(...observed.containers.map(c => c.id)) };
        }
      }
      assert.ok(turns < 50, JSON.stringify(each.spec));
    }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, PodStatus } from '../../api/generated/types/core.v1.ts';
import type { Client } from '../../client/client.ts';
import { silentLogger } from '../../lib/log.ts';
import { ManualClock } from '../../lib/testing/manualClock.ts';
import type { Memory, Observed } from '../pods/model.ts';
import { container, exited, instance, memory, pod, probes, sandbox, seen, T0 } from '../pods/testing.ts';
import { chooseAddress, defaultInterface, type Interface } from './addresses.ts';
import { memoryThresholdBytes, type NodeMeasures, nodeConditions } from './nodeConditions.ts';
import { podStatus } from './podStatus.ts';
import { ApiStatusWriter, covers, patchOf } from './statusWriter.ts';

function statusOf(p: Pod, observed: Observed, more: Partial<Memory> = {}, now = T0): PodStatus {
  return podStatus({ pod: p, observed, memory: memory(more), hostIps: ['192.0.2.1'], now });
}

/** `Pending/ContainerCreating ready=False` in short. */
function short(status: PodStatus): string {
  const state = status.containerStatuses?.map(s => {
    const { waiting, running, terminated } = s.state ?? {};
    const last = s.lastState?.terminated ? `<${s.lastState.terminated.reason}` : '';
    return `${waiting?.reason ?? (running ? 'running' : terminated?.reason)}${last}${s.ready ? '!' : ''}`;
  });
  return `${status.phase} ${state?.join(' ')}`;
}

test('phase and container states', () => {
  const two = pod({ containers: [container('a'), container('b')] });
  const withInit = pod({ initContainers: [container('i')] });
  const never = pod({ restartPolicy: 'Never' });
  const onFailure = pod({ restartPolicy: 'OnFailure' });
  const deleted = pod({}, { deletionTimestamp: 'x' });
  const backoff = new Map([['a', { delayMs: 20_000, lastUpdate: T0 }]]);
  const pull = new Map([['a', { notBefore: T0 + 1, delayMs: 1, reason: 'ErrImagePull', message: 'm' }]]);
  const startError = (
    notBefore: number,
  ): Map<string, Memory['retries'] extends ReadonlyMap<string, infer R> ? R : never> =>
    new Map([['a', { notBefore, delayMs: 1500, reason: 'RunContainerError', message: 'm' }]]);
  const ready = { probes: probes('a-0') };
  const verdict = { phase: 'Failed', reason: 'DeadlineExceeded', message: 'too long' } as const;
  const cases: readonly (readonly [string, Pod, Observed, Partial<Memory>, string])[] = [
    ['nothing yet', pod(), seen([], []), {}, 'Pending ContainerCreating'],
    ['init first', withInit, seen([instance('i')]), {}, 'Pending PodInitializing'],
    ['init failed', withInit, seen([exited('i', 1)]), {}, 'Pending PodInitializing'],
    ['init done', withInit, seen([exited('i', 0)]), {}, 'Pending PodInitializing'],
    ['runs, not ready', pod(), seen([instance('a')]), {}, 'Running running'],
    ['runs, ready', pod(), seen([instance('a')]), ready, 'Running running!'],
    ['one of two', two, seen([instance('a')]), ready, 'Pending running! ContainerCreating'],
    ['cannot pull', pod(), seen([]), { retries: pull }, 'Pending ErrImagePull'],
    ['exited, about to restart', pod(), seen([exited('a', 1)]), {}, 'Running Error'],
    ['backs off', pod(), seen([exited('a', 1)]), { restarts: backoff }, 'Running CrashLoopBackOff<Error'],
    [
      'could not start',
      pod(),
      seen([exited('a', 128)]),
      { retries: startError(T0 + 1) },
      'Running RunContainerError<Error',
    ],
    [
      'could not start, backs off',
      pod(),
      seen([exited('a', 128)]),
      { retries: startError(T0), restarts: backoff },
      'Running CrashLoopBackOff<Error',
    ],
    ['runs again', pod(), seen([instance('a', { attempt: 1 }), exited('a', 0)]), {}, 'Running running<Completed'],
    ['ended well', never, seen([exited('a', 0)]), {}, 'Succeeded Completed'],
    ['ended badly', never, seen([exited('a', 2)]), {}, 'Failed Error'],
    ['on failure, failed', onFailure, seen([exited('a', 2)]), {}, 'Running Error'],
    ['on failure, done', onFailure, seen([exited('a', 0)]), {}, 'Succeeded Completed'],
    ['reason of the runtime', never, seen([exited('a', 137, { reason: 'OOMKilled' })]), {}, 'Failed OOMKilled'],
    ['deleted, still up', deleted, seen([instance('a')]), ready, 'Running running!'],
    ['deleted, down', deleted, seen([exited('a', 143)]), {}, 'Failed Error'],
    ['a verdict stands', pod(), seen([exited('a', 0)]), { verdict }, 'Failed Completed'],
  ];
  for (const [name, p, observed, more, want] of cases) assert.equal(short(statusOf(p, observed, more)), want, name);
  const first = statusOf(withInit, seen([], [])).initContainerStatuses?.[0];
  assert.equal(first?.state?.waiting?.reason, 'PodInitializing');
  const { reason, message } = statusOf(pod(), seen([]), { verdict });
  assert.deepEqual([reason, message], ['DeadlineExceeded', 'too long']);
});

test('what the runtime lost is told', () => {
  const before: PodStatus = {
    containerStatuses: [
      {
        name: 'a',
        ready: true,
        restartCount: 2,
        image: 'i',
        imageID: 'd',
        containerID: 'containerd://x',
        state: { running: {} },
      },
    ],
  };
  const lost = statusOf({ ...pod(), status: before }, seen([]), { verdict: { phase: 'Failed' } })
    .containerStatuses?.[0];
  assert.equal(lost?.state?.terminated?.reason, 'ContainerStatusUnknown');
  assert.equal(lost?.restartCount, 2);
});

test('conditions, and since when', () => {
  const p = pod({ initContainers: [container('i')], readinessGates: [{ conditionType: 'gate' }] });
  const of = (status: PodStatus, type: string) => status.conditions?.find(c => c.type === type);
  const waiting = statusOf(p, seen([instance('i')]));
  assert.equal(of(waiting, 'Initialized')?.message, 'containers with incomplete status: [i]');
  assert.equal(of(waiting, 'ContainersReady')?.message, 'containers with unready status: [a]');
  assert.equal(of(waiting, 'PodReadyToStartContainers')?.status, 'True');
  const up = seen([instance('a'), exited('i', 0)]);
  const running = statusOf({ ...p, status: waiting }, up, { probes: probes('a-0') }, T0 + 5000);
  assert.equal(of(running, 'ContainersReady')?.status, 'True');
  assert.equal(of(running, 'ContainersReady')?.lastTransitionTime, '2026-11-21T12:00:05Z');
  assert.equal(of(running, 'PodScheduled')?.lastTransitionTime, '2026-11-21T12:00:00Z');
  assert.equal(of(running, 'Ready')?.reason, 'ReadinessGatesNotReady');
  const gate = { type: 'gate', status: 'True' };
  const open = { ...p, status: { ...running, conditions: [...(running.conditions ?? []), gate] } };
  assert.equal(of(statusOf(open, up, { probes: probes('a-0') }), 'Ready')?.status, 'True');
  const done = statusOf(pod({ restartPolicy: 'Never' }), seen([exited('a', 0)], [sandbox({ ready: false })]));
  assert.equal(of(done, 'Ready')?.reason, 'PodCompleted');
  assert.equal(of(done, 'PodReadyToStartContainers')?.status, 'False');
});

test('addresses of the pod', () => {
  const host = pod({ hostNetwork: true });
  assert.equal(statusOf(pod(), seen([])).podIP, '10.42.0.5');
  assert.equal(statusOf(host, seen([], [sandbox({ hostNetwork: true, ips: [] })])).podIP, '192.0.2.1');
  const kept = { ...pod(), status: { podIP: '10.42.0.9', podIPs: [{ ip: '10.42.0.9' }] } };
  assert.equal(statusOf(kept, seen([], [sandbox({ ready: false, ips: [] })])).podIP, '10.42.0.9');
});

test('patches remove what is no longer said', () => {
  const p = pod();
  const old: PodStatus = { phase: 'Running', podIPs: [{ ip: '1.1.1.1' }], message: 'old' };
  const status: PodStatus = {
    phase: 'Failed',
    podIPs: [{ ip: '2.2.2.2' }],
    conditions: [{ type: 'Ready', status: 'True' }],
  };
  assert.deepEqual(patchOf(p, old, status), {
    metadata: { uid: 'u' },
    status: {
      phase: 'Failed',
      message: null,
      podIPs: [{ $patch: 'replace' }, { ip: '2.2.2.2' }],
      conditions: [{ reason: null, message: null, type: 'Ready', status: 'True' }],
    },
  });
  const foreign = { type: 'gate', status: 'False' };
  assert.equal(covers({ ...status, conditions: [{ type: 'Ready', status: 'True' }, foreign] }, status), true);
  assert.equal(covers({ ...status, conditions: [{ type: 'Ready', status: 'True', reason: 'x' }] }, status), false);
  assert.equal(covers({ ...status, message: 'x' }, status), false);
});

test('addresses replace what the API has, also what is not known here: two of a family are refused', () => {
  const status: PodStatus = { phase: 'Running', podIPs: [{ ip: '2.2.2.2' }], hostIPs: [{ ip: '3.3.3.3' }] };
  const patch = patchOf(pod(), undefined, status) as { status: PodStatus };
  assert.deepEqual(patch.status.podIPs, [{ $patch: 'replace' }, { ip: '2.2.2.2' }]);
  assert.deepEqual(patch.status.hostIPs, [{ $patch: 'replace' }, { ip: '3.3.3.3' }]);
});

test('the writer sends the newest, once, and again until it arrives', async () => {
  const clock = new ManualClock();
  const sent: unknown[] = [];
  let away = false;
  const client = {
    patch: async (_: unknown, __: unknown, patch: { status: PodStatus }) => {
      if (away) throw new Error('away');
      sent.push(patch.status.phase);
    },
  } as unknown as Client;
  const writer = new ApiStatusWriter({ client, clock, logger: silentLogger });
  writer.set(pod(), { phase: 'Pending' });
  writer.set(pod(), { phase: 'Running' });
  await clock.advance(0);
  writer.set(pod(), { phase: 'Running' });
  await clock.advance(0);
  assert.deepEqual(sent, ['Running'], 'changes of one moment are one request');
  away = true;
  writer.set(pod(), { phase: 'Succeeded' });
  await clock.advance(3000);
  await assert.rejects(writer.flush('u'), /away/);
  away = false;
  await writer.flush('u');
  await clock.advance(60_000);
  assert.deepEqual(sent, ['Running', 'Succeeded']);
  const known = { ...pod({}, { uid: 'v' }), status: { phase: 'Running' as const } };
  writer.set(known, { phase: 'Running' });
  await clock.advance(0);
  assert.equal(sent.length, 2, 'what the API has is not sent');
  writer.close();
});

test('a status made without the API is not sent; what the API has is compared with when it is known', async () => {
  const clock = new ManualClock();
  const sent: PodStatus[] = [];
  const client = {
    patch: async (_: unknown, __: unknown, patch: { status: PodStatus }) => {
      sent.push(patch.status);
    },
  } as unknown as Client;
  const writer = new ApiStatusWriter({ client, clock, logger: silentLogger });
  const api: PodStatus = { phase: 'Running', startTime: '2026-11-21T10:00:00Z' };
  writer.hold(pod(), { phase: 'Pending', startTime: '2026-11-21T12:00:00Z' });
  writer.hold(pod(), { phase: 'Running', startTime: '2026-11-21T12:00:00Z' });
  assert.equal(writer.current('u')?.phase, 'Running');
  await writer.flush('u');
  await clock.advance(60_000);
  assert.deepEqual(sent, []);
  writer.set({ ...pod(), status: api }, { ...api });
  await clock.advance(0);
  assert.deepEqual(sent, [], 'the API has it already');
  writer.set({ ...pod(), status: api }, { ...api, phase: 'Succeeded' });
  await clock.advance(0);
  assert.deepEqual(
    sent.map(({ phase, startTime }) => [phase, startTime]),
    [['Succeeded', api.startTime]],
  );
  writer.close();
});

test('what others have made of a status is put right, what is merely old is not', async () => {
  const clock = new ManualClock();
  const at = (resourceVersion: string, ready: string): Pod => ({
    ...pod({}, { resourceVersion }),
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready }] },
  });
  let sent = 0;
  const client = {
    patch: async () => {
      sent++;
      return at('7', 'True');
    },
  } as unknown as Client;
  const writer = new ApiStatusWriter({ client, clock, logger: silentLogger });
  const status: PodStatus = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
  for (const [known, want] of [
    [at('5', 'False'), 1],
    [at('6', 'False'), 1], // from before our word, late
    [at('7', 'True'), 1],
    [at('8', 'True'), 1],
    [at('9', 'False'), 2],
  ] as const) {
    writer.set(known, { ...status });
    await clock.advance(0);
    assert.equal(sent, want, `after revision ${known.metadata.resourceVersion}`);
  }
  writer.close();
});

test('the node’s address: default route, else any global one, else the bridge, else loopback', () => {
  const table = 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n';
  assert.equal(
    defaultInterface(
      `${table}wlan0\t00000000\t01\t3\t0\t0\t600\t00000000\neth0\t00000000\t01\t3\t0\t0\t100\t00000000\n`,
    ),
    'eth0',
  );
  assert.equal(defaultInterface(`${table}eth0\t0000FEA9\t0\t1\t0\t0\t0\t0000FFFF\n`), undefined);
  const at = (name: string, address: string, family = 'IPv4', internal = false): Interface => ({
    name,
    address,
    family,
    internal,
  });
  const lo = at('lo', '127.0.0.1', 'IPv4', true);
  const bridge = at('cni0', '10.42.0.1');
  for (const [interfaces, route, fallback, want] of [
    [[lo, at('eth0', '192.0.2.5'), at('eth1', '198.51.100.5')], 'eth1', undefined, '198.51.100.5'],
    [[lo, bridge, at('eth0', '192.0.2.5')], undefined, '10.42.0.1', '192.0.2.5'],
    [[lo, at('eth0', '2001:db8::5', 'IPv6')], 'eth0', undefined, '2001:db8::5'],
    [[lo, at('eth0', 'fe80::1', 'IPv6'), at('eth0', '169.254.3.4'), bridge], undefined, '10.42.0.1', '10.42.0.1'],
    [[lo], undefined, undefined, '127.0.0.1'],
  ] as const)
    assert.equal(chooseAddress(interfaces, route, fallback), want);
});

test('node conditions', () => {
  const gi = 2 ** 30;
  const good: NodeMeasures = {
    runtime: {
      conditions: [
        { type: 'RuntimeReady', status: true, reason: '', message: '' },
        { type: 'NetworkReady', status: true, reason: '', message: '' },
      ],
    },
    notReady: undefined,
    memory: { totalBytes: gi, availableBytes: gi / 2 },
    disk: { totalBytes: 10 * gi, availableBytes: 5 * gi },
    pids: { processes: 100, maximum: 32_768 },
  };
  const noNetwork = {
    conditions: [
      { type: 'RuntimeReady', status: true, reason: '', message: '' },
      { type: 'NetworkReady', status: false, reason: 'NetworkPluginNotReady', message: 'cni plugin not initialized' },
    ],
  };
  for (const [more, type, status, message] of [
    [{}, 'Ready', 'True', 'kubelet is posting ready status'],
    [{}, 'MemoryPressure', 'False', 'kubelet has sufficient memory available'],
    [
      { memory: { totalBytes: gi, availableBytes: gi / 50 } },
      'MemoryPressure',
      'True',
      'kubelet has insufficient memory available',
    ],
    [{}, 'DiskPressure', 'False', 'kubelet has no disk pressure'],
    [{ disk: { totalBytes: 100, availableBytes: 9 } }, 'DiskPressure', 'True', 'kubelet has disk pressure'],
    [{ pids: { processes: 95, maximum: 100 } }, 'PIDPressure', 'True', 'kubelet has insufficient PID available'],
    [{ runtime: undefined }, 'Ready', 'False', 'container runtime is down'],
    [{ notReady: 'images are being imported' }, 'Ready', 'False', 'images are being imported'],
    [
      { runtime: noNetwork },
      'Ready',
      'False',
      'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:cni plugin not initialized',
    ],
  ] as const) {
    const found = nodeConditions({ ...good, ...more } as NodeMeasures, [], T0).find(c => c.type === type);
    assert.deepEqual([found?.status, found?.message], [status, message], `${type} ${JSON.stringify(more)}`);
  }
  const before = nodeConditions(good, [], T0);
  const later = nodeConditions({ ...good, runtime: undefined }, before, T0 + 60_000);
  assert.deepEqual(
    later.map(c => [c.type, c.lastTransitionTime]),
    [
      ['MemoryPressure', '2026-11-21T12:00:00Z'],
      ['DiskPressure', '2026-11-21T12:00:00Z'],
      ['PIDPressure', '2026-11-21T12:00:00Z'],
      ['Ready', '2026-11-21T12:01:00Z'],
    ],
  );
  assert.equal(memoryThresholdBytes(16 * gi), 100 * 2 ** 20);
  assert.equal(memoryThresholdBytes(gi / 2), Math.floor(gi / 40));
});

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { after, before, test } from 'node:test';
import type { Container, Probe } from '../../api/generated/types/core.v1.ts';
import { ManualClock } from '../../lib/testing/manualClock.ts';
import { CriClient, CriError } from '../cri/client.ts';
import { container, instance, pod } from '../pods/testing.ts';
import { ask, portOf, type Target } from './handlers.ts';
import { firstAskAt, initialJudgement, type Judgement, judge, timingOf } from './judge.ts';
import { Prober } from './prober.ts';

test('verdicts change after enough equal answers', () => {
  const timing = timingOf({ successThreshold: 2, failureThreshold: 3 });
  for (const [kind, answers, verdicts] of [
    ['readiness', '++', '-+'],
    ['readiness', '+-++', '---+'],
    ['readiness', '++--+---', '-+++++' + '+-'],
    ['liveness', '--+---', '+++++-'],
    ['startup', '--++', '???+'],
    ['startup', '---', '??-'],
  ] as const) {
    let judgement: Judgement = initialJudgement(kind);
    let said = '';
    for (const answer of answers) {
      judgement = judge(judgement, answer === '+', timing);
      said += judgement.verdict === undefined ? '?' : judgement.verdict ? '+' : '-';
    }
    assert.equal(said, verdicts, `${kind} ${answers}`);
  }
});

test('times: defaults, and the first question', () => {
  assert.deepEqual(timingOf({}), {
    initialDelayMs: 0,
    periodMs: 10_000,
    timeoutMs: 1000,
    successThreshold: 1,
    failureThreshold: 3,
  });
  assert.equal(firstAskAt(1000, timingOf({ initialDelaySeconds: 5 }), 2000), 6000);
  assert.equal(firstAskAt(1000, timingOf({ initialDelaySeconds: 5 }), 60_000), 60_000, 'an agent that starts late');
});

test('ports by number and name', () => {
  const c = container('a', { ports: [{ name: 'http', containerPort: 8080 }] });
  assert.equal(portOf('http', c), 8080);
  assert.equal(portOf('81', c), 81);
  assert.equal(portOf(82, c), 82);
  assert.throws(() => portOf('none', c), /couldn't find port: none/);
});

const web = createServer((request, response) => {
  const [, status = '200'] = /status=(\d+)/.exec(request.url ?? '') ?? [];
  if (request.url === '/slow') return;
  if (request.url === '/to') response.setHeader('location', '/?status=503');
  if (request.url === '/away') response.setHeader('location', 'http://elsewhere.invalid/');
  response.statusCode = request.url === '/to' || request.url === '/away' ? 302 : Number(status);
  response.end(`probe ${request.headers['x-probe'] ?? ''}`);
});
const deaf = createTcpServer(socket => socket.destroy());
before(async () => {
  await new Promise<void>(resolve => web.listen(0, '127.0.0.1', resolve));
  await new Promise<void>(resolve => deaf.listen(0, '127.0.0.1', resolve));
});
after(() => {
  web.closeAllConnections();
  web.close();
  deaf.close();
});
const portNumber = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

const target = (
  execSync: CriClient['execSync'] = async () => ({ stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), exitCode: 0 }),
): Target => ({
  cri: { execSync },
  container: container('a'),
  containerId: 'id',
  podIp: '127.0.0.1',
});

test('HTTP answers', async () => {
  const never = new AbortController().signal;
  for (const [path, ok, text] of [
    ['/', true, 'probe '],
    ['/?status=204', true, ''],
    ['/?status=399', true, 'probe '],
    ['/?status=400', false, 'HTTP probe failed with statuscode: 400'],
    ['/?status=500', false, 'HTTP probe failed with statuscode: 500'],
    ['/to', false, 'HTTP probe failed with statuscode: 503'],
    ['/away', true, 'Probe terminated redirects, Response body: probe '],
  ] as const) {
    const answer = await ask({ httpGet: { path, port: portNumber(web) } }, target(), 2000, never);
    assert.deepEqual(answer, { ok, text }, path);
  }
  const headed = { path: '/', port: portNumber(web), httpHeaders: [{ name: 'X-Probe', value: 'me' }] };
  assert.equal((await ask({ httpGet: headed }, target(), 2000, never)).text, 'probe me');
  const late = await ask({ httpGet: { path: '/slow', port: portNumber(web) } }, target(), 100, never);
  assert.equal(late.ok, false);
  assert.match(late.text, /context deadline exceeded/);
});

test('TCP and exec answers', async () => {
  const never = new AbortController().signal;
  assert.equal((await ask({ tcpSocket: { port: portNumber(deaf) } }, target(), 1000, never)).ok, true);
  const refused = await ask({ tcpSocket: { port: 1 } }, target(), 1000, never);
  assert.equal(refused.ok, false);
  assert.match(refused.text, /dial tcp \S+: connect: connection refused$/);
  const output = async () => ({ stdout: Buffer.from('out'), stderr: Buffer.from('err'), exitCode: 3 });
  assert.deepEqual(await ask({ exec: { command: ['x'] } }, target(output), 1000, never), { ok: false, text: 'outerr' });
  const tooLate = async () => {
    throw new CriError('ExecSync', 'DEADLINE_EXCEEDED', '');
  };
  const text = 'command timed out: "sleep 9" timed out after 1s';
  assert.deepEqual(await ask({ exec: { command: ['sleep', '9'] } }, target(tooLate), 1000, never), { ok: false, text });
});

/** A prober whose container answers as the test says, over time the test holds. */
function probed(more: Partial<Container>, answers: Record<string, boolean>) {
  const clock = new ManualClock();
  const asked: string[] = [];
  const cri = new CriClient('/nowhere');
  cri.execSync = async (_, [name = '']) => {
    asked.push(`${name}@${(clock.now() - start) / 1000}`);
    return { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), exitCode: answers[name] ? 0 : 1 };
  };
  const start = clock.now();
  let changes = 0;
  const prober = new Prober({
    cri,
    clock,
    onChange: () => {
      changes++;
    },
    onUnhealthy: () => {},
  });
  const running = instance('a', { id: 'id', startedAt: start });
  const sync = (): void => prober.sync(pod({ containers: [container('a', more)] }), [running], '127.0.0.1');
  sync();
  return { clock, asked, prober, sync, result: () => prober.results.get('id'), changes: () => changes };
}

const exec = (name: string, more: Partial<Probe> = {}): Probe => ({
  exec: { command: [name] },
  periodSeconds: 5,
  ...more,
});

test('without probes a running container is started and ready', () => {
  const { result } = probed({}, {});
  assert.deepEqual(result(), { started: true, ready: true });
});

test('startup first, then the others at once', async () => {
  const answers = { startup: false, live: true, ready: true };
  const p = probed(
    {
      startupProbe: exec('startup', { failureThreshold: 10, initialDelaySeconds: 2 }),
      livenessProbe: exec('live'),
      readinessProbe: exec('ready'),
    },
    answers,
  );
  await p.clock.advance(8000);
  assert.deepEqual(p.asked, ['startup@2', 'startup@7']);
  assert.deepEqual(p.result(), { started: false, ready: false });
  answers.startup = true;
  await p.clock.advance(4000);
  assert.deepEqual(p.asked.slice(2), ['startup@12', 'live@12', 'ready@12']);
  assert.deepEqual(p.result(), { started: true, ready: true });
  p.sync();
  await p.clock.advance(5000);
  assert.deepEqual(p.asked.slice(5), ['live@17', 'ready@17']);
  p.prober.close();
  assert.equal(p.clock.pending, 0, 'nothing is asked after the end');
});

test('a container that no longer lives is asked nothing more', async () => {
  const answers = { live: true, ready: true };
  const p = probed(
    {
      livenessProbe: exec('live', { failureThreshold: 2, terminationGracePeriodSeconds: 3 }),
      readinessProbe: exec('ready'),
    },
    answers,
  );
  await p.clock.advance(0);
  assert.deepEqual(p.result(), { started: true, ready: true });
  answers.live = false;
  await p.clock.advance(5000);
  assert.equal(p.result()?.failed, undefined);
  await p.clock.advance(5000);
  assert.deepEqual(p.result()?.failed, { kind: 'liveness', graceSeconds: 3 });
  assert.equal(p.clock.pending, 0);
});

test('readiness goes and comes; liveness ends with the pod', async () => {
  const answers = { live: true, ready: true };
  const p = probed({ livenessProbe: exec('live'), readinessProbe: exec('ready', { failureThreshold: 1 }) }, answers);
  await p.clock.advance(0);
  answers.ready = false;
  await p.clock.advance(5000);
  assert.equal(p.result()?.ready, false);
  answers.ready = true;
  await p.clock.advance(5000);
  assert.equal(p.result()?.ready, true);
  p.prober.endLiveness();
  const before = p.asked.length;
  await p.clock.advance(5000);
  assert.deepEqual(p.asked.slice(before), ['ready@15']);
  assert.equal(p.changes(), 3);
  p.prober.close();
});

/**
 * Whether a machine is as well as it was: what runs now against what ran before. Pure: the same two values always give the same answer.
 *
 * Nothing here is ever beyond hope: what is not well is `waiting`, and only the deadline makes a failure of it ({@link verdictOf}).
 * `excused` is what cannot be well now for a reason outside of this machine, or what was not well before either.
 */
import type { Before, HealthCheckResult, HealthReport } from '../upgrade/types.ts';
import { checkPods } from './checkPods.ts';
import { isUnknown, type Observation, type UnitNow } from './observation.ts';

type State = HealthCheckResult['state'];

/** The demands on a machine that nothing is known of from before: the first boot of an image. */
export const nothingBefore = (role: Before['role'], takenAt: string): Before => ({
  role,
  takenAt,
  nodeReady: role !== 'server-only',
  serverReachable: role !== 'agent',
  pods: [],
  failedUnits: [],
});

/** One result a check, in the order in which a machine comes up. */
export function check(before: Before, now: Observation): readonly HealthCheckResult[] {
  const controlPlane = checkControlPlane(before, now);
  const excused = controlPlane.state === 'excused';
  return [
    checkUnits(before, now),
    controlPlane,
    checkNode(before, now, excused),
    checkServices(before, now, excused),
    checkPods(before, now, excused),
  ];
}

/** How long what is excused may still come, as a share of the deadline. */
const PATIENCE = 0.5;

/**
 * Healthy: all passed; what is excused is waited for until half of the time is over. Failed: something still waits at the deadline.
 */
export function verdictOf(
  checks: readonly HealthCheckResult[],
  uptimeSeconds: number,
  deadlineSeconds: number,
): HealthReport['verdict'] {
  if (checks.every(({ state }) => state === 'passed')) return 'healthy';
  const open = checks.some(({ state }) => state === 'waiting' || state === 'failed');
  if (!open && uptimeSeconds >= deadlineSeconds * PATIENCE) return 'healthy';
  return uptimeSeconds >= deadlineSeconds ? 'failed' : 'waiting';
}

/** What waits is what failed. */
export const atDeadline = (checks: readonly HealthCheckResult[]): readonly HealthCheckResult[] =>
  checks.map(result => (result.state === 'waiting' ? { ...result, state: 'failed' } : result));

/** The first that is in the way, in the order of the checks: what comes later mostly follows from it. */
export const firstOpen = (checks: readonly HealthCheckResult[]): HealthCheckResult | undefined =>
  checks.find(({ state }) => state === 'failed') ??
  checks.find(({ state }) => state === 'waiting') ??
  checks.find(({ state }) => state === 'excused');

const result = (name: HealthCheckResult['check'], state: State, message: string): HealthCheckResult => ({
  check: name,
  state,
  message,
});

function checkUnits(before: Before, { units }: Observation): HealthCheckResult {
  const say = (state: State, message: string): HealthCheckResult => result('units', state, message);
  if (units.system === '') return say('waiting', 'systemd does not answer');
  const known = new Set(before.failedUnits);
  const down = units.wanted.filter(({ name, active }) => active !== 'active' && !known.has(name));
  if (down[0]) return say('waiting', `${unitText(down[0])}${others(down.length)}`);
  const failed = units.failed.filter(({ name }) => !known.has(name));
  if (failed[0]) return say('waiting', `${unitText(failed[0])}${others(failed.length)}`);
  if (units.system !== 'running' && units.system !== 'degraded') {
    const jobs = units.jobs.length > 0 ? `: ${units.jobs.slice(0, 3).join(', ')}${others(units.jobs.length - 2)}` : '';
    return say('waiting', `the system is ${units.system}${jobs}`);
  }
  const asBefore =
    units.failed.length > 0 ? `; ${units.failed.map(({ name }) => name).join(', ')} failed before too` : '';
  return say('passed', `${units.wanted.map(({ name }) => name).join(', ')} up, nothing failed${asBefore}`);
}

const others = (count: number): string => (count > 1 ? ` and ${count - 1} more` : '');

/** `atoll-server.service is activating (auto-restart), restarted 4 times: the store is damaged` */
function unitText({ name, active, sub, restarts, why }: UnitNow): string {
  const how = sub === '' || sub === active ? active : `${active} (${sub})`;
  const again = restarts > 0 ? `, restarted ${restarts} ${restarts === 1 ? 'time' : 'times'}` : '';
  return `${name} is ${how}${again}${why === '' ? '' : `: ${why}`}`;
}

function checkControlPlane(before: Before, { controlPlane, role }: Observation): HealthCheckResult {
  const { state, server, why } = controlPlane;
  const say = (verdict: State, message: string): HealthCheckResult => result('control-plane', verdict, message);
  if (state === 'ready') return say('passed', `${server} is ready`);
  if (role !== 'agent') return say('waiting', `${server} is not ready${why === '' ? '' : `: ${why}`}`);
  // An agent: the server is another machine's business, the way to it is this one's.
  if (state === 'not-ready') return say('excused', `${server} answers that it is not ready: ${why}`);
  if (state === 'refused' || state === 'silent')
    return say('excused', `${server} cannot be reached, while the network of this machine works: ${why}`);
  if (!before.serverReachable) return say('excused', `${server} cannot be reached, as before: ${why}`);
  const how = { untrusted: 'and this node do not trust each other', unasked: 'cannot be asked yet' };
  return say('waiting', `${server} ${state === 'no-network' ? 'cannot be reached' : how[state]}: ${why}`);
}

function checkNode(before: Before, now: Observation, excused: boolean): HealthCheckResult {
  const say = (state: State, message: string): HealthCheckResult => result('node', state, message);
  const { node, bootId } = now;
  if (now.role === 'server-only' || node === undefined) return say('passed', 'this machine is no node');
  if (isUnknown(node)) return say(excused ? 'excused' : 'waiting', `it is not known: ${node.unknown}`);
  if (node.bootId !== bootId)
    return say(excused ? 'excused' : 'waiting', `${now.nodeName ?? 'the node'} has not reported since this boot`);
  if (node.ready === 'True') {
    const pressure = node.pressure.length > 0 ? `, with ${node.pressure.join('; ')}` : '';
    return say('passed', `${now.nodeName ?? 'the node'} is Ready${pressure}`);
  }
  const why = [node.reason, node.message].filter(text => text !== '').join(': ') || 'no reason given';
  if (!before.nodeReady) return say('excused', `not Ready, as before: ${why}`);
  return say(excused ? 'excused' : 'waiting', `not Ready: ${why}`);
}

function checkServices(before: Before, { services, role }: Observation, excused: boolean): HealthCheckResult {
  const say = (state: State, message: string): HealthCheckResult => result('services', state, message);
  const { kubernetes, dns } = services;
  if (isUnknown(kubernetes))
    return say(excused ? 'excused' : 'waiting', `services are not known: ${kubernetes.unknown}`);
  if (!kubernetes.endpoints.some(({ answers }) => answers)) {
    const [first] = kubernetes.endpoints;
    const why = first
      ? `no endpoint of the Service kubernetes answers: ${first.address}: ${first.why}`
      : 'the Service kubernetes has no endpoints';
    if (excused) return say('excused', why);
    // An agent may reach its server by another way than the address in the cluster.
    if (role === 'agent' && before.kubernetesAnswered !== true) return say('excused', `${why}; as before`);
    return say('waiting', why);
  }
  if (isUnknown(dns)) return say(excused ? 'excused' : 'waiting', `the cluster's DNS is not known: ${dns.unknown}`);
  const answering = dns.endpoints.filter(({ answers }) => answers).length;
  if (answering > 0) return say('passed', `the Service kubernetes and the cluster's DNS answer`);
  if (before.dnsAnswered !== true)
    return say(
      'passed',
      `the Service kubernetes answers; ${dns.endpoints.length > 0 ? 'the cluster DNS does not, as before' : 'there is no cluster DNS'}`,
    );
  const [first] = dns.endpoints;
  return say(
    'waiting',
    first ? `the cluster's DNS does not answer: ${first.address}: ${first.why}` : `the cluster's DNS has no endpoints`,
  );
}

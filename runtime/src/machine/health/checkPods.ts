/** The pods that ran before run again, and are as ready as they were. */
import type { Before, HealthCheckResult, PodBefore } from '../upgrade/types.ts';
import { isUnknown, type Observation, type PodNow, type RuntimeNow } from './observation.ts';

/** Reasons of a pod that ended for another cause than its node's software. */
const disrupted = new Set(['Evicted', 'Preempting', 'Terminated', 'NodeShutdown', 'Shutdown', 'NodeLost']);

/** @param excused the control plane cannot be asked, and that is not this machine's fault */
export function checkPods(before: Before, now: Observation, excused: boolean): HealthCheckResult {
  const result = (state: HealthCheckResult['state'], message: string): HealthCheckResult => ({
    check: 'pods',
    state,
    message,
  });
  if (before.role === 'server-only' || now.runtime === undefined)
    return result('passed', 'no pods run on this machine');
  if (isUnknown(now.runtime)) return result('waiting', `the container runtime does not answer: ${now.runtime.unknown}`);
  if (before.pods.length === 0) return result('passed', 'no pod ran before');
  if (isUnknown(now.pods))
    return excused ? withoutServer(before.pods, now.runtime) : result('waiting', now.pods.unknown);

  const missing = podsMissing(before.pods, now.pods, now.runtime);
  const count = before.pods.length - missing.length;
  const [first] = missing;
  if (first === undefined)
    return result('passed', `all ${before.pods.length} that ran before run, or are gone for good`);
  return result('waiting', `${count} of ${before.pods.length} run: ${first}${more(missing.length - 1)}`);
}

const more = (count: number): string => (count > 0 ? `; and ${count} more` : '');

/** By the container runtime alone: what ran and runs is counted; what does not waits for the server to say that it should. */
function withoutServer(pods: readonly PodBefore[], runtime: RuntimeNow): HealthCheckResult {
  const waiting = pods.filter(pod => (runtime.running[pod.uid]?.length ?? 0) < (pod.containers ?? 1));
  const running = pods.length - waiting.length;
  const [first] = waiting;
  if (first === undefined)
    return {
      check: 'pods',
      state: 'passed',
      message: `all ${pods.length} that ran before run, by the container runtime`,
    };
  const message = `${running} of ${pods.length} run; the server says what else is to run here (${nameOf(first)}${more(waiting.length - 1)}), and it cannot be asked`;
  return { check: 'pods', state: 'excused', message };
}

/** A sentence for each pod that ran and neither runs again, nor has ended, nor is gone. */
function podsMissing(before: readonly PodBefore[], now: readonly PodNow[], runtime: RuntimeNow): string[] {
  const byUid = new Map(now.map(pod => [pod.uid, pod]));
  const known = new Set(before.map(({ uid }) => uid));
  const missing: string[] = [];
  /** Owner → whether those it has lost were ready. */
  const replaced = new Map<string, boolean[]>();
  for (const pod of before) {
    const same = byUid.get(pod.uid);
    const lost = same === undefined || isGone(same);
    if (lost && pod.owner !== undefined) replaced.set(pod.owner, [...(replaced.get(pod.owner) ?? []), pod.ready]);
    const why = lost ? undefined : whyNot(same, pod.ready, runtime);
    if (why !== undefined) missing.push(`${nameOf(pod)} ${why}`);
  }
  for (const [owner, ready] of replaced) {
    const theirs = now.filter(pod => pod.owner === owner && !known.has(pod.uid) && !isGone(pod));
    // The best of them stand for those that are lost, the most demanding first; where there are fewer, the rest run elsewhere.
    const demands = [...ready].sort((a, b) => Number(b) - Number(a)).slice(0, theirs.length);
    const unfit = [...theirs];
    for (const demand of demands) {
      const fit = unfit.findIndex(pod => whyNot(pod, demand, runtime) === undefined);
      if (fit >= 0) unfit.splice(fit, 1);
      else {
        const [pod] = unfit.splice(0, 1);
        if (pod) missing.push(`${nameOf(pod)}, which replaces one of before, ${whyNot(pod, demand, runtime)}`);
      }
    }
  }
  return missing;
}

/** Ended, or being taken away: somebody's decision, or a disruption its controller makes good. */
function isGone(pod: PodNow): boolean {
  if (pod.deleting || pod.phase === 'Succeeded') return true;
  if (pod.phase !== 'Failed') return false;
  // A restart of the machine ends the containers of pods that are not to be restarted, whatever the version.
  return pod.restartPolicy !== 'Always' || pod.disrupted || disrupted.has(pod.reason);
}

/** Undefined: as it was. */
function whyNot(pod: PodNow, wasReady: boolean, runtime: RuntimeNow): string | undefined {
  const detail = pod.why === '' ? '' : `: ${pod.why}`;
  if (pod.phase !== 'Running') {
    const reason = pod.reason === '' ? '' : ` (${pod.reason})`;
    return `is ${pod.phase}${reason}${detail}`;
  }
  const running = new Set(runtime.running[pod.uid] ?? []);
  // Its status may still be the one of before the restart.
  if (pod.running.some(id => !running.has(id))) return 'has not been started again yet';
  if (wasReady && !pod.ready) return `runs, but is not Ready${detail}`;
  return undefined;
}

const nameOf = ({ namespace, name }: { readonly namespace: string; readonly name: string }): string =>
  `${namespace}/${name}`;

/**
 * What a Plan does next: for the whole of it ({@link nextOfPlan}) and for each node it has ({@link nextOfNode}). Pure.
 *
 * Always true: a node is in `status.applying` before anything is done to it; no more nodes than `concurrency` are; after the first node
 * that fell back, or could not be upgraded, no other one is begun until the Plan is changed.
 */
import { createHash } from 'node:crypto';
import type { Node } from '../../api/generated/types/core.v1.ts';
import { beforeUpgrade, type NodeUpgradeReport, upgradeOutcome } from '../../api/nodeUpgrade.ts';
import { labelSelectorMatches } from '../../api/selectors.ts';
import { parseDuration } from '../../lib/duration.ts';
import { opensInMs, timeWindowOf } from '../../lib/timeWindow.ts';
import type { Drain } from './drain.ts';
import { type Attempt, attemptOf, type Plan, type PlanCondition, type PlanSpec, planLabel } from './types.ts';

/** For one node: a bundle over a thin line, the trial's ten minutes, a slow board. */
const DEFAULT_DEADLINE_SECONDS = 3600;
const LOOK_MS = 2_000;
/** Without a sign of the upgrade it is asked for again. */
const ASK_AGAIN_MS = 60_000;
const MAX_WAIT_MS = 3_600_000;

/** The images that stand for Atoll itself; no container is ever run for a Plan. */
export const isOwnImage = (image: string | undefined): boolean =>
  image === undefined || /^(?:[^/]+\/)*atoll(?:-upgrade)?(?::[^/]*)?$/.test(image);

export const isUrl = (text: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(text);

/** Conditions that a Plan has before anything is done: each the first thing that is wrong, or that nothing is. */
export function checked(spec: PlanSpec): Pick<PlanCondition, 'type' | 'status' | 'reason' | 'message'>[] {
  const foreign = [spec.upgrade?.image, spec.prepare?.image].find(image => !isOwnImage(image));
  const wrong = wrongSpec(spec);
  return [
    foreign === undefined
      ? { type: 'Supported', status: 'True', reason: 'AtollUpgrade', message: '' }
      : {
          type: 'Supported',
          status: 'False',
          reason: 'ImageNotRun',
          message: `Atoll upgrades nodes by their signed bundles and runs no image for it: ${foreign} is not run, and no node is touched; set upgrade.image to atoll`,
        },
    wrong === undefined
      ? { type: 'Validated', status: 'True', reason: 'PlanIsValid', message: '' }
      : { type: 'Validated', status: 'False', reason: 'Error', message: wrong },
  ];
}

function wrongSpec({ drain, window, postCompleteDelay, channel, version }: PlanSpec): string | undefined {
  if (drain?.deleteEmptydirData !== undefined && drain.deleteLocalData !== undefined)
    return 'spec.drain cannot specify both deleteEmptydirData and deleteLocalData';
  if (drain?.timeout !== undefined && timeoutMsOf(drain.timeout) === undefined)
    return `spec.drain.timeout ${JSON.stringify(drain.timeout)} is no duration such as 10m`;
  if (postCompleteDelay !== undefined && parseDuration(postCompleteDelay) === undefined)
    return `spec.postCompleteDelay "${postCompleteDelay}" is no duration such as 10m, or negative`;
  if (version !== undefined && isUrl(version) && channel !== undefined)
    return 'spec.version is the URL of a bundle: leave spec.channel out';
  try {
    if (window) timeWindowOf({ ...window, timeZone: window.timeZone ?? 'UTC' });
  } catch (error) {
    return `spec.window is invalid: ${error instanceof Error ? error.message : String(error)}`;
  }
  return undefined;
}

/** Milliseconds; of a number, which are nanoseconds, too. */
export function timeoutMsOf(timeout: string | number): number | undefined {
  return typeof timeout === 'number' ? (timeout >= 0 ? timeout / 1e6 : undefined) : parseDuration(timeout);
}

/** 56 hexadecimal digits: fits a label. Another version, or another place it comes from, is another upgrade. */
export const hashOf = (spec: PlanSpec, version: string): string =>
  createHash('sha224')
    .update(JSON.stringify([version, spec.channel ?? '']))
    .digest('hex');

/** By name: neither the order of a list nor a restart changes who is next. */
export function selectedNodes(plan: Plan, nodes: readonly Node[]): Node[] {
  const { nodeSelector } = plan.spec ?? {};
  if (!nodeSelector) return [];
  const label = planLabel(plan.metadata.name ?? '');
  return nodes
    .filter(
      ({ metadata: { labels = {} } }) => labelSelectorMatches(nodeSelector, labels) && labels[label] !== 'disabled',
    )
    .toSorted((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1));
}

export type PlanStep =
  /** Nothing may be done. */
  | { readonly do: 'nothing' }
  /** All selected nodes have it. */
  | { readonly do: 'complete' }
  /** To be worked on are those of `applying`; `waitMs`: look again then; `why` no further node is begun. */
  | { readonly do: 'apply'; readonly applying: readonly string[]; readonly why: string; readonly waitMs?: number };

export interface PlanNow {
  readonly plan: Plan;
  /** Of the version that is meant now; `plan.status.latestHash` is that of the last look. */
  readonly hash: string;
  readonly nodes: readonly Node[];
  /** Another exclusive Plan has a node. */
  readonly exclusiveElsewhere: boolean;
  readonly nowMs: number;
}

/** The Plan stopped at a node, and neither it nor what it brings has changed since: the condition that says so. */
export function stoppedBy({ metadata, status }: Plan, hash: string): PlanCondition | undefined {
  if (status?.latestHash !== hash) return undefined;
  const complete = status?.conditions?.find(({ type }) => type === 'Complete');
  const failed = complete?.status === 'False' && FAILURES.has(complete.reason ?? '');
  return failed && (complete.observedGeneration ?? metadata.generation) === metadata.generation ? complete : undefined;
}
const FAILURES: ReadonlySet<string> = new Set<Failure>([
  'FellBack',
  'RolledBack',
  'UpgradeFailed',
  'DrainRefused',
  'DrainTimeout',
  'DeadlineExceeded',
]);

export function nextOfPlan({ plan, hash, nodes, exclusiveElsewhere, nowMs }: PlanNow): PlanStep {
  const { spec = {}, status = {}, metadata } = plan;
  const label = planLabel(metadata.name ?? '');
  const key = `${metadata.namespace}/${metadata.name}`;
  const applying = (status.applying ?? []).filter(name => nodes.some(node => node.metadata.name === name));
  const stopped = stoppedBy(plan, hash) !== undefined;
  const pending = selectedNodes(plan, nodes).filter(
    node => node.metadata.labels?.[label] !== hash && !applying.includes(node.metadata.name ?? ''),
  );
  if (applying.length === 0 && (stopped || pending.length === 0)) return { do: stopped ? 'nothing' : 'complete' };
  const stay = (why: string, waitMs?: number): PlanStep => ({
    do: 'apply',
    applying,
    why,
    ...(waitMs === undefined ? {} : { waitMs: Math.min(waitMs, MAX_WAIT_MS) }),
  });
  if (stopped) return stay('the Plan has stopped; the nodes that had begun come to their end');
  const room = Math.max(1, spec.concurrency ?? 1) - applying.length;
  if (room <= 0 || pending.length === 0) return stay('');
  const { window } = spec;
  const shutMs = window ? opensInMs(timeWindowOf({ ...window, timeZone: window.timeZone ?? 'UTC' }), nowMs) : 0;
  if (shutMs > 0) return stay(`the window opens at ${new Date(nowMs + shutMs).toISOString()}`, shutMs);
  if (spec.exclusive && exclusiveElsewhere) return stay('another exclusive Plan is at work', LOOK_MS);
  const free = pending.filter(node => (attemptOf(node)?.plan ?? key) === key);
  if (free.length === 0) return stay('another Plan has the nodes that are left', LOOK_MS);
  return {
    do: 'apply',
    applying: [...applying, ...free.slice(0, room).map(node => node.metadata.name ?? '')],
    why: '',
  };
}

export type Failure =
  | 'FellBack'
  | 'RolledBack'
  | 'UpgradeFailed'
  | 'DrainRefused'
  | 'DrainTimeout'
  | 'DeadlineExceeded';

export type NodeStep =
  /** Remember that the Plan has it; cordon where it is to be. */
  | { readonly do: 'begin'; readonly cordon: boolean }
  | { readonly do: 'evict' }
  /** Remember so much more. */
  | { readonly do: 'remember'; readonly attempt: Attempt }
  /** Ask the node to upgrade. */
  | { readonly do: 'ask'; readonly why: string }
  | { readonly do: 'wait'; readonly ms: number; readonly why: string }
  /** It runs what it should: label it, uncordon it. */
  | { readonly do: 'finish' }
  /** The Plan is done with it. */
  | { readonly do: 'release' }
  | { readonly do: 'fail'; readonly reason: Failure; readonly message: string };

/** What was seen of a node; of pods and the node's own report only what this stage needs ({@link needs}). */
export interface NodeNow {
  readonly spec: PlanSpec;
  readonly key: string;
  readonly hash: string;
  readonly version: string;
  readonly node: Node;
  readonly drain?: Drain;
  /** A text: why the node does not answer. */
  readonly report?: NodeUpgradeReport | string;
  readonly nowMs: number;
}

export type Stage = 'begin' | 'drain' | 'upgrade' | 'rest';

export function stageOf({ spec, key, hash, node }: Pick<NodeNow, 'spec' | 'key' | 'hash' | 'node'>): Stage {
  const attempt = attemptOf(node);
  if (attempt?.plan !== key || attempt.hash !== hash) return 'begin';
  if (attempt.doneAt !== undefined) return 'rest';
  return spec.drain && !attempt.drained ? 'drain' : 'upgrade';
}

const wait = (why: string, ms = LOOK_MS): NodeStep => ({ do: 'wait', ms, why });
const fail = (reason: Failure, message: string): NodeStep => ({ do: 'fail', reason, message });

export function nextOfNode(now: NodeNow): NodeStep {
  const { spec, node, nowMs } = now;
  const attempt = attemptOf(node);
  const stage = stageOf(now);
  if (stage === 'begin' || !attempt)
    return { do: 'begin', cordon: (spec.cordon === true || spec.drain !== undefined) && !node.spec?.unschedulable };
  const sinceMs = nowMs - Date.parse(attempt.beganAt);
  if (stage === 'rest') {
    const delayMs = parseDuration(spec.postCompleteDelay ?? '0') ?? 0;
    const leftMs = Date.parse(attempt.doneAt ?? '') + delayMs - nowMs;
    return leftMs > 0 ? wait('postCompleteDelay', leftMs) : { do: 'release' };
  }
  const step = stage === 'drain' ? nextOfDrain(now, attempt, sinceMs) : nextOfUpgrade(now, attempt);
  const deadlineMs = (spec.jobActiveDeadlineSecs ?? DEFAULT_DEADLINE_SECONDS) * 1000;
  if (deadlineMs > 0 && sinceMs > deadlineMs && (step.do === 'wait' || step.do === 'evict' || step.do === 'ask'))
    return fail(
      'DeadlineExceeded',
      `not done within ${deadlineMs / 1000} s${step.do === 'evict' || step.why === '' ? '' : `: ${step.why}`} (jobActiveDeadlineSecs)`,
    );
  return step;
}

function nextOfDrain({ spec, drain }: NodeNow, attempt: Attempt, sinceMs: number): NodeStep {
  if (!drain) return wait('its pods are not known', LOOK_MS);
  if (drain.refusals.length > 0)
    return fail('DrainRefused', `cannot be drained: ${drain.refusals.slice(0, 5).join('; ')}`);
  const left = drain.evict.length + drain.leaving.length;
  if (left === 0) return { do: 'remember', attempt: { ...attempt, drained: true } };
  const timeoutMs = timeoutMsOf(spec.drain?.timeout ?? 0) ?? 0;
  if (timeoutMs > 0 && sinceMs > timeoutMs)
    return fail('DrainTimeout', `${left} pods have not left within ${timeoutMs / 1000} s (drain.timeout)`);
  return drain.evict.length > 0 ? { do: 'evict' } : wait(`${left} pods are leaving`, 1_000);
}

function nextOfUpgrade({ report, version, nowMs }: NodeNow, attempt: Attempt): NodeStep {
  if (report === undefined || typeof report === 'string') return wait(`the node does not answer: ${report ?? ''}`);
  const { trial, busy, progress } = report;
  if (trial) return wait(`${trial.version} is on trial`);
  if (busy) return wait(`${progress?.phase ?? 'at work'}${progress?.version ? ` ${progress.version}` : ''}`);
  const { before } = attempt;
  const outcome = before && upgradeOutcome(report, before);
  if (outcome?.is === 'fell-back')
    return fail('FellBack', `fell back from ${outcome.entry.version}: ${outcome.entry.message}`);
  if (outcome?.is === 'rolled-back')
    return fail('RolledBack', `was rolled back from ${outcome.entry.version}: ${outcome.entry.message}`);
  if (report.running.version === version) return { do: 'finish' };
  if (!before) return { do: 'remember', attempt: { ...attempt, before: beforeUpgrade(report) } };
  // A server that is away, mostly: the time is the Plan's to end.
  const away = outcome?.is === 'failed' && outcome.mayPass ? outcome.message : '';
  if (outcome?.is === 'failed' && away === '') return fail('UpgradeFailed', outcome.message);
  const askedMs = attempt.askedAt === undefined ? undefined : nowMs - Date.parse(attempt.askedAt);
  return askedMs === undefined || askedMs > ASK_AGAIN_MS
    ? { do: 'ask', why: away }
    : wait(away === '' ? 'it has been asked' : away);
}

/** How long a node that is asked now may wait for a server that is away, as `--retry-for` takes it: as long as the Plan gives the node. */
export function patienceOf({ jobActiveDeadlineSecs }: PlanSpec, { beganAt }: Attempt, nowMs: number): string {
  const deadlineSeconds = jobActiveDeadlineSecs ?? DEFAULT_DEADLINE_SECONDS;
  const leftSeconds = deadlineSeconds - Math.floor((nowMs - Date.parse(beganAt)) / 1000);
  const most = deadlineSeconds > 0 ? leftSeconds : MAX_PATIENCE_SECONDS;
  return `${Math.min(MAX_PATIENCE_SECONDS, Math.max(MIN_PATIENCE_SECONDS, most))}s`;
}
const MIN_PATIENCE_SECONDS = 60;
/** `--retry-for` takes no more. */
const MAX_PATIENCE_SECONDS = 7 * 24 * 3600;

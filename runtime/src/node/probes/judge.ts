/**
 * From single answers to a verdict, and when to ask next. Pure (kubelet `prober/worker.go`).
 *
 * Always true: a verdict changes only after `successThreshold` or `failureThreshold` equal answers in a row.
 */
import type { Probe } from '../../api/generated/types/core.v1.ts';

export type ProbeKind = 'startup' | 'liveness' | 'readiness';

export interface ProbeTiming {
  readonly initialDelayMs: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

export function timingOf(probe: Probe): ProbeTiming {
  return {
    initialDelayMs: (probe.initialDelaySeconds ?? 0) * 1000,
    periodMs: (probe.periodSeconds || 10) * 1000,
    timeoutMs: (probe.timeoutSeconds || 1) * 1000,
    successThreshold: probe.successThreshold || 1,
    failureThreshold: probe.failureThreshold || 3,
  };
}

export interface Judgement {
  /** Undefined until enough answers agree. */
  readonly verdict: boolean | undefined;
  readonly lastAnswer: boolean | undefined;
  /** How many times in a row. */
  readonly run: number;
}

/** Before the first answer a container lives, is not ready and has not started. */
export function initialJudgement(kind: ProbeKind): Judgement {
  return {
    verdict: kind === 'liveness' ? true : kind === 'readiness' ? false : undefined,
    lastAnswer: undefined,
    run: 0,
  };
}

export function judge(before: Judgement, answer: boolean, timing: ProbeTiming): Judgement {
  const run = before.lastAnswer === answer ? before.run + 1 : 1;
  const enough = run >= (answer ? timing.successThreshold : timing.failureThreshold);
  return { verdict: enough ? answer : before.verdict, lastAnswer: answer, run };
}

/** When to ask first, ms since 1970: `initialDelaySeconds` after the container's start, never in the past. */
export function firstAskAt(startedAt: number, timing: ProbeTiming, now: number): number {
  return Math.max(startedAt + timing.initialDelayMs, now);
}

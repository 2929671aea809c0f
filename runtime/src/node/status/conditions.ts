/** A pod's conditions (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-conditions). Pure. */
import type { ContainerStatus, Pod, PodCondition } from '../../api/generated/types/core.v1.ts';
import { isSidecar } from '../pods/model.ts';
import { wireTime } from './containerStatus.ts';

type Bare = Pick<PodCondition, 'type' | 'status' | 'reason' | 'message'>;

export interface ConditionsInput {
  readonly pod: Pod;
  readonly phase: string;
  readonly init: readonly ContainerStatus[];
  readonly main: readonly ContainerStatus[];
  readonly initialized: boolean;
  readonly sandboxReady: boolean;
  readonly now: number;
}

export function podConditions(input: ConditionsInput): PodCondition[] {
  const containersReady = containersReadyCondition(input);
  const bare: Bare[] = [
    { type: 'PodReadyToStartContainers', status: input.sandboxReady ? 'True' : 'False' },
    initializedCondition(input),
    readyCondition(input, containersReady),
    containersReady,
    { type: 'PodScheduled', status: 'True' },
  ];
  const before = input.pod.status?.conditions ?? [];
  const { generation } = input.pod.metadata;
  return bare.map(condition => {
    const old = before.find(c => c.type === condition.type);
    const since = old?.status === condition.status ? old.lastTransitionTime : undefined;
    return {
      ...condition,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      lastTransitionTime: since ?? wireTime(input.now),
    };
  });
}

function ended(type: string, phase: string): Bare | undefined {
  if (phase === 'Succeeded') return { type, status: 'False', reason: 'PodCompleted' };
  return phase === 'Failed' ? { type, status: 'False', reason: 'PodFailed' } : undefined;
}

function initializedCondition({ pod, phase, init, initialized }: ConditionsInput): Bare {
  const type = 'Initialized';
  if (phase === 'Succeeded') return { type, status: 'True', reason: 'PodCompleted' };
  if (initialized) return { type, status: 'True' };
  const sidecars = new Set((pod.spec?.initContainers ?? []).filter(isSidecar).map(c => c.name));
  const incomplete = init.filter(s => (sidecars.has(s.name) ? !s.started : !s.ready)).map(s => s.name);
  if (incomplete.length === 0) return { type, status: 'True' };
  const message = `containers with incomplete status: [${incomplete.join(' ')}]`;
  return { type, status: 'False', reason: 'ContainersNotInitialized', message };
}

function containersReadyCondition({ pod, phase, init, main }: ConditionsInput): Bare {
  const type = 'ContainersReady';
  const over = ended(type, phase);
  if (over) return over;
  const sidecars = new Set((pod.spec?.initContainers ?? []).filter(isSidecar).map(c => c.name));
  const unready = [...init.filter(s => sidecars.has(s.name)), ...main].filter(s => !s.ready).map(s => s.name);
  if (unready.length === 0) return { type, status: 'True' };
  return {
    type,
    status: 'False',
    reason: 'ContainersNotReady',
    message: `containers with unready status: [${unready.join(' ')}]`,
  };
}

function readyCondition({ pod, phase }: ConditionsInput, containersReady: Bare): Bare {
  const type = 'Ready';
  const over = ended(type, phase);
  if (over) return over;
  if (containersReady.status !== 'True') return { ...containersReady, type };
  const closed: string[] = [];
  for (const { conditionType } of pod.spec?.readinessGates ?? []) {
    const gate = pod.status?.conditions?.find(c => c.type === conditionType);
    if (!gate) closed.push(`corresponding condition of pod readiness gate "${conditionType}" does not exist.`);
    else if (gate.status !== 'True')
      closed.push(`the status of pod readiness gate "${conditionType}" is not "True", but ${gate.status}`);
  }
  if (closed.length === 0) return { type, status: 'True' };
  return { type, status: 'False', reason: 'ReadinessGatesNotReady', message: closed.join(', ') };
}

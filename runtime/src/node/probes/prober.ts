/**
 * Probes of one pod's running containers.
 *
 * Always true: a probe asks one question at a time; liveness and readiness begin when startup has passed; a container that has
 * failed liveness or startup is asked nothing more; nothing is asked after `close`.
 */
import type { Container, Pod, Probe } from '../../api/generated/types/core.v1.ts';
import type { Clock } from '../../lib/clock.ts';
import type { CriClient } from '../cri/client.ts';
import type { ObservedContainer, ProbeResults } from '../pods/model.ts';
import { type Answer, ask } from './handlers.ts';
import { firstAskAt, initialJudgement, type Judgement, judge, type ProbeKind, timingOf } from './judge.ts';

export interface ProberOptions {
  readonly cri: CriClient;
  readonly clock: Clock;
  /** A verdict changed. */
  readonly onChange: () => void;
  readonly onUnhealthy: (container: Container, kind: ProbeKind, text: string) => void;
}

interface Running {
  readonly probe: Probe;
  readonly stop: AbortController;
  cancelTimer: () => void;
  judgement: Judgement;
}

interface Watched {
  readonly container: Container;
  readonly startedAt: number;
  readonly podIp: string;
  readonly probes: Map<ProbeKind, Running>;
  results: ProbeResults;
}

export class Prober {
  readonly #options: ProberOptions;
  readonly #watched = new Map<string, Watched>();

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  /** By container id; of running containers only. */
  get results(): ReadonlyMap<string, ProbeResults> {
    return new Map([...this.#watched].map(([id, watched]) => [id, watched.results]));
  }

  /** Begins with containers that run now, ends with those that no longer do. */
  sync(pod: Pod, running: readonly ObservedContainer[], podIp: string): void {
    const ids = new Set(running.map(c => c.id));
    for (const [id, watched] of this.#watched) if (!ids.has(id)) this.#end(id, watched);
    const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
    for (const instance of running) {
      if (this.#watched.has(instance.id)) continue;
      const container = containers.find(c => c.name === instance.name);
      if (container) this.#begin(instance, container, podIp);
    }
  }

  /** A pod that ends is no longer asked whether it lives; readiness goes on, so that its endpoints are right. */
  endLiveness(): void {
    for (const { probes } of this.#watched.values())
      for (const kind of ['liveness', 'startup'] as const) stopProbe(probes, kind);
  }

  close(): void {
    for (const [id, watched] of this.#watched) this.#end(id, watched);
  }

  #begin(instance: ObservedContainer, container: Container, podIp: string): void {
    const started = !container.startupProbe;
    const watched: Watched = {
      container,
      startedAt: instance.startedAt,
      podIp,
      probes: new Map(),
      results: { started, ready: started && !container.readinessProbe },
    };
    this.#watched.set(instance.id, watched);
    if (container.startupProbe) this.#start(instance.id, watched, 'startup', container.startupProbe);
    else this.#startOthers(instance.id, watched);
  }

  #startOthers(id: string, watched: Watched): void {
    const { livenessProbe, readinessProbe } = watched.container;
    if (livenessProbe) this.#start(id, watched, 'liveness', livenessProbe);
    if (readinessProbe) this.#start(id, watched, 'readiness', readinessProbe);
  }

  #start(id: string, watched: Watched, kind: ProbeKind, probe: Probe): void {
    const running: Running = {
      probe,
      stop: new AbortController(),
      cancelTimer: () => {},
      judgement: initialJudgement(kind),
    };
    watched.probes.set(kind, running);
    const { clock } = this.#options;
    const now = clock.now();
    this.#arm(id, watched, kind, running, firstAskAt(watched.startedAt, timingOf(probe), now) - now);
  }

  #arm(id: string, watched: Watched, kind: ProbeKind, running: Running, delayMs: number): void {
    const { clock } = this.#options;
    running.cancelTimer = clock.after(delayMs, () => {
      const begun = clock.now();
      const target = { cri: this.#options.cri, container: watched.container, containerId: id, podIp: watched.podIp };
      const timing = timingOf(running.probe);
      void ask(running.probe, target, timing.timeoutMs, running.stop.signal).then(answer => {
        if (running.stop.signal.aborted) return;
        this.#answered(id, watched, kind, running, answer);
        if (running.stop.signal.aborted) return;
        this.#arm(id, watched, kind, running, Math.max(0, begun + timing.periodMs - clock.now()));
      });
    });
  }

  #answered(id: string, watched: Watched, kind: ProbeKind, running: Running, answer: Answer): void {
    const before = running.judgement;
    running.judgement = judge(before, answer.ok, timingOf(running.probe));
    if (!answer.ok) this.#options.onUnhealthy(watched.container, kind, answer.text);
    const { verdict } = running.judgement;
    if (verdict === before.verdict) return;
    if (kind === 'readiness') {
      watched.results = { ...watched.results, ready: verdict === true };
    } else if (verdict === false) {
      for (const each of watched.probes.keys()) stopProbe(watched.probes, each);
      const graceSeconds = running.probe.terminationGracePeriodSeconds;
      const failed = graceSeconds === undefined ? { kind } : { kind, graceSeconds };
      watched.results = { ...watched.results, ready: false, failed };
    } else if (kind === 'startup') {
      stopProbe(watched.probes, 'startup');
      watched.results = { started: true, ready: !watched.container.readinessProbe };
      this.#startOthers(id, watched);
    }
    this.#options.onChange();
  }

  #end(id: string, watched: Watched): void {
    for (const kind of watched.probes.keys()) stopProbe(watched.probes, kind);
    this.#watched.delete(id);
  }
}

function stopProbe(probes: Map<ProbeKind, Running>, kind: ProbeKind): void {
  const running = probes.get(kind);
  if (!running) return;
  running.stop.abort();
  running.cancelTimer();
  probes.delete(kind);
}

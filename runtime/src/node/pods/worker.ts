/**
 * One pod, from its first sight to the last trace of it.
 *
 * Always true: one step at a time; before each the runtime is looked at anew; every look is reported; it sleeps until it is poked
 * (a change in the API, the runtime, a probe) or until the time `next` named.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Pod } from '../../api/generated/types/core.v1.ts';
import { Prober } from '../probes/prober.ts';
import { podStatus } from '../status/podStatus.ts';
import { backoffUntil } from './backoff.ts';
import type { PodDependencies } from './dependencies.ts';
import { execute } from './execute.ts';
import { PodMemory } from './memory.ts';
import {
  containersOf,
  type Desired,
  graceSecondsOf,
  latest,
  nothingObserved,
  type Observed,
  type Step,
} from './model.ts';
import { next } from './next.ts';
import { Observer } from './observe.ts';
import { podText, uidOf } from './paths.ts';
import { addressesOf, sourcesOf } from './start.ts';

/** A pod whose runtime or files do not do what they should is looked at again after this. */
const RETRY_MS = 2000;
/** As long as the reason of an exit may still change, it is looked at so often. */
const UNSETTLED_MS = 1000;
/** How long a failed pull is shown as `ErrImagePull` before it is `ImagePullBackOff`. */
const PULL_ERROR_SHOWN_MS = 1500;

export class PodWorker {
  readonly uid: string;
  readonly #parts: PodDependencies;
  readonly #onDone: () => void;
  readonly #observer: Observer;
  readonly #prober: Prober;
  readonly #memory: PodMemory;
  readonly #announced = new Map<string, string>();
  /** Those who wait to see something of the pod; called after every look. */
  readonly #lookers = new Set<() => void>();
  #desired: Desired;
  #observed: Observed = nothingObserved;
  #step: Step = { do: 'wait' };
  #interrupt = new AbortController();
  #dirty = false;
  /** What was said so far was said without knowing what the API has: times go on from that. */
  #takesIn = false;
  #running: Promise<void> | undefined;
  #reporting = false;
  #closed = false;
  #cancelTimer: () => void = () => {};

  /** @param onDone nothing of the pod is left. */
  constructor(desired: Desired, parts: PodDependencies, onDone: () => void) {
    const { cri, clock } = parts.context;
    this.uid = uidOf(desired.pod);
    this.#desired = desired;
    this.#parts = parts;
    this.#onDone = onDone;
    this.#observer = new Observer(cri, this.uid, clock);
    this.#prober = new Prober({
      cri,
      clock,
      onChange: () => this.poke(),
      onUnhealthy: (container, kind, text) => {
        const what = `${kind.charAt(0).toUpperCase()}${kind.slice(1)} probe failed: ${text}`;
        this.#parts.event(this.pod, 'Warning', 'Unhealthy', what, container.name);
      },
    });
    this.#memory = new PodMemory(desired.pod, this.#prober, clock.now());
  }

  get pod(): Pod {
    return this.#desired.pod;
  }

  get gone(): boolean {
    return this.#desired.gone;
  }

  /** What the runtime showed at the last look. */
  get observed(): Observed {
    return this.#observed;
  }

  /** What the worker is doing. */
  get step(): Step {
    return this.#step;
  }

  update(desired: Desired): void {
    const before = this.#desired;
    this.#desired = desired;
    if (before.recorded && !desired.recorded && !desired.gone) {
      this.#memory.takeIn(desired.pod);
      this.#takesIn = true;
    }
    const ends = desired.gone || !!desired.pod.metadata.deletionTimestamp;
    if (ends) {
      // Pulls and postStart hooks of a pod that is to end are given up; what ends it is not.
      if (this.#step.do === 'startContainer') this.#interrupt.abort();
      this.#prober.endLiveness();
      this.#hurry(before.pod);
    }
    if (!ends && asksAnew(before.pod, desired.pod)) this.#memory.retryNow();
    if (!ends && tellsMore(before.pod, desired.pod)) void this.#refreshVolumes();
    this.poke();
  }

  /** Something the pod depends on has changed. */
  poke(): void {
    this.#dirty = true;
    if (this.#closed) return;
    if (this.#running) {
      void this.#report();
      return;
    }
    this.#cancelTimer();
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      if (this.#dirty && !this.#closed) this.poke();
    });
  }

  /** A ConfigMap or Secret of the pod's changed: its files follow, and what failed for want of it is tried again. */
  async objectChanged(): Promise<void> {
    this.#memory.retryNow();
    await this.#refreshVolumes();
    this.poke();
  }

  /** Resolves when the container is seen not to run, when nobody looks any more, or when `signal` aborts. */
  async stopped(containerId: string, signal: AbortSignal): Promise<void> {
    const runs = (): boolean =>
      !this.#closed && this.#observed.containers.some(c => c.id === containerId && c.state === 'running');
    await new Promise<void>(resolve => {
      const look = (): void => {
        if (!signal.aborted && runs()) return;
        this.#lookers.delete(look);
        signal.removeEventListener('abort', look);
        resolve();
      };
      this.#lookers.add(look);
      signal.addEventListener('abort', look, { once: true });
      look();
    });
  }

  /** Stops watching the pod; its containers go on. Resolves when the step under way has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTimer();
    this.#interrupt.abort();
    this.#prober.close();
    this.#tellLookers();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, logger } = this.#parts.context;
    while (!this.#closed) {
      this.#dirty = false;
      try {
        await this.#look();
        const step = next(this.#desired, this.#observed, this.#memory, clock.now());
        this.#step = step;
        this.#announceBackoff();
        if (step.do === 'wait') {
          if (this.#dirty) continue;
          return this.#sleep(step.until);
        }
        if (step.do === 'kill' || step.do === 'cleanUp') this.#prober.endLiveness();
        logger.debug({ pod: podText(this.pod), step }, 'step');
        this.#interrupt = new AbortController();
        const { signal } = this.#interrupt;
        await execute(step, {
          desired: this.#desired,
          observed: this.#observed,
          memory: this.#memory,
          parts: this.#parts,
          signal,
        });
        if (step.do === 'forget') {
          this.#closed = true;
          this.#prober.close();
          this.#tellLookers();
          this.#onDone();
        }
      } catch (error) {
        logger.warn(
          { err: error, pod: podText(this.pod), step: this.#step.do },
          'a step failed, it will be tried again',
        );
        this.#dirty = false;
        return this.#sleep(clock.now() + RETRY_MS);
      }
    }
  }

  async #look(): Promise<void> {
    const observed = await this.#observer.observe(this.pod.metadata.deletionTimestamp !== undefined);
    this.#observed = observed;
    this.#tellLookers();
    const { podIps } = addressesOf(this.pod, observed, this.#parts);
    const running = observed.containers.filter(c => c.state === 'running');
    this.#prober.sync(this.pod, running, podIps[0] ?? '127.0.0.1');
    if (this.#desired.pod.metadata.deletionTimestamp || this.gone || this.#memory.verdict) this.#prober.endLiveness();
    const { hostIps, clock } = this.#parts.context;
    if (this.gone) return;
    const said = this.#takesIn ? undefined : this.#parts.statuses.current(this.uid);
    this.#takesIn = false;
    const status = podStatus({
      pod: { ...this.pod, status: lastStatus(said, this.pod.status) },
      observed,
      memory: this.#memory,
      hostIps: hostIps(),
      now: clock.now(),
    });
    if (this.#desired.recorded) this.#parts.statuses.hold(this.pod, status);
    else this.#parts.statuses.set(this.pod, status);
  }

  #tellLookers(): void {
    for (const look of [...this.#lookers]) look();
  }

  /** What others should know while a long step is under way. */
  async #report(): Promise<void> {
    if (this.#reporting) return;
    this.#reporting = true;
    try {
      await this.#look();
    } catch (error) {
      this.#parts.context.logger.debug({ err: error, pod: podText(this.pod) }, 'the runtime did not answer');
    } finally {
      this.#reporting = false;
    }
  }

  #sleep(until: number | undefined): void {
    const { clock } = this.#parts.context;
    const times = [
      until,
      this.#shownError(),
      this.#memory.volumesMounted ? this.#memory.renewAt : undefined,
      this.#observer.unsettled ? clock.now() + UNSETTLED_MS : undefined,
    ];
    const wake = Math.min(...times.filter(t => t !== undefined));
    if (!Number.isFinite(wake)) return;
    this.#cancelTimer = clock.after(Math.max(0, wake - clock.now()), () => {
      if (this.#memory.renewAt !== undefined && clock.now() >= this.#memory.renewAt) void this.objectChanged();
      this.poke();
    });
  }

  /** When a failed pull turns into a back-off; turns those whose time has come. */
  #shownError(): number | undefined {
    const now = this.#parts.context.clock.now();
    let wake: number | undefined;
    for (const [name, retry] of this.#memory.retries) {
      if (retry.reason !== 'ErrImagePull') continue;
      const at = retry.notBefore - retry.delayMs + PULL_ERROR_SHOWN_MS;
      if (now < at) {
        wake = Math.min(wake ?? at, at);
        continue;
      }
      const image = containersOf(this.pod).find(c => c.container.name === name)?.container.image;
      const text = `Back-off pulling image "${image}"`;
      const message = `${text}: ErrImagePull: ${retry.message}`;
      this.#memory.retries.set(name, { ...retry, reason: 'ImagePullBackOff', message });
      this.#parts.event(this.pod, 'Normal', 'BackOff', text, name);
      this.#parts.event(this.pod, 'Warning', 'Failed', 'Error: ImagePullBackOff', name);
      void this.#report();
    }
    return wake;
  }

  #announceBackoff(): void {
    const now = this.#parts.context.clock.now();
    for (const [name, entry] of this.#memory.restarts) {
      const instance = latest(this.#observed, name);
      if (instance?.state !== 'exited' || this.#announced.get(name) === instance.id) continue;
      if (backoffUntil(entry, instance.finishedAt, now) === undefined) continue;
      this.#announced.set(name, instance.id);
      const message = `Back-off restarting failed container ${name} in pod ${podText(this.pod)}`;
      this.#parts.event(this.pod, 'Warning', 'BackOff', message, name);
    }
  }

  /** A second delete with less grace overtakes the first. */
  #hurry(before: Pod): void {
    const step = this.#step;
    const graceSeconds = graceSecondsOf(this.pod);
    if (!this.#running || step.do !== 'kill' || !before.metadata.deletionTimestamp) return;
    if (graceSeconds >= graceSecondsOf(before)) return;
    for (const { id } of step.groups.flat())
      this.#parts.context.cri
        .stopContainer(id, graceSeconds)
        .catch(error => this.#parts.context.logger.warn({ err: error, id }, 'a container is not stopped sooner'));
  }

  async #refreshVolumes(): Promise<void> {
    if (!this.#memory.volumesMounted || this.#memory.cleanedUp || this.gone) return;
    const { clock, logger } = this.#parts.context;
    try {
      const sources = sourcesOf(this.pod, this.#observed, this.#parts);
      this.#memory.renewAt = await this.#parts.volumes.refresh(this.pod, sources);
    } catch (error) {
      logger.warn({ err: error, pod: podText(this.pod) }, 'volumes keep their old content');
      this.#memory.renewAt = clock.now() + 30_000;
    }
  }
}

/** What we said last, with the conditions others have added in the API since (readiness gates). */
function lastStatus(ours: Pod['status'], api: Pod['status']): Pod['status'] {
  if (!ours) return api;
  const own = new Set(ours.conditions?.map(c => c.type));
  return {
    ...ours,
    conditions: [...(ours.conditions ?? []), ...(api?.conditions ?? []).filter(c => !own.has(c.type))],
  };
}

/** Somebody has changed the pod, which is not so when our own status of it comes back: what failed is then not tried sooner. */
function asksAnew(before: Pod, now: Pod): boolean {
  return !isDeepStrictEqual(before.spec, now.spec) || relabelled(before, now);
}

/** What downward API files show may have changed. */
function tellsMore(before: Pod, now: Pod): boolean {
  const downward = now.spec?.volumes?.some(v => v.downwardAPI || v.projected?.sources?.some(s => s.downwardAPI));
  return downward === true && relabelled(before, now);
}

function relabelled(before: Pod, now: Pod): boolean {
  const of = ({ metadata: { labels, annotations } }: Pod): object => ({ labels, annotations });
  return !isDeepStrictEqual(of(before), of(now));
}

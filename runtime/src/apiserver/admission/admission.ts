/**
 * Admission: what must be true of a change besides its own validity
 * (https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/). First every plugin may change the
 * object, in order; then, on the final object, every plugin may refuse. The order is upstream's: `plugins.ts`.
 *
 * Always true: a request pays only for the plugins that its resource concerns. Which those are is found once for each kind
 * of request; a plugin with nothing to do answers without a promise, so that nothing is waited for.
 */
import type { KubeObject } from '../../api/object.ts';
import type { ResourceInfo } from '../../api/resources.ts';
import { forbidden, type StatusError } from '../../api/status.ts';
import type { User } from '../../lib/exchange.ts';
import type { Histogram, MetricRegistry } from '../../lib/metrics.ts';
import type { Mirror } from '../mirror.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

export interface AdmissionAttributes {
  readonly operation: Operation;
  readonly user: User;
  readonly resource: ResourceInfo;
  /** Empty for the object itself. */
  readonly subresource: string;
  /** Empty for cluster-scoped objects. */
  readonly namespace: string;
  /** Empty while a generated name is not known. */
  readonly name: string;
  /** As it will be stored; undefined for DELETE. Plugins may change it in `mutate`. */
  readonly object?: KubeObject;
  /** As it is; undefined for CREATE. */
  readonly old?: KubeObject;
  readonly dryRun: boolean;
  /** Texts for `Warning` headers, in order: plugins append theirs. */
  readonly warnings: string[];
  /** Tells the audit log, where there is one: `pod-security.kubernetes.io/audit-violations`, `would violate …`. */
  readonly annotate?: (key: string, value: string) => void;
  /** Set by a plugin that must know when the write is over, done or failed; may be called more than once. */
  onSettled?: () => void;
}

export interface AdmissionPlugin {
  readonly name: string;
  /** Whether such requests concern it; asked once for each kind of request and remembered. Default: all do. */
  handles?(operation: Operation, resource: ResourceInfo, subresource: string): boolean;
  mutate?(attributes: AdmissionAttributes): void | Promise<void>;
  /** @throws StatusError when the change is refused. */
  validate?(attributes: AdmissionAttributes): void | Promise<void>;
}

export interface Admission {
  mutate(attributes: AdmissionAttributes): void | Promise<void>;
  validate(attributes: AdmissionAttributes): void | Promise<void>;
}

type Type = 'admit' | 'validate';

interface Step {
  run(attributes: AdmissionAttributes): void | Promise<void>;
  readonly passed: Histogram;
  readonly refused: Histogram;
}

/** All steps of one type for one kind of request. */
interface Steps {
  readonly steps: readonly Step[];
  readonly passed: Histogram;
  readonly refused: Histogram;
}

type Concerned = Readonly<Record<Type, Steps>>;

/** Seconds, upstream's. */
const buckets = [0.005, 0.025, 0.1, 0.5, 1, 2.5];

export function admissionChain(plugins: readonly AdmissionPlugin[], metrics: MetricRegistry): Admission {
  const ofPlugins = metrics.histogram(
    'apiserver_admission_controller_admission_duration_seconds',
    'How long each admission plugin took, in seconds.',
    ['name', 'operation', 'rejected', 'type'],
    buckets,
  );
  const ofSteps = metrics.histogram(
    'apiserver_admission_step_admission_duration_seconds',
    'How long the plugins of one type took together, in seconds.',
    ['operation', 'rejected', 'type'],
    buckets,
  );
  const stepsOf = (type: Type, operation: Operation, found: readonly AdmissionPlugin[]): Steps => ({
    steps: found.flatMap(plugin => {
      const run = type === 'admit' ? plugin.mutate?.bind(plugin) : plugin.validate?.bind(plugin);
      if (!run) return [];
      const timed = (rejected: string): Histogram => ofPlugins.with(plugin.name, operation, rejected, type);
      return [{ run, passed: timed('false'), refused: lazily(() => timed('true')) }];
    }),
    passed: ofSteps.with(operation, 'false', type),
    refused: lazily(() => ofSteps.with(operation, 'true', type)),
  });
  const known = new WeakMap<ResourceInfo, Map<string, Concerned>>();
  const concernedBy = ({ resource, operation, subresource }: AdmissionAttributes): Concerned => {
    let ofResource = known.get(resource);
    if (!ofResource) {
      ofResource = new Map();
      known.set(resource, ofResource);
    }
    const request = `${operation}/${subresource}`;
    let concerned = ofResource.get(request);
    if (!concerned) {
      const found = plugins.filter(plugin => plugin.handles?.(operation, resource, subresource) ?? true);
      concerned = { admit: stepsOf('admit', operation, found), validate: stepsOf('validate', operation, found) };
      ofResource.set(request, concerned);
    }
    return concerned;
  };
  return {
    mutate: attributes => inOrder(concernedBy(attributes).admit, attributes),
    validate: attributes => inOrder(concernedBy(attributes).validate, attributes),
  };
}

/** A series is there from when it is first counted. */
function lazily(make: () => Histogram): Histogram {
  let histogram: Histogram | undefined;
  return {
    observe(value) {
      histogram ??= make();
      histogram.observe(value);
    },
  };
}

/** When a run of plugins began, and when the last of them ended: one look at the clock a plugin, what ends one begins the next. */
interface Run {
  readonly all: Steps;
  readonly beganMs: number;
  sinceMs: number;
}

function inOrder(all: Steps, attributes: AdmissionAttributes): void | Promise<void> {
  const beganMs = performance.now();
  return runFrom(0, { all, beganMs, sinceMs: beganMs }, attributes);
}

/** Every write comes by twice: nothing is made but for a plugin that is waited for. */
function runFrom(first: number, run: Run, attributes: AdmissionAttributes): void | Promise<void> {
  const { steps } = run.all;
  for (let i = first; i < steps.length; i++) {
    const step = steps[i];
    if (!step) continue;
    let pending: void | Promise<void>;
    try {
      pending = step.run(attributes);
    } catch (error) {
      throw observedRefusal(step, run, error);
    }
    if (pending) return waitedFor(pending, i, step, run, attributes);
    observePassed(step, run);
  }
  run.all.passed.observe((run.sinceMs - run.beganMs) / 1000);
}

function waitedFor(
  pending: Promise<void>,
  at: number,
  step: Step,
  run: Run,
  attributes: AdmissionAttributes,
): Promise<void> {
  return pending.then(
    () => {
      observePassed(step, run);
      return runFrom(at + 1, run, attributes);
    },
    (error: unknown) => {
      throw observedRefusal(step, run, error);
    },
  );
}

function observePassed(step: Step, run: Run): void {
  const nowMs = performance.now();
  step.passed.observe((nowMs - run.sinceMs) / 1000);
  run.sinceMs = nowMs;
}

function observedRefusal(step: Step, run: Run, error: unknown): unknown {
  const nowMs = performance.now();
  step.refused.observe((nowMs - run.sinceMs) / 1000);
  run.all.refused.observe((nowMs - run.beganMs) / 1000);
  return error;
}

/** `handles` of plugins for one resource itself, not its subresources: `on('pods', 'CREATE')`, `on('ingresses.networking.k8s.io', …)`. */
export function on(groupResource: string, ...operations: Operation[]): NonNullable<AdmissionPlugin['handles']> {
  return (operation, resource, subresource) =>
    subresource === '' && operations.includes(operation) && groupResourceOf(resource) === groupResource;
}

/** `pods`, `deployments.apps` */
export const groupResourceOf = ({ group, resource }: ResourceInfo): string =>
  group === '' ? resource : `${resource}.${group}`;

/** Runs `step` with the mirror as current as the store: at once, unless it has yet to read its first range. */
export function withMirror(
  mirror: Pick<Mirror<KubeObject>, 'ready' | 'start'>,
  step: () => void,
): void | Promise<void> {
  if (mirror.ready) return step();
  return mirror.start().then(step);
}

/** A 403 as upstream's plugins give it: an object without a name is called by what its name would begin with. */
export function refused({ resource, name, object }: AdmissionAttributes, reason: string): StatusError {
  return forbidden(resource, name || object?.metadata.generateName || 'Unknown', reason);
}

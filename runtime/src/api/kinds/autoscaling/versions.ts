/**
 * HorizontalPodAutoscalers of `autoscaling/v1` as those of v2 and back (upstream: `pkg/apis/autoscaling/v1/conversion.go`).
 *
 * v1 knows one metric, the use of CPU. Everything else of v2 travels in annotations that only v1 shows, so a client of v1 that writes
 * back what it has read loses nothing. An annotation that cannot be read counts as none.
 */
import type { KubeObject } from '../../object.ts';

const PREFIX = 'autoscaling.alpha.kubernetes.io/';
const METRICS = `${PREFIX}metrics`;
const CURRENT_METRICS = `${PREFIX}current-metrics`;
const CONDITIONS = `${PREFIX}conditions`;
const BEHAVIOR = `${PREFIX}behavior`;
const CARRIED = [
  METRICS,
  CURRENT_METRICS,
  CONDITIONS,
  BEHAVIOR,
  `${PREFIX}scale-up-tolerance`,
  `${PREFIX}scale-down-tolerance`,
];

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const fields = (value: unknown): Fields => (isFields(value) ? value : {});
const list = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isFields) : []);

/** Without what is unset. */
const set = (entries: Fields): Fields =>
  Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined && value !== null));

function parsed(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** In place. @returns the annotations that carried something */
function takeAnnotations({ metadata }: KubeObject): Record<string, string> {
  const { annotations } = metadata;
  if (!annotations) return {};
  const taken: Record<string, string> = {};
  for (const name of CARRIED) {
    const value = annotations[name];
    if (value === undefined) continue;
    taken[name] = value;
    delete annotations[name];
  }
  if (Object.keys(annotations).length === 0) delete metadata.annotations;
  return taken;
}

const cpuTarget = (metric: Fields): unknown => {
  const resource = fields(metric.resource);
  return metric.type === 'Resource' && resource.name === 'cpu' ? fields(resource.target).averageUtilization : undefined;
};
const cpuMetric = (averageUtilization: unknown): Fields => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
});

/** A metric as v1 writes it, wished for (`target`) or measured (`current`). */
function metricToV1(metric: Fields, of: 'target' | 'current'): Fields {
  const word = (name: string): string => `${of}${name}`;
  const made: Fields = { type: metric.type };
  for (const source of ['object', 'pods', 'resource', 'containerResource', 'external'] as const) {
    if (!isFields(metric[source])) continue;
    const { describedObject, metric: identifier, name, container, [of]: amounts } = metric[source];
    const { name: metricName, selector } = fields(identifier);
    const { value, averageValue, averageUtilization } = fields(amounts);
    const measured = of === 'current' ? (averageValue ?? '0') : averageValue;
    switch (source) {
      case 'object':
        made[source] = set({
          target: describedObject,
          metricName,
          [word('Value')]: value ?? '0',
          selector,
          averageValue,
        });
        break;
      case 'pods':
        made[source] = set({ metricName, [word('AverageValue')]: averageValue ?? '0', selector });
        break;
      case 'external':
        made[source] = set({
          metricName,
          metricSelector: selector,
          [word('Value')]: of === 'current' ? (value ?? '0') : value,
          [word('AverageValue')]: averageValue,
        });
        break;
      default:
        made[source] = set({
          name,
          [word('AverageUtilization')]: averageUtilization,
          [word('AverageValue')]: measured,
          container,
        });
    }
  }
  return made;
}

function metricToV2(metric: Fields, of: 'target' | 'current'): Fields {
  const made: Fields = { type: metric.type };
  for (const source of ['object', 'pods', 'resource', 'containerResource', 'external'] as const) {
    if (!isFields(metric[source])) continue;
    const from = metric[source];
    const identifier = set({ name: from.metricName, selector: from.selector ?? from.metricSelector });
    const averageValue = from[`${of}AverageValue`] ?? (source === 'object' ? from.averageValue : undefined);
    const averageUtilization = from[`${of}AverageUtilization`];
    const value = from[`${of}Value`];
    const isResource = source === 'resource' || source === 'containerResource';
    const type = isResource
      ? averageUtilization === undefined
        ? 'AverageValue'
        : 'Utilization'
      : averageValue === undefined
        ? 'Value'
        : 'AverageValue';
    // v1 always has a value where v2 may have the average alone.
    const shownValue = source === 'object' && averageValue !== undefined && value === '0' ? undefined : value;
    const amounts = set({
      type: of === 'target' ? type : undefined,
      value: shownValue,
      averageValue,
      averageUtilization,
    });
    made[source] = isResource
      ? set({ name: from.name, container: from.container, [of]: amounts })
      : set({ describedObject: from.target, metric: identifier, [of]: amounts });
  }
  return made;
}

/** The names of Go's fields: upstream writes what it has in memory. */
function behaviorText(behavior: Fields): string {
  const rules = (value: unknown): unknown => {
    if (!isFields(value)) return null;
    const { stabilizationWindowSeconds = null, selectPolicy = null, policies, tolerance = null } = value;
    return {
      StabilizationWindowSeconds: stabilizationWindowSeconds,
      SelectPolicy: selectPolicy,
      Policies: Array.isArray(policies)
        ? list(policies).map(({ type, value: amount, periodSeconds }) => ({
            Type: type,
            Value: amount,
            PeriodSeconds: periodSeconds,
          }))
        : null,
      Tolerance: tolerance,
    };
  };
  return JSON.stringify({ ScaleUp: rules(behavior.scaleUp), ScaleDown: rules(behavior.scaleDown) });
}

/** Keys as they are written in JSON, at any depth. */
function uncapitalized(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(uncapitalized);
  if (!isFields(value)) return value;
  return set(
    Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key.charAt(0).toLowerCase() + key.slice(1), uncapitalized(inner)]),
    ),
  );
}

/** A stored object (v2) as v1 shows it. In place. */
export function fromV2(object: KubeObject): void {
  takeAnnotations(object);
  const { scaleTargetRef, minReplicas, maxReplicas, metrics, behavior } = fields(object.spec);
  const { observedGeneration, lastScaleTime, currentReplicas, desiredReplicas, currentMetrics, conditions } = fields(
    object.status,
  );
  const wanted = list(metrics);
  const measured = list(currentMetrics);
  const cpu = wanted.find(({ type, resource }) => type === 'Resource' && fields(resource).name === 'cpu');
  let currentCpu: unknown;
  for (const { type, resource } of measured) {
    const { name, current } = fields(resource);
    if (type === 'Resource' && name === 'cpu') currentCpu = fields(current).averageUtilization ?? currentCpu;
  }
  object.spec = set({
    scaleTargetRef,
    minReplicas,
    maxReplicas,
    targetCPUUtilizationPercentage: cpu && cpuTarget(cpu),
  });
  object.status = set({
    observedGeneration,
    lastScaleTime,
    currentReplicas: currentReplicas ?? 0,
    desiredReplicas: desiredReplicas ?? 0,
    currentCPUUtilizationPercentage: currentCpu,
  });
  const others = wanted.filter(metric => cpuTarget(metric) === undefined);
  const carried: Record<string, string> = {
    ...(others.length > 0 ? { [METRICS]: JSON.stringify(others.map(m => metricToV1(m, 'target'))) } : {}),
    ...(measured.length > 0 ? { [CURRENT_METRICS]: JSON.stringify(measured.map(m => metricToV1(m, 'current'))) } : {}),
    ...(isFields(behavior) ? { [BEHAVIOR]: behaviorText(behavior) } : {}),
    ...(list(conditions).length > 0 ? { [CONDITIONS]: JSON.stringify(conditions) } : {}),
  };
  if (Object.keys(carried).length > 0) object.metadata.annotations = { ...object.metadata.annotations, ...carried };
}

/** An object of v1 as it is stored (v2), but for v2's defaults. In place. */
export function toV2(object: KubeObject): void {
  const carried = takeAnnotations(object);
  const { scaleTargetRef, minReplicas, maxReplicas, targetCPUUtilizationPercentage: cpu } = fields(object.spec);
  const { observedGeneration, lastScaleTime, currentReplicas, desiredReplicas, currentCPUUtilizationPercentage } =
    fields(object.status);
  const others = list(parsed(carried[METRICS])).map(metric => metricToV2(metric, 'target'));
  const behavior = uncapitalized(parsed(carried[BEHAVIOR]));
  const measured = parsed(carried[CURRENT_METRICS]);
  const conditions = parsed(carried[CONDITIONS]);
  const metrics = cpu === undefined ? others : [...others, cpuMetric(cpu)];
  const currentMetrics = Array.isArray(measured)
    ? list(measured).map(metric => metricToV2(metric, 'current'))
    : currentCPUUtilizationPercentage === undefined
      ? undefined
      : [
          {
            type: 'Resource',
            resource: { name: 'cpu', current: { averageUtilization: currentCPUUtilizationPercentage } },
          },
        ];
  object.spec = set({
    scaleTargetRef,
    minReplicas,
    maxReplicas,
    metrics: metrics.length > 0 ? metrics : [cpuMetric(80)],
    behavior: isFields(behavior) && Object.keys(behavior).length > 0 ? behavior : undefined,
  });
  if (object.status === undefined) return;
  object.status = set({
    observedGeneration,
    lastScaleTime,
    currentReplicas: currentReplicas || undefined,
    desiredReplicas: desiredReplicas ?? 0,
    currentMetrics,
    conditions: Array.isArray(conditions) && conditions.length > 0 ? conditions : undefined,
  });
}

/** Metrics of HorizontalPodAutoscalers (upstream: `pkg/apis/autoscaling/validation`). */
import type {
  ContainerResourceMetricSource,
  CrossVersionObjectReference,
  ExternalMetricSource,
  MetricIdentifier,
  MetricSpec,
  MetricTarget,
  ObjectMetricSource,
  PodsMetricSource,
  ResourceMetricSource,
} from '../../generated/types/autoscaling.v2.ts';
import { dns1123LabelErrors, pathSegmentErrors } from '../../names.ts';
import { parseQuantity } from '../../quantity.ts';
import { containerResourceNameErrors } from '../core/resourceValidation.ts';
import { at, child, forbidden, invalid, invalidEach, notSupported, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';

const TYPES = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource'];
const TARGET_TYPES = ['Utilization', 'Value', 'AverageValue'];

/** Which `apiVersion` a reference may name; what was there before may stay. */
export interface ReferenceRule {
  /** Core's, which has no group. */
  readonly coreAllowed: boolean;
  readonly anyAllowed: boolean;
}

/** What is wrong with an `apiVersion`, or nothing. */
export function apiVersionFault(apiVersion: string, { coreAllowed, anyAllowed }: ReferenceRule): string | undefined {
  if (anyAllowed) return undefined;
  const slashes = apiVersion.split('/').length - 1;
  if (slashes > 1) return `unexpected GroupVersion string: ${apiVersion}`;
  const hasGroup = slashes === 1 && !apiVersion.startsWith('/');
  return hasGroup || coreAllowed ? undefined : 'apiVersion must specify API group';
}

export function referenceErrors(
  ref: Partial<CrossVersionObjectReference> | undefined,
  path: string,
  rule: ReferenceRule,
): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ['kind', 'name'] as const) {
    const value = ref?.[field] ?? '';
    const here = child(path, field);
    errors.push(...(value === '' ? [required(here)] : invalidEach(here, value, pathSegmentErrors(value))));
  }
  const apiVersion = ref?.apiVersion ?? '';
  const fault = apiVersionFault(apiVersion, rule);
  if (fault !== undefined) errors.push(invalid(child(path, 'apiVersion'), apiVersion, fault));
  return errors;
}

function identifierErrors(metric: MetricIdentifier | undefined, path: string): FieldError[] {
  const name = metric?.name ?? '';
  if (name === '') return [required(child(path, 'name'), 'must specify a metric name')];
  return invalidEach(child(path, 'name'), name, pathSegmentErrors(name));
}

function targetErrors(target: MetricTarget | undefined, path: string): FieldError[] {
  const { type = '', averageUtilization } = target ?? {};
  const errors: FieldError[] = [];
  if (type === '') errors.push(required(child(path, 'type'), 'must specify a metric target type'));
  if (!TARGET_TYPES.includes(type))
    errors.push(invalid(child(path, 'type'), type, 'must be either Utilization, Value, or AverageValue'));
  for (const field of ['value', 'averageValue'] as const) {
    const quantity = target?.[field];
    if (quantity !== undefined && parseQuantity(quantity).nanos <= 0n)
      errors.push(invalid(child(path, field), quantity, 'must be positive'));
  }
  if (averageUtilization !== undefined && averageUtilization < 1)
    errors.push(invalid(child(path, 'averageUtilization'), averageUtilization, 'must be greater than 0'));
  return errors;
}

function objectErrors(source: ObjectMetricSource, path: string, rule: ReferenceRule): FieldError[] {
  const errors = [
    ...referenceErrors(source.describedObject, child(path, 'describedObject'), rule),
    ...identifierErrors(source.metric, child(path, 'metric')),
    ...targetErrors(source.target, child(path, 'target')),
  ];
  if (source.target?.value === undefined && source.target?.averageValue === undefined)
    errors.push(required(child(path, 'target.averageValue'), 'must set either a target value or averageValue'));
  return errors;
}

function externalErrors(source: ExternalMetricSource, path: string): FieldError[] {
  const { value, averageValue } = source.target ?? {};
  const errors = [
    ...identifierErrors(source.metric, child(path, 'metric')),
    ...targetErrors(source.target, child(path, 'target')),
  ];
  if (value === undefined && averageValue === undefined)
    errors.push(
      required(child(path, 'target.averageValue'), 'must set either a target value for metric or a per-pod target'),
    );
  if (value !== undefined && averageValue !== undefined)
    errors.push(
      forbidden(child(path, 'target.value'), 'may not set both a target value for metric and a per-pod target'),
    );
  return errors;
}

function podsErrors(source: PodsMetricSource, path: string): FieldError[] {
  const errors = [
    ...identifierErrors(source.metric, child(path, 'metric')),
    ...targetErrors(source.target, child(path, 'target')),
  ];
  if (source.target?.averageValue === undefined)
    errors.push(required(child(path, 'target.averageValue'), 'must specify a positive target averageValue'));
  return errors;
}

function resourceTargetErrors(target: MetricTarget | undefined, path: string): FieldError[] {
  const errors = targetErrors(target, path);
  if (target?.averageUtilization === undefined && target?.averageValue === undefined)
    errors.push(
      required(child(path, 'averageUtilization'), 'must set either a target raw value or a target utilization'),
    );
  if (target?.averageUtilization !== undefined && target.averageValue !== undefined)
    errors.push(forbidden(child(path, 'averageValue'), 'may not set both a target raw value and a target utilization'));
  return errors;
}

const NO_RESOURCE = 'must specify a resource name';

function resourceErrors(source: ResourceMetricSource, path: string): FieldError[] {
  return [
    ...(source.name ? [] : [required(child(path, 'name'), NO_RESOURCE)]),
    ...resourceTargetErrors(source.target, child(path, 'target')),
  ];
}

function containerResourceErrors(source: ContainerResourceMetricSource, path: string): FieldError[] {
  const { name = '', container = '' } = source;
  return [
    ...(name === ''
      ? [required(child(path, 'name'), NO_RESOURCE)]
      : containerResourceNameErrors(name, child(path, 'name'))),
    ...(container === ''
      ? [required(child(path, 'container'), 'must specify a container')]
      : invalidEach(child(path, 'container'), container, dns1123LabelErrors(container))),
    ...resourceTargetErrors(source.target, child(path, 'target')),
  ];
}

type Source = 'object' | 'external' | 'pods' | 'resource' | 'containerResource';

/** In upstream's order: only the first that is there is looked into. */
const SOURCES: readonly Source[] = ['object', 'external', 'pods', 'resource', 'containerResource'];
const SOURCE_OF: Readonly<Record<string, Source>> = {
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
  External: 'external',
  ContainerResource: 'containerResource',
};

function sourceErrors(metric: MetricSpec, source: Source, path: string, rule: ReferenceRule): FieldError[] {
  if (source === 'object' && metric.object) return objectErrors(metric.object, path, rule);
  if (source === 'external' && metric.external) return externalErrors(metric.external, path);
  if (source === 'pods' && metric.pods) return podsErrors(metric.pods, path);
  if (source === 'resource' && metric.resource) return resourceErrors(metric.resource, path);
  return metric.containerResource ? containerResourceErrors(metric.containerResource, path) : [];
}

function metricErrors(metric: MetricSpec, path: string, rule: ReferenceRule): FieldError[] {
  const type = metric.type ?? '';
  const errors: FieldError[] = [];
  const unknown = notSupported(child(path, 'type'), type, TYPES);
  if (type === '') errors.push(required(child(path, 'type'), 'must specify a metric source type'));
  if (!TYPES.includes(type)) errors.push(unknown);
  const present = SOURCES.filter(source => metric[source]);
  const [first] = present;
  if (first !== undefined) errors.push(...sourceErrors(metric, first, child(path, first), rule));
  const expected = SOURCE_OF[type];
  if (expected === undefined) errors.push(unknown);
  else if (!metric[expected])
    errors.push(required(child(path, expected), 'must populate information for the given metric source'));
  if (present.length === 1) return errors;
  for (const source of present)
    if (source !== expected) errors.push(forbidden(child(path, source), 'must populate the given metric source only'));
  return errors;
}

/** @param rule of the objects that metrics describe. */
export function validateMetrics(
  metrics: readonly MetricSpec[] | undefined,
  path: string,
  minReplicas: number | undefined,
  rule: ReferenceRule,
): FieldError[] {
  const errors = (metrics ?? []).flatMap((metric, i) => metricErrors(metric, at(path, i), rule));
  const fromOutside = metrics?.some(({ type }) => type === 'Object' || type === 'External') ?? false;
  if (minReplicas === 0 && !fromOutside)
    errors.push(
      forbidden(path, 'must specify at least one Object or External metric to support scaling to zero replicas'),
    );
  return errors;
}

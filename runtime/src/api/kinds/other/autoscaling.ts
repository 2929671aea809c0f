/** HorizontalPodAutoscalers, v2; v1 shows the same objects with CPU alone. */
import type { HorizontalPodAutoscaler as V1 } from '../../generated/types/autoscaling.v1.ts';
import type {
  HorizontalPodAutoscaler,
  MetricSpec,
  MetricStatus,
  MetricTarget,
} from '../../generated/types/autoscaling.v2.ts';
import { pathSegmentErrors } from '../../names.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { at, child, invalid, invalidEach, notSupported, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';

const TYPES = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource'];

/** `cpu: 10%/80%`; `<unknown>` until somebody measures. */
function metricText(spec: MetricSpec, status: MetricStatus | undefined): string {
  const source = spec.resource ?? spec.containerResource ?? spec.pods ?? spec.object ?? spec.external;
  const current =
    status?.resource?.current ??
    status?.containerResource?.current ??
    status?.pods?.current ??
    status?.object?.current ??
    status?.external?.current;
  const target: MetricTarget | undefined = source?.target;
  if (!target) return '<unknown>';
  const name = spec.resource?.name ?? spec.containerResource?.name;
  const label = name === undefined ? '' : `${name}: `;
  if (target.averageUtilization !== undefined)
    return `${label}${current?.averageUtilization === undefined ? '<unknown>' : `${current.averageUtilization}%`}/${target.averageUtilization}%`;
  const average = target.averageValue !== undefined;
  const now = (average ? current?.averageValue : current?.value) ?? '<unknown>';
  const suffix = average && (spec.object || spec.external) ? ' (avg)' : '';
  return `${label}${now}/${(average ? target.averageValue : target.value) ?? ''}${suffix}`;
}

function targets(object: HorizontalPodAutoscaler): string {
  const metrics = object.spec?.metrics ?? [];
  if (metrics.length === 0) return '<none>';
  const texts = metrics.slice(0, 2).map((m, i) => metricText(m, object.status?.currentMetrics?.[i]));
  const more = metrics.length - texts.length;
  return more > 0 ? `${texts.join(', ')} + ${more} more...` : texts.join(', ');
}

function scaleErrors(
  spec:
    | {
        readonly scaleTargetRef?: { readonly kind: string; readonly name: string } | undefined;
        readonly minReplicas?: number | undefined;
        readonly maxReplicas: number;
      }
    | undefined,
): FieldError[] {
  if (!spec) return [required('spec')];
  const errors: FieldError[] = [];
  if (spec.minReplicas !== undefined && spec.minReplicas < 1)
    errors.push(invalid('spec.minReplicas', spec.minReplicas, 'must be greater than or equal to 1'));
  if (!(spec.maxReplicas > 0))
    errors.push(invalid('spec.maxReplicas', spec.maxReplicas ?? 0, 'must be greater than 0'));
  else if (spec.minReplicas !== undefined && spec.maxReplicas < spec.minReplicas)
    errors.push(invalid('spec.maxReplicas', spec.maxReplicas, 'must be greater than or equal to `minReplicas`'));
  for (const field of ['kind', 'name'] as const) {
    const value = spec.scaleTargetRef?.[field] ?? '';
    const path = `spec.scaleTargetRef.${field}`;
    errors.push(...(value === '' ? [required(path)] : invalidEach(path, value, pathSegmentErrors(value))));
  }
  return errors;
}

const NAMES = {
  group: 'autoscaling',
  kind: 'HorizontalPodAutoscaler',
  shortNames: ['hpa'],
  categories: ['all'],
} as const;

export const horizontalPodAutoscaler = defineKind<HorizontalPodAutoscaler>({
  ...NAMES,
  version: 'v2',
  columns: [
    column(
      'Reference',
      'string',
      'The target resource to scale.',
      o => `${o.spec?.scaleTargetRef?.kind ?? ''}/${o.spec?.scaleTargetRef?.name ?? ''}`,
    ),
    column('Targets', 'string', 'Current and wanted values of the metrics.', targets),
    column('MinPods', 'string', 'The lower limit for the number of replicas.', o =>
      String(o.spec?.minReplicas ?? '<unset>'),
    ),
    column('MaxPods', 'integer', 'The upper limit for the number of replicas.', o => o.spec?.maxReplicas ?? 0),
    column('Replicas', 'integer', 'The current number of replicas.', o => o.status?.currentReplicas ?? 0),
    ageColumn,
  ],
  defaults: ({ spec }) => {
    if (!spec) return;
    spec.minReplicas ??= 1;
    if (!spec.metrics?.length)
      spec.metrics = [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
      ];
  },
  prepareForCreate: object => {
    delete object.status;
  },
  prepareForUpdate: () => undefined,
  validate: ({ spec }) => [
    ...scaleErrors(spec),
    ...(spec?.metrics ?? []).flatMap((metric, i) => {
      const path = child(at('spec.metrics', i), 'type');
      if (!metric.type) return [required(path, 'must specify a metric source type')];
      return TYPES.includes(metric.type) ? [] : [notSupported(path, metric.type, TYPES)];
    }),
  ],
});

export const horizontalPodAutoscalerV1 = defineKind<V1>({
  ...NAMES,
  version: 'v1',
  columns: [
    column(
      'Reference',
      'string',
      'The target resource to scale.',
      o => `${o.spec?.scaleTargetRef?.kind ?? ''}/${o.spec?.scaleTargetRef?.name ?? ''}`,
    ),
    column(
      'Targets',
      'string',
      'Current and wanted CPU utilization.',
      o =>
        `${o.status?.currentCPUUtilizationPercentage ?? '<unknown>'}/${o.spec?.targetCPUUtilizationPercentage ?? 80}%`,
    ),
    column('MinPods', 'string', 'The lower limit for the number of replicas.', o =>
      String(o.spec?.minReplicas ?? '<unset>'),
    ),
    column('MaxPods', 'integer', 'The upper limit for the number of replicas.', o => o.spec?.maxReplicas ?? 0),
    column('Replicas', 'integer', 'The current number of replicas.', o => o.status?.currentReplicas ?? 0),
    ageColumn,
  ],
  defaults: ({ spec }) => {
    if (spec) spec.minReplicas ??= 1;
  },
  prepareForCreate: object => {
    delete object.status;
  },
  prepareForUpdate: () => undefined,
  validate: ({ spec }) => scaleErrors(spec),
});

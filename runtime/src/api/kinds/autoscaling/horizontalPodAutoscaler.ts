/** HorizontalPodAutoscalers: `autoscaling/v2` as they are kept, `autoscaling/v1` as old clients see the same ones. */
import type { HorizontalPodAutoscaler as V1 } from '../../generated/types/autoscaling.v1.ts';
import type { HorizontalPodAutoscaler, HPAScalingRules } from '../../generated/types/autoscaling.v2.ts';
import type { KubeObject } from '../../object.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { nonNegative } from '../errors.ts';
import type { Column, FieldError } from '../kind.ts';
import { targetsText } from './metricTexts.ts';
import { validateAutoscaler } from './specValidation.ts';
import { fromV2, toV2 } from './versions.ts';

const NAMES = {
  group: 'autoscaling',
  kind: 'HorizontalPodAutoscaler',
  shortNames: ['hpa'],
  categories: ['all'],
} as const;

/** At most double them, or four more, each fifteen seconds; all that are too many may go at once. */
const SCALE_UP: HPAScalingRules = {
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
};
const SCALE_DOWN: HPAScalingRules = {
  selectPolicy: 'Max',
  policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
};

/** Rules with what they leave open. */
const completed = (rules: HPAScalingRules | undefined, defaults: HPAScalingRules): HPAScalingRules => ({
  ...structuredClone(defaults),
  ...rules,
});

/** Upstream's `SetDefaults_HorizontalPodAutoscaler` of v2. In place. */
function defaultAutoscaler({ spec }: HorizontalPodAutoscaler): void {
  if (!spec) return;
  spec.minReplicas ??= 1;
  if (!spec.metrics?.length)
    spec.metrics = [
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
    ];
  if (!spec.behavior) return;
  spec.behavior.scaleUp = completed(spec.behavior.scaleUp, SCALE_UP);
  spec.behavior.scaleDown = completed(spec.behavior.scaleDown, SCALE_DOWN);
}

const statusErrors = (
  status: { readonly currentReplicas?: number | undefined; readonly desiredReplicas?: number | undefined } | undefined,
): FieldError[] => [
  ...nonNegative('status.currentReplicas', status?.currentReplicas),
  ...nonNegative('status.desiredReplicas', status?.desiredReplicas),
];

function columns<T>(v2Of: (object: T) => HorizontalPodAutoscaler): Column<T>[] {
  const reference = ({ spec }: HorizontalPodAutoscaler): string =>
    `${spec?.scaleTargetRef?.kind ?? ''}/${spec?.scaleTargetRef?.name ?? ''}`;
  return [
    column(
      'Reference',
      'string',
      'The target resource to scale: its metrics are collected and its replicas changed.',
      o => reference(v2Of(o)),
    ),
    column('Targets', 'string', 'What the metrics are and what they should be.', o => targetsText(v2Of(o))),
    column('MinPods', 'string', 'The lower limit for the number of replicas.', o =>
      String(v2Of(o).spec?.minReplicas ?? '<unset>'),
    ),
    column('MaxPods', 'string', 'The upper limit for the number of replicas.', o => v2Of(o).spec?.maxReplicas ?? 0),
    column('Replicas', 'string', 'The current number of replicas.', o => v2Of(o).status?.currentReplicas ?? 0),
    ageColumn as Column<T>,
  ];
}

export const horizontalPodAutoscaler = defineKind<HorizontalPodAutoscaler>({
  ...NAMES,
  version: 'v2',
  columns: columns(o => o),
  defaults: defaultAutoscaler,
  prepareForCreate: object => {
    object.status = { desiredReplicas: 0 };
  },
  prepareForUpdate: () => undefined,
  validate: object => validateAutoscaler(object),
  validateUpdateAlone: true,
  validateUpdate: validateAutoscaler,
  validateStatusUpdate: ({ status }) => statusErrors(status),
});

const asV2 = (object: V1): HorizontalPodAutoscaler => {
  const copy = structuredClone(object) as unknown as KubeObject;
  toV2(copy);
  const v2 = copy as unknown as HorizontalPodAutoscaler;
  defaultAutoscaler(v2);
  return v2;
};

export const horizontalPodAutoscalerV1 = defineKind<V1>({
  ...NAMES,
  version: 'v1',
  storedAs: {
    group: 'autoscaling',
    version: 'v2',
    toStored: object => {
      toV2(object);
      defaultAutoscaler(object as unknown as HorizontalPodAutoscaler);
    },
    fromStored: fromV2,
  },
  columns: columns(asV2),
  defaults: ({ spec }) => {
    if (spec) spec.minReplicas ??= 1;
  },
  prepareForCreate: object => {
    object.status = { currentReplicas: 0, desiredReplicas: 0 };
  },
  prepareForUpdate: () => undefined,
  validate: object => validateAutoscaler(asV2(object)),
  validateUpdateAlone: true,
  validateUpdate: (object, old) => validateAutoscaler(asV2(object), asV2(old)),
  validateStatusUpdate: ({ status }) => statusErrors(status),
});

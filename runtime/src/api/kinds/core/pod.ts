/** Pods (upstream: `pkg/registry/core/pod`). */
import type { LabelSelector } from '../../generated/types/apimachinery.pkg.apis.meta.v1.ts';
import type { Pod, PodSpec } from '../../generated/types/core.v1.ts';
import { defineKind } from '../define.ts';
import { sameValue } from '../errors.ts';
import { ephemeralContainers } from './ephemeralContainers.ts';
import { podColumns } from './podColumns.ts';
import { defaultPod } from './podDefaults.ts';
import { resize } from './podResize.ts';
import { preparePodStatus, validatePodStatus } from './podStatus.ts';
import { validatePodUpdate } from './podUpdate.ts';
import { validatePod } from './podValidation.ts';
import { podWarnings } from './podWarnings.ts';
import { podQosClass } from './qos.ts';

/** `matchLabelKeys` become what they stand for: the pod's own values, as part of the selector (KEP-3633, KEP-3243). */
function mergeLabelKeys(
  holder: {
    labelSelector?: LabelSelector | undefined;
    matchLabelKeys?: string[] | undefined;
    mismatchLabelKeys?: string[] | undefined;
  },
  labels: Readonly<Record<string, string>>,
): void {
  const { labelSelector } = holder;
  if (!labelSelector) return;
  const added = (keys: readonly string[] | undefined, operator: 'In' | 'NotIn') =>
    (keys ?? []).flatMap(key => {
      const value = labels[key];
      return value === undefined ? [] : [{ key, operator, values: [value] }];
    });
  const expressions = [...added(holder.matchLabelKeys, 'In'), ...added(holder.mismatchLabelKeys, 'NotIn')];
  if (expressions.length > 0)
    labelSelector.matchExpressions = [...(labelSelector.matchExpressions ?? []), ...expressions];
}

function mergeAllLabelKeys(spec: PodSpec, labels: Readonly<Record<string, string>>): void {
  for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
    const affinity = spec.affinity?.[kind];
    for (const term of affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) mergeLabelKeys(term, labels);
    for (const { podAffinityTerm } of affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
      mergeLabelKeys(podAffinityTerm, labels);
  }
  for (const constraint of spec.topologySpreadConstraints ?? []) mergeLabelKeys(constraint, labels);
}

const GATED = {
  type: 'PodScheduled',
  status: 'False',
  reason: 'SchedulingGated',
  message: 'Scheduling is blocked due to non-empty scheduling gates',
} as const;

export const pod = defineKind<Pod>({
  group: '',
  version: 'v1',
  kind: 'Pod',
  shortNames: ['po'],
  categories: ['all'],
  columns: podColumns,
  selectableFieldNames: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.podIPs',
    'status.nominatedNodeName',
  ],
  selectableFields: ({ spec, status }) => ({
    'spec.nodeName': spec?.nodeName ?? '',
    'spec.restartPolicy': spec?.restartPolicy ?? '',
    'spec.schedulerName': spec?.schedulerName ?? '',
    'spec.serviceAccountName': spec?.serviceAccountName ?? '',
    'spec.hostNetwork': String(spec?.hostNetwork ?? false),
    'status.phase': status?.phase ?? '',
    'status.podIP': status?.podIP || status?.podIPs?.[0]?.ip || '',
    'status.podIPs': status?.podIP || status?.podIPs?.[0]?.ip || '',
    'status.nominatedNodeName': status?.nominatedNodeName ?? '',
  }),
  defaults: defaultPod,
  prepareForCreate: object => {
    object.metadata.generation = 1;
    if (object.spec) mergeAllLabelKeys(object.spec, object.metadata.labels ?? {});
    object.status = { phase: 'Pending', qosClass: podQosClass(object.spec) };
    if (object.spec?.schedulingGates?.length) object.status.conditions = [{ ...GATED }];
  },
  prepareForUpdate: (object, old) => {
    const grown = sameValue(object.spec, old.spec) ? 0 : 1;
    object.metadata.generation = (old.metadata.generation ?? 0) + grown;
  },
  validate: validatePod,
  validateUpdate: validatePodUpdate,
  validateUpdateAlone: true,
  prepareForStatusUpdate: preparePodStatus,
  validateStatusUpdate: validatePodStatus,
  // People rarely change pods, and those who do it all the time would pay for it.
  warnings: ({ spec, metadata }, old) => (old ? [] : podWarnings(spec, metadata, 'spec')),
  parts: { ephemeralcontainers: ephemeralContainers, resize },
});

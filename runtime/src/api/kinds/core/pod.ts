/** Pods (upstream: `pkg/registry/core/pod`). */
import type { Pod } from '../../generated/types/core.v1.ts';
import { defineKind } from '../define.ts';
import { sameValue } from '../errors.ts';
import { ephemeralContainers } from './ephemeralContainers.ts';
import { podColumns } from './podColumns.ts';
import { defaultPod } from './podDefaults.ts';
import { validatePodUpdate } from './podUpdate.ts';
import { validatePod } from './podValidation.ts';
import { podQosClass } from './qos.ts';

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
    'status.podIPs': (status?.podIPs ?? []).map(p => p.ip).join(','),
    'status.nominatedNodeName': status?.nominatedNodeName ?? '',
  }),
  defaults: defaultPod,
  prepareForCreate: object => {
    object.metadata.generation = 1;
    object.status = { phase: 'Pending', qosClass: podQosClass(object.spec) };
    if (object.spec?.schedulingGates?.length)
      object.status.conditions = [
        {
          type: 'PodScheduled',
          status: 'False',
          reason: 'SchedulingGated',
          message: 'Scheduling is blocked due to non-empty scheduling gates',
        },
      ];
  },
  prepareForUpdate: (object, old) => {
    const grown = sameValue(object.spec, old.spec) ? 0 : 1;
    object.metadata.generation = (old.metadata.generation ?? 0) + grown;
  },
  validate: validatePod,
  validateUpdate: validatePodUpdate,
  parts: { ephemeralcontainers: ephemeralContainers },
});

/** RuntimeClasses (upstream: `pkg/apis/node/validation`). */
import type { RuntimeClass } from '../../generated/types/node.v1.ts';
import { dns1123LabelErrors } from '../../names.ts';
import { ageColumn, column } from '../columns.ts';
import { validateTolerations } from '../core/placementValidation.ts';
import { validateResources } from '../core/resourceValidation.ts';
import { defineKind } from '../define.ts';
import { immutable, invalidEach } from '../errors.ts';
import { validateLabels } from '../objectMeta.ts';

export const runtimeClass = defineKind<RuntimeClass>({
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  columns: [
    column(
      'Handler',
      'string',
      'handler specifies the underlying runtime and configuration that the CRI implementation will use to handle pods of this class.',
      o => o.handler,
    ),
    ageColumn,
  ],
  validate: ({ handler = '', overhead, scheduling }) => [
    ...invalidEach('handler', handler, dns1123LabelErrors(handler)),
    ...(overhead ? validateResources({ limits: overhead.podFixed }, 'overhead') : []),
    ...validateLabels(scheduling?.nodeSelector, 'scheduling.nodeSelector'),
    ...validateTolerations(scheduling?.tolerations, 'scheduling.tolerations'),
  ],
  validateUpdateAlone: true,
  validateUpdate: (object, old) => immutable('handler', object.handler, old.handler),
});

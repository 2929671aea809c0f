/** PodTemplates: templates as objects of their own, which no controller of Kubernetes' reads. */
import type { PodTemplate } from '../../generated/types/core.v1.ts';
import { ageColumn, column, containerColumns, selectorText } from '../columns.ts';
import { defineKind } from '../define.ts';
import { defaultPodSpec } from './podDefaults.ts';
import { validatePodTemplate } from './podValidation.ts';
import { podWarnings } from './podWarnings.ts';

export const podTemplate = defineKind<PodTemplate>({
  group: '',
  version: 'v1',
  kind: 'PodTemplate',
  columns: [
    ...containerColumns<PodTemplate>(o => o.template).map(c => ({ ...c, priority: 0 })),
    column('Pod Labels', 'string', 'Labels of the pods that would be made.', o =>
      selectorText(o.template?.metadata?.labels),
    ),
    ageColumn,
  ],
  defaults: ({ template }) => defaultPodSpec(template?.spec),
  prepareForCreate: object => {
    object.metadata.generation = 1;
  },
  validate: ({ template }) => validatePodTemplate(template, 'template'),
  warnings: ({ template, metadata }, old) =>
    old && old.metadata.generation === metadata.generation
      ? []
      : podWarnings(template?.spec, template?.metadata, 'template.spec'),
});

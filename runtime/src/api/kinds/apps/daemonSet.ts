import type { DaemonSet, DaemonSetUpdateStrategy } from '../../generated/types/apps.v1.ts';
import type { KubeObject } from '../../object.ts';
import { labelSelectorMatches } from '../../selectors.ts';
import { ageColumn, column, containerColumns, selectorText, wide } from '../columns.ts';
import { defaultPodSpec } from '../core/podDefaults.ts';
import { validatePodTemplate } from '../core/podValidation.ts';
import { podWarnings } from '../core/podWarnings.ts';
import { defineKind } from '../define.ts';
import { immutable, invalid, nonNegative, notSupported, required, sameValue } from '../errors.ts';
import { bumpGeneration } from '../generation.ts';
import type { FieldError } from '../kind.ts';
import { validateLabelSelector } from '../objectMeta.ts';
import {
  collisionErrors,
  countErrors,
  intOrPercentErrors,
  isEmptySelector,
  isZero,
  notMoreThanAll,
} from './workload.ts';

const STRATEGIES = ['RollingUpdate', 'OnDelete'];
const COUNTS = [
  'currentNumberScheduled',
  'numberMisscheduled',
  'desiredNumberScheduled',
  'numberReady',
  'observedGeneration',
  'updatedNumberScheduled',
  'numberAvailable',
  'numberUnavailable',
  'collisionCount',
];

function strategyErrors({ type, rollingUpdate }: DaemonSetUpdateStrategy): FieldError[] {
  if (type === 'OnDelete') return [];
  if (type !== 'RollingUpdate')
    return [
      notSupported('spec.updateStrategy', { Type: type ?? '', RollingUpdate: rollingUpdate ?? null }, STRATEGIES),
    ];
  const path = 'spec.updateStrategy.rollingUpdate';
  if (!rollingUpdate) return [required(path)];
  const { maxUnavailable, maxSurge } = rollingUpdate;
  const errors = [
    ...intOrPercentErrors(maxUnavailable, `${path}.maxUnavailable`),
    ...intOrPercentErrors(maxSurge, `${path}.maxSurge`),
    ...notMoreThanAll(maxUnavailable, `${path}.maxUnavailable`),
    ...notMoreThanAll(maxSurge, `${path}.maxSurge`),
  ];
  if (!isZero(maxUnavailable) && !isZero(maxSurge))
    errors.push(invalid(`${path}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero'));
  else if (isZero(maxUnavailable) && isZero(maxSurge))
    errors.push(required(`${path}.maxUnavailable`, 'cannot be 0 when maxSurge is 0'));
  return errors;
}

function validate({ spec }: DaemonSet): FieldError[] {
  if (!spec) return [required('spec')];
  const { selector, template } = spec;
  const wrong = validateLabelSelector(selector, 'spec.selector');
  const errors = [...wrong];
  const labels = template?.metadata?.labels ?? {};
  // No selector selects nothing, an empty one everything.
  if (wrong.length === 0 && (!selector || !labelSelectorMatches(selector, labels)))
    errors.push(invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
  if (selector && isEmptySelector(selector))
    errors.push(invalid('spec.selector', selector, 'empty selector is invalid for daemonset'));
  return [
    ...errors,
    ...validatePodTemplate(template, 'spec.template', { restartPolicies: ['Always'], endless: 'DaemonSet' }),
    ...nonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...strategyErrors(spec.updateStrategy ?? {}),
    ...nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
  ];
}

/** How often the template has changed: once a field, kept by the server for those who still look at it. */
const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

function setTemplateGeneration({ metadata }: DaemonSet, generation: number): void {
  metadata.annotations = { ...metadata.annotations, [TEMPLATE_GENERATION]: String(generation) };
}

export const daemonSet = defineKind<DaemonSet>({
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  shortNames: ['ds'],
  categories: ['all'],
  columns: [
    column(
      'Desired',
      'integer',
      'Nodes that should be running the daemon pod.',
      o => o.status?.desiredNumberScheduled ?? 0,
    ),
    column(
      'Current',
      'integer',
      'Nodes that are running at least 1 daemon pod and are supposed to.',
      o => o.status?.currentNumberScheduled ?? 0,
    ),
    column('Ready', 'integer', 'Nodes that have a ready daemon pod.', o => o.status?.numberReady ?? 0),
    column(
      'Up-to-date',
      'integer',
      'Nodes that are running the updated daemon pod.',
      o => o.status?.updatedNumberScheduled ?? 0,
    ),
    column('Available', 'integer', 'Nodes that have an available daemon pod.', o => o.status?.numberAvailable ?? 0),
    column('Node Selector', 'string', 'Labels a node must have to run the pod.', o =>
      selectorText(o.spec?.template?.spec?.nodeSelector),
    ),
    ageColumn,
    ...containerColumns<DaemonSet>(o => o.spec?.template),
    wide('Selector', 'string', 'Label selector for pods.', o => selectorText(o.spec?.selector)),
  ],
  defaults: ({ spec }) => {
    if (!spec) return;
    spec.updateStrategy ??= {};
    if (!spec.updateStrategy.type) spec.updateStrategy.type = 'RollingUpdate';
    if (spec.updateStrategy.type === 'RollingUpdate') {
      spec.updateStrategy.rollingUpdate ??= {};
      spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
      spec.updateStrategy.rollingUpdate.maxSurge ??= 0;
    }
    spec.revisionHistoryLimit ??= 10;
    defaultPodSpec(spec.template?.spec);
  },
  prepareForCreate: object => {
    object.metadata.generation = 1;
    setTemplateGeneration(object, 1);
    object.status = { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 };
  },
  prepareForUpdate: (object, old) => {
    const before = Number(old.metadata.annotations?.[TEMPLATE_GENERATION] ?? 1);
    setTemplateGeneration(object, before + (sameValue(object.spec?.template, old.spec?.template) ? 0 : 1));
    bumpGeneration(object as unknown as KubeObject, old as unknown as KubeObject);
  },
  validate,
  validateUpdate: (object, old) => immutable('spec.selector', object.spec?.selector, old.spec?.selector),
  validateStatusUpdate: ({ status }, { status: old }) => [
    ...countErrors(status, COUNTS),
    ...collisionErrors(status, old),
  ],
  warnings: ({ spec }, old) =>
    old && sameValue(spec?.template, old.spec?.template)
      ? []
      : podWarnings(spec?.template?.spec, spec?.template?.metadata, 'spec.template.spec'),
});

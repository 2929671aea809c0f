/** Jobs (upstream: `pkg/registry/batch/job`). */
import type { Job, JobSpec } from '../../generated/types/batch.v1.ts';
import { labelSelectorMatches } from '../../selectors.ts';
import { ageColumn, column, containerColumns, humanDuration, selectorText, wide } from '../columns.ts';
import { defaultPodSpec } from '../core/podDefaults.ts';
import { validatePodTemplate } from '../core/podValidation.ts';
import { defineKind } from '../define.ts';
import { forbidden, immutable, invalid, nonNegative, notSupported, required, sameValue } from '../errors.ts';
import type { FieldError } from '../kind.ts';

const MODES = ['NonIndexed', 'Indexed'];

/** A job without labels of its own shows its pods'. */
function defaultLabels({ metadata, spec }: Job): void {
  const labels = spec?.template?.metadata?.labels;
  if (labels && !Object.keys(metadata.labels ?? {}).length) metadata.labels = { ...labels };
}

function defaults(job: Job): void {
  const { spec } = job;
  if (!spec) return;
  defaultLabels(job);
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : 2147483647;
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed';
  spec.manualSelector ??= false;
  defaultPodSpec(spec.template?.spec);
}

/** What a job and a CronJob's template must both be. */
export function validateJobSpec(spec: JobSpec | undefined, path: string): FieldError[] {
  if (!spec) return [required(path)];
  const errors: FieldError[] = [];
  for (const field of [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'backoffLimitPerIndex',
    'maxFailedIndexes',
  ] as const)
    errors.push(...nonNegative(`${path}.${field}`, spec[field]));
  if (spec.completionMode !== undefined && !MODES.includes(spec.completionMode))
    errors.push(notSupported(`${path}.completionMode`, spec.completionMode, MODES));
  if (spec.completionMode === 'Indexed' && spec.completions === undefined)
    errors.push(required(`${path}.completions`, 'when completion mode is Indexed'));
  const policy = spec.template?.spec?.restartPolicy ?? '';
  errors.push(...validatePodTemplate(spec.template, `${path}.template`, ['Always', 'OnFailure', 'Never']));
  if (policy === 'Always')
    errors.push(required(`${path}.template.spec.restartPolicy`, 'valid values: "OnFailure", "Never"'));
  if (spec.podFailurePolicy && policy !== 'Never')
    errors.push(
      invalid(
        `${path}.template.spec.restartPolicy`,
        policy,
        'only "Never" is supported when podFailurePolicy is specified',
      ),
    );
  return errors;
}

/** The labels by which a job knows its pods: its own uid, under today's and yesterday's names. */
function generateSelector(job: Job): void {
  const { uid, name = '' } = job.metadata;
  const { spec } = job;
  if (!spec?.template || spec.manualSelector === true || uid === undefined) return;
  const metadata = spec.template.metadata ?? {};
  spec.template.metadata = metadata;
  metadata.labels = {
    ...metadata.labels,
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
  };
  spec.selector ??= {};
  spec.selector.matchLabels = { ...spec.selector.matchLabels, 'batch.kubernetes.io/controller-uid': uid };
}

function status(job: Job): string {
  const holds = (type: string): boolean =>
    (job.status?.conditions ?? []).some(c => c.type === type && c.status === 'True');
  if (holds('Complete')) return 'Complete';
  if (holds('Failed')) return 'Failed';
  if (job.metadata.deletionTimestamp !== undefined) return 'Terminating';
  if (holds('Suspended')) return 'Suspended';
  if (holds('FailureTarget')) return 'FailureTarget';
  return holds('SuccessCriteriaMet') ? 'SuccessCriteriaMet' : 'Running';
}

function completions({ spec, status: state }: Job): string {
  const done = state?.succeeded ?? 0;
  if (spec?.completions !== undefined) return `${done}/${spec.completions}`;
  const parallelism = spec?.parallelism ?? 0;
  return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`;
}

function duration({ status: state }: Job, nowMs: number): string {
  if (!state?.startTime) return '';
  const end = state.completionTime ?? (state.conditions ?? []).find(c => c.type === 'Failed')?.lastTransitionTime;
  return humanDuration((end === undefined ? nowMs : Date.parse(end)) - Date.parse(state.startTime));
}

export const job = defineKind<Job>({
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  categories: ['all'],
  selectableFieldNames: ['status.successful'],
  selectableFields: o => ({ 'status.successful': String(o.status?.succeeded ?? 0) }),
  columns: [
    column('Status', 'string', 'Status of the job.', status),
    column('Completions', 'string', 'Finished pods of those wanted.', completions),
    column('Duration', 'string', 'Time required to complete the job.', duration),
    ageColumn,
    ...containerColumns<Job>(o => o.spec?.template),
    wide('Selector', 'string', 'A label query over pods that should match the pod count.', o =>
      selectorText(o.spec?.selector),
    ),
  ],
  defaults,
  prepareForCreate: object => {
    generateSelector(object);
    defaultLabels(object);
    object.metadata.generation = 1;
    delete object.status;
  },
  validate: ({ spec }) => {
    const errors = validateJobSpec(spec, 'spec');
    if (!spec) return errors;
    if (!spec.selector) errors.push(required('spec.selector'));
    else if (!labelSelectorMatches(spec.selector, spec.template?.metadata?.labels))
      errors.push(
        invalid(
          'spec.template.metadata.labels',
          spec.template?.metadata?.labels ?? {},
          '`selector` does not match template `labels`',
        ),
      );
    return errors;
  },
  validateUpdate: ({ spec }, { spec: old, status: state }) => {
    const errors = [
      ...immutable('spec.selector', spec?.selector, old?.selector),
      ...immutable('spec.completionMode', spec?.completionMode, old?.completionMode),
      ...immutable('spec.podFailurePolicy', spec?.podFailurePolicy, old?.podFailurePolicy),
      ...immutable('spec.backoffLimitPerIndex', spec?.backoffLimitPerIndex, old?.backoffLimitPerIndex),
    ];
    if (spec?.completionMode !== 'Indexed')
      errors.push(...immutable('spec.completions', spec?.completions, old?.completions));
    // Before it has ever started, a suspended job may be placed anew.
    const placeable = old?.suspend === true && state?.startTime === undefined;
    if (!placeable && !sameValue(spec?.template, old?.template))
      errors.push(invalid('spec.template', spec?.template, 'field is immutable'));
    if (
      spec?.manualSelector !== old?.manualSelector &&
      !sameValue(spec?.manualSelector ?? false, old?.manualSelector ?? false)
    )
      errors.push(forbidden('spec.manualSelector', 'field is immutable'));
    return errors;
  },
});

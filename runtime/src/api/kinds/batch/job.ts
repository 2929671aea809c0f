/** Jobs (upstream: `pkg/registry/batch/job`). */
import type { Job, JobSpec } from '../../generated/types/batch.v1.ts';
import { dns1123LabelErrors } from '../../names.ts';
import { ageColumn, column, containerColumns, humanDuration, selectorText, wide } from '../columns.ts';
import { defaultPodSpec } from '../core/podDefaults.ts';
import { podWarnings } from '../core/podWarnings.ts';
import { defineKind } from '../define.ts';
import { hasCondition, validateJobStatus } from './jobStatus.ts';
import { NAME_LABEL, UID_LABEL, validateJob, validateJobUpdate } from './jobValidation.ts';

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

/** The labels by which a job knows its pods: its own uid, under today's and yesterday's names. */
function generateSelector(job: Job): void {
  const { uid, name = '' } = job.metadata;
  const { spec } = job;
  if (!spec?.template || spec.manualSelector === true || uid === undefined) return;
  const metadata = spec.template.metadata ?? {};
  spec.template.metadata = metadata;
  metadata.labels = {
    ...metadata.labels,
    [UID_LABEL]: uid,
    [NAME_LABEL]: name,
    'controller-uid': uid,
    'job-name': name,
  };
  spec.selector ??= {};
  spec.selector.matchLabels = { ...spec.selector.matchLabels, [UID_LABEL]: uid };
}

/** Succeeded, failed or on the way: what is most worth knowing. */
function status(job: Job): string {
  if (hasCondition(job, 'Complete')) return 'Complete';
  if (hasCondition(job, 'Failed')) return 'Failed';
  if (job.metadata.deletionTimestamp !== undefined) return 'Terminating';
  if (hasCondition(job, 'Suspended')) return 'Suspended';
  if (hasCondition(job, 'FailureTarget')) return 'FailureTarget';
  return hasCondition(job, 'SuccessCriteriaMet') ? 'SuccessCriteriaMet' : 'Running';
}

function completions({ spec, status: state }: Job): string {
  const done = state?.succeeded ?? 0;
  if (spec?.completions !== undefined) return `${done}/${spec.completions}`;
  const parallelism = spec?.parallelism ?? 0;
  return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`;
}

/** What people should know of a job's spec, also where it is a CronJob's template. */
export function jobWarnings(spec: JobSpec | undefined, path: string): string[] {
  const warnings: string[] = [];
  const { completions = 0, parallelism = 0, completionMode, backoffLimitPerIndex } = spec ?? {};
  if (
    completionMode === 'Indexed' &&
    backoffLimitPerIndex === undefined &&
    completions > 100_000 &&
    parallelism > 10_000
  )
    warnings.push(
      `${path}: In Indexed Jobs with a number of completions higher than 100000 and a parallelism higher than 10000, Kubernetes might not be able to track completedIndexes when a big number of indexes fail`,
    );
  return [...warnings, ...podWarnings(spec?.template?.spec, spec?.template?.metadata, `${path}.template.spec`)];
}

/** Pods have the job's name as their host's name. */
function nameWarnings(name = ''): string[] {
  const faults = dns1123LabelErrors(name);
  return faults.length === 0
    ? []
    : [
        `metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [${faults.join(' ')}]`,
      ];
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
    object.status = {};
  },
  validate: validateJob,
  validateUpdate: validateJobUpdate,
  validateUpdateAlone: true,
  validateStatusUpdate: validateJobStatus,
  warnings: ({ spec, metadata }, old) => (old ? [] : [...nameWarnings(metadata.name), ...jobWarnings(spec, 'spec')]),
});

/** CronJobs (upstream: `pkg/registry/batch/cronjob`). */
import type { CronJob, CronJobSpec } from '../../generated/types/batch.v1.ts';
import { age, ageColumn, column, containerColumns, selectorText, wide } from '../columns.ts';
import { defaultPodSpec } from '../core/podDefaults.ts';
import { defineKind } from '../define.ts';
import { invalid, nonNegative, notSupported, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { jobWarnings } from './job.ts';
import { validateJobSpec } from './jobValidation.ts';
import { scheduleErrors, timeZoneErrors } from './schedule.ts';

const POLICIES = ['Allow', 'Forbid', 'Replace'];
/** Jobs are named after it, with eleven characters more. */
const MAX_NAME = 52;

function templateErrors({ jobTemplate }: CronJobSpec): FieldError[] {
  const path = 'spec.jobTemplate.spec';
  const errors = validateJobSpec(jobTemplate?.spec, path);
  const { selector, manualSelector } = jobTemplate?.spec ?? {};
  if (selector) errors.push(invalid(`${path}.selector`, selector, '`selector` will be auto-generated'));
  if (manualSelector)
    errors.push({
      type: 'FieldValueNotSupported',
      field: `${path}.manualSelector`,
      message: 'Unsupported value: true: supported values: "nil", "false"',
    });
  return errors;
}

function validateSpec(spec: CronJobSpec, old: CronJobSpec | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const { schedule = '', timeZone, concurrencyPolicy } = spec;
  if (schedule === '') errors.push(required('spec.schedule'));
  else {
    const allowZone = old?.schedule?.includes('TZ') === true;
    errors.push(...scheduleErrors(schedule, timeZone, allowZone, 'spec.schedule'));
  }
  errors.push(...nonNegative('spec.startingDeadlineSeconds', spec.startingDeadlineSeconds));
  if (!old || old.timeZone !== timeZone) errors.push(...timeZoneErrors(timeZone, 'spec.timeZone'));
  if (!concurrencyPolicy) errors.push(required('spec.concurrencyPolicy'));
  else if (!POLICIES.includes(concurrencyPolicy))
    errors.push(notSupported('spec.concurrencyPolicy', concurrencyPolicy, POLICIES));
  return [
    ...errors,
    ...templateErrors(spec),
    ...nonNegative('spec.successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit),
    ...nonNegative('spec.failedJobsHistoryLimit', spec.failedJobsHistoryLimit),
  ];
}

export const cronJob = defineKind<CronJob>({
  group: 'batch',
  version: 'v1',
  kind: 'CronJob',
  shortNames: ['cj'],
  categories: ['all'],
  columns: [
    column('Schedule', 'string', 'The schedule in Cron format.', o => o.spec?.schedule ?? ''),
    column('Timezone', 'string', 'The time zone of the schedule.', o => o.spec?.timeZone ?? '<none>'),
    column('Suspend', 'boolean', 'Whether subsequent executions are suspended.', o =>
      o.spec?.suspend === undefined ? '<unset>' : o.spec.suspend ? 'True' : 'False',
    ),
    column('Active', 'integer', 'Currently running jobs.', o => o.status?.active?.length ?? 0),
    column('Last Schedule', 'string', 'When the job was last scheduled.', (o, now) =>
      o.status?.lastScheduleTime ? age(o.status.lastScheduleTime, now) : '<none>',
    ),
    ageColumn,
    ...containerColumns<CronJob>(o => o.spec?.jobTemplate?.spec?.template),
    wide('Selector', 'string', 'A label query over pods.', o => selectorText(o.spec?.jobTemplate?.spec?.selector)),
  ],
  defaults: ({ spec }) => {
    if (!spec) return;
    if (!spec.concurrencyPolicy) spec.concurrencyPolicy = 'Allow';
    spec.suspend ??= false;
    spec.successfulJobsHistoryLimit ??= 3;
    spec.failedJobsHistoryLimit ??= 1;
    // Counts and selectors stay unsaid: they are given to each job when it is made.
    defaultPodSpec(spec.jobTemplate?.spec?.template?.spec);
  },
  prepareForCreate: object => {
    object.metadata.generation = 1;
    object.status = {};
  },
  validate: ({ metadata, spec }) => {
    if (!spec) return [required('spec')];
    const errors = validateSpec(spec, undefined);
    if ((metadata.name?.length ?? 0) > MAX_NAME)
      errors.push(invalid('metadata.name', metadata.name, `must be no more than ${MAX_NAME} characters`));
    return errors;
  },
  validateUpdate: ({ spec }, { spec: old }) => (spec ? validateSpec(spec, old) : [required('spec')]),
  validateUpdateAlone: true,
  warnings: ({ spec }) => {
    const warnings = jobWarnings(spec?.jobTemplate?.spec, 'spec.jobTemplate.spec');
    if (spec?.schedule?.includes('TZ'))
      warnings.push(
        `spec.schedule: CRON_TZ or TZ used in ${JSON.stringify(spec.schedule)} is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details`,
      );
    return warnings;
  },
});

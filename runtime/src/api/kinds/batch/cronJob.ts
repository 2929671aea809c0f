/** CronJobs (upstream: `pkg/registry/batch/cronjob`). */
import type { CronJob } from '../../generated/types/batch.v1.ts';
import { age, ageColumn, column, containerColumns, selectorText, wide } from '../columns.ts';
import { defaultPodSpec } from '../core/podDefaults.ts';
import { defineKind } from '../define.ts';
import { invalid, nonNegative, notSupported, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { validateJobSpec } from './job.ts';

const POLICIES = ['Allow', 'Forbid', 'Replace'];
/** Jobs are named after it, with eleven characters more. */
const MAX_NAME = 52;
const MACROS = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']);
const FIELD = /^(\*|\?|[0-9A-Za-z]+(-[0-9A-Za-z]+)?)(\/[0-9]+)?$/;

/** Five fields of lists of ranges with steps, a macro, or `@every 1h30m`. */
function scheduleErrors(schedule: string): FieldError[] {
  const text = schedule.replace(/^(TZ|CRON_TZ)=\S+\s+/, '').trim();
  if (text !== schedule.trim())
    return [invalid('spec.schedule', schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead')];
  if (MACROS.has(text) || /^@every \d+(\.\d+)?(h|m|s)/.test(text)) return [];
  const fields = text.split(/\s+/);
  if (fields.length !== 5)
    return [
      invalid('spec.schedule', schedule, `expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`),
    ];
  const wrong = fields.find(f => !f.split(',').every(part => FIELD.test(part)));
  return wrong === undefined ? [] : [invalid('spec.schedule', schedule, `failed to parse ${wrong}`)];
}

function timeZoneErrors(timeZone: string | undefined): FieldError[] {
  if (timeZone === undefined) return [];
  if (timeZone === '') return [invalid('spec.timeZone', timeZone, 'timeZone must be nil or non-empty string')];
  if (timeZone.toLowerCase() === 'local')
    return [
      invalid(
        'spec.timeZone',
        timeZone,
        'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
      ),
    ];
  try {
    new Intl.DateTimeFormat('en', { timeZone });
    return [];
  } catch {
    return [invalid('spec.timeZone', timeZone, `unknown time zone ${timeZone}`)];
  }
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
      o.spec?.suspend === true ? 'True' : 'False',
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
  validate: ({ metadata, spec }) => {
    if (!spec) return [required('spec')];
    const errors: FieldError[] = [];
    if ((metadata.name?.length ?? 0) > MAX_NAME)
      errors.push(invalid('metadata.name', metadata.name, `must be no more than ${MAX_NAME} characters`));
    if (!spec.schedule) errors.push(required('spec.schedule'));
    else errors.push(...scheduleErrors(spec.schedule), ...timeZoneErrors(spec.timeZone));
    errors.push(...nonNegative('spec.startingDeadlineSeconds', spec.startingDeadlineSeconds));
    if (!spec.concurrencyPolicy) errors.push(required('spec.concurrencyPolicy'));
    else if (!POLICIES.includes(spec.concurrencyPolicy))
      errors.push(notSupported('spec.concurrencyPolicy', spec.concurrencyPolicy, POLICIES));
    errors.push(...nonNegative('spec.successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit));
    errors.push(...nonNegative('spec.failedJobsHistoryLimit', spec.failedJobsHistoryLimit));
    return [...errors, ...validateJobSpec(spec.jobTemplate?.spec, 'spec.jobTemplate.spec')];
  },
});

/** What a job controller may say of a job (upstream: `validateJobStatus`, `ValidateJobStatusUpdate`; KEP-4368). */
import type { Job } from '../../generated/types/batch.v1.ts';
import { duplicate, invalid, nonNegative, required, unfit } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { countIndexes } from './podPolicies.ts';

const CONDITIONS = 'status.conditions';

export const hasCondition = (job: Job, type: string): boolean =>
  (job.status?.conditions ?? []).some(c => c.type === type && c.status === 'True');

const isFinished = (job: Job): boolean => hasCondition(job, 'Complete') || hasCondition(job, 'Failed');

function uncountedErrors(job: Job): FieldError[] {
  const seen = new Set<string>();
  return (['succeeded', 'failed'] as const).flatMap(field =>
    (job.status?.uncountedTerminatedPods?.[field] ?? []).flatMap((uid, i) => {
      const path = `status.uncountedTerminatedPods.${field}[${i}]`;
      if (uid === '') return [invalid(path, uid, 'must not be empty')];
      if (seen.has(uid)) return [duplicate(path, uid)];
      seen.add(uid);
      return [];
    }),
  );
}

function conditionErrors(job: Job): FieldError[] {
  const has = (type: string): boolean => hasCondition(job, type);
  const errors: FieldError[] = [];
  const not = (wrong: boolean, text: string): void => {
    if (wrong) errors.push(unfit(CONDITIONS, text));
  };
  not(has('Complete') && has('Failed'), 'cannot set Complete=True and Failed=true conditions');
  not(has('Complete') && has('FailureTarget'), 'cannot set Complete=True and FailureTarget=true conditions');
  not(
    has('Failed') && !has('FailureTarget'),
    'cannot set Failed=True condition without the FailureTarget=true condition',
  );
  not(
    has('Complete') && !has('SuccessCriteriaMet'),
    'cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
  );
  not(has('SuccessCriteriaMet') && has('Failed'), 'cannot set SuccessCriteriaMet=True and Failed=true conditions');
  not(
    has('SuccessCriteriaMet') && has('FailureTarget'),
    'cannot set SuccessCriteriaMet=True and FailureTarget=true conditions',
  );
  not(
    job.spec?.successPolicy !== undefined && !has('SuccessCriteriaMet') && has('Complete'),
    'cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True',
  );
  return errors;
}

function timeErrors(job: Job): FieldError[] {
  const { completionTime, startTime } = job.status ?? {};
  const errors: FieldError[] = [];
  const field = 'status.completionTime';
  const complete = hasCondition(job, 'Complete');
  if (completionTime !== undefined && !complete)
    errors.push(invalid(field, completionTime, 'cannot set completionTime when there is no Complete=True condition'));
  if (completionTime === undefined && complete)
    errors.push(required(field, 'completionTime is required for Complete jobs'));
  if (startTime !== undefined && completionTime !== undefined && Date.parse(completionTime) < Date.parse(startTime))
    errors.push(invalid(field, completionTime, 'completionTime cannot be set before startTime'));
  if (startTime === undefined && isFinished(job))
    errors.push(required('status.startTime', 'startTime is required for finished job'));
  return errors;
}

/** The single indexes of `1,3-5`; the text is valid. */
function* indexesOf(text: string): Generator<number> {
  for (const interval of text === '' ? [] : text.split(',')) {
    const [first = 0, last = first] = interval.split('-').map(Number);
    for (let index = first; index <= last; index++) yield index;
  }
}

function indexErrors(job: Job): FieldError[] {
  const { completedIndexes = '', failedIndexes } = job.status ?? {};
  const { completions, completionMode, backoffLimitPerIndex } = job.spec ?? {};
  const errors: FieldError[] = [];
  const parse = (field: string, text: string): boolean => {
    try {
      countIndexes(text, completions ?? 0);
      return true;
    } catch (error) {
      errors.push(invalid(`status.${field}`, text, `error parsing ${field}: ${(error as Error).message}`));
      return false;
    }
  };
  let readable = completions !== undefined && parse('completedIndexes', completedIndexes);
  if (completions !== undefined && backoffLimitPerIndex !== undefined && failedIndexes !== undefined)
    readable = parse('failedIndexes', failedIndexes) && readable;
  if (completedIndexes !== '' && completionMode !== 'Indexed')
    errors.push(
      invalid(
        'status.completedIndexes',
        completedIndexes,
        'cannot set non-empty completedIndexes when non-indexed completion mode',
      ),
    );
  if (backoffLimitPerIndex === undefined && failedIndexes !== undefined)
    errors.push(
      invalid(
        'status.failedIndexes',
        failedIndexes,
        'cannot set non-null failedIndexes when backoffLimitPerIndex is null',
      ),
    );
  if (!readable || failedIndexes === undefined || backoffLimitPerIndex === undefined) return errors;
  const done = new Set(indexesOf(completedIndexes));
  for (const index of indexesOf(failedIndexes))
    if (done.has(index)) {
      errors.push(
        invalid('status.failedIndexes', failedIndexes, `failedIndexes and completedIndexes overlap at index: ${index}`),
      );
      break;
    }
  return errors;
}

/** What has been decided stays decided, what has been counted stays counted. */
function changeErrors(job: Job, old: Job): FieldError[] {
  const [now, before] = [job.status ?? {}, old.status ?? {}];
  const errors: FieldError[] = [];
  for (const type of ['Failed', 'Complete', 'FailureTarget'])
    if (hasCondition(old, type) && !hasCondition(job, type))
      errors.push(unfit(CONDITIONS, `cannot disable the terminal ${type}=True condition`));
  for (const field of ['failed', 'succeeded'] as const)
    if ((now[field] ?? 0) < (before[field] ?? 0))
      errors.push(invalid(`status.${field}`, now[field] ?? 0, `cannot decrease the ${field} counter`));
  if (
    now.completionTime !== undefined &&
    before.completionTime !== undefined &&
    now.completionTime !== before.completionTime
  )
    errors.push(invalid('status.completionTime', now.completionTime, 'completionTime cannot be mutated'));
  if (before.startTime !== undefined && now.startTime !== before.startTime && job.spec?.suspend !== true)
    errors.push(required('status.startTime', 'startTime cannot be removed for unsuspended job'));
  const met = 'SuccessCriteriaMet';
  if (hasCondition(old, met) && !hasCondition(job, met))
    errors.push(unfit(CONDITIONS, 'cannot disable the SuccessCriteriaMet=True condition'));
  if (hasCondition(old, 'Complete') && !hasCondition(old, met) && hasCondition(job, met))
    errors.push(unfit(CONDITIONS, 'cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions'));
  return errors;
}

export function validateJobStatus(job: Job, old: Job): FieldError[] {
  const status = job.status ?? {};
  const errors: FieldError[] = [];
  for (const field of ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const)
    errors.push(...nonNegative(`status.${field}`, status[field]));
  errors.push(...uncountedErrors(job), ...conditionErrors(job), ...timeErrors(job), ...indexErrors(job));
  if (isFinished(job)) {
    if ((status.active ?? 0) > 0)
      errors.push(invalid('status.active', status.active, 'active>0 is invalid for finished job'));
    const { failed = [], succeeded = [] } = status.uncountedTerminatedPods ?? {};
    if (failed.length + succeeded.length > 0)
      errors.push(
        invalid(
          'status.uncountedTerminatedPods',
          status.uncountedTerminatedPods,
          'uncountedTerminatedPods needs to be empty for finished job',
        ),
      );
    if ((status.terminating ?? 0) > 0)
      errors.push(invalid('status.terminating', status.terminating, 'terminating>0 is invalid for finished job'));
  }
  if (status.ready !== undefined && status.ready > (status.active ?? 0))
    errors.push(invalid('status.ready', status.ready, 'cannot set more ready pods than active'));
  return [...errors, ...changeErrors(job, old)];
}

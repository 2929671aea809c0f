/** Validation of jobs (upstream: `ValidateJob`, `ValidateJobSpec`, `ValidateJobSpecUpdate`). */
import type { Job, JobSpec } from '../../generated/types/batch.v1.ts';
import type { PodTemplateSpec } from '../../generated/types/core.v1.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors } from '../../names.ts';
import { labelSelectorMatches } from '../../selectors.ts';
import { validatePodTemplate } from '../core/podValidation.ts';
import {
  child,
  immutable,
  invalid,
  invalidEach,
  keyed,
  nonNegative,
  notSupported,
  required,
  sameValue,
  tooLong,
} from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { validateLabelSelector } from '../objectMeta.ts';
import { failurePolicyErrors, successPolicyErrors } from './podPolicies.ts';

const MODES = ['NonIndexed', 'Indexed'];
const MAX_PARALLELISM = 100_000;
const MAX_FAILED_INDEXES = 100_000;
/** From so many completions on, less of the rest is allowed: the status must stay small. */
const MANY_COMPLETIONS = 100_000;
const MAX_WITH_MANY = 10_000;
const MANY_TEXT = `must be less than or equal to ${MAX_WITH_MANY} when completions are above ${MANY_COMPLETIONS} and used with backoff limit per index`;
const MAX_MANAGED_BY_BYTES = 63;
const HTTP_PATH = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
const httpPath = new RegExp(`^${HTTP_PATH}$`);

export const UID_LABEL = 'batch.kubernetes.io/controller-uid';
export const NAME_LABEL = 'batch.kubernetes.io/job-name';

function managedByErrors(managedBy: string, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const slash = managedBy.indexOf('/');
  const [domain, rest] = [managedBy.slice(0, slash), managedBy.slice(slash + 1)];
  if (managedBy === '') errors.push(required(path));
  else if (slash <= 0 || rest === '')
    errors.push(invalid(path, managedBy, 'must be a domain-prefixed path (such as "acme.io/foo")'));
  else {
    errors.push(...invalidEach(path, domain, dns1123SubdomainErrors(domain)));
    if (!httpPath.test(rest))
      errors.push(invalid(path, rest, `Invalid path (regex used for validation is '${HTTP_PATH}')`));
  }
  if (Buffer.byteLength(managedBy) > MAX_MANAGED_BY_BYTES) errors.push(tooLong(path, MAX_MANAGED_BY_BYTES));
  return errors;
}

function indexedErrors(spec: JobSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { completions, parallelism = 0, maxFailedIndexes, backoffLimitPerIndex } = spec;
  if (completions === undefined) errors.push(required(child(path, 'completions'), 'when completion mode is Indexed'));
  const [failed, parallel] = [child(path, 'maxFailedIndexes'), child(path, 'parallelism')];
  if (parallelism > MAX_PARALLELISM)
    errors.push(
      invalid(
        parallel,
        parallelism,
        `must be less than or equal to ${MAX_PARALLELISM} when completion mode is Indexed`,
      ),
    );
  if (maxFailedIndexes !== undefined) {
    if (completions !== undefined && maxFailedIndexes > completions)
      errors.push(invalid(failed, maxFailedIndexes, 'must be less than or equal to completions'));
    if (maxFailedIndexes > MAX_FAILED_INDEXES)
      errors.push(invalid(failed, maxFailedIndexes, `must be less than or equal to ${MAX_FAILED_INDEXES}`));
  }
  if ((completions ?? 0) <= MANY_COMPLETIONS || backoffLimitPerIndex === undefined) return errors;
  if (maxFailedIndexes === undefined)
    errors.push(required(failed, `must be specified when completions is above ${MANY_COMPLETIONS}`));
  if (parallelism > MAX_WITH_MANY) errors.push(invalid(parallel, parallelism, MANY_TEXT));
  if (maxFailedIndexes !== undefined && maxFailedIndexes > MAX_WITH_MANY)
    errors.push(invalid(failed, maxFailedIndexes, MANY_TEXT));
  return errors;
}

function replacementErrors(spec: JobSpec, path: string): FieldError[] {
  const policy = spec.podReplacementPolicy;
  const allowed = spec.podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed'];
  return policy === undefined || allowed.includes(policy) ? [] : [notSupported(path, policy, allowed)];
}

function restartPolicyErrors(spec: JobSpec, path: string): FieldError[] {
  const policy = spec.template?.spec?.restartPolicy ?? '';
  if (policy === '' || policy === 'Always') return [required(path, 'valid values: "OnFailure", "Never"')];
  if (policy !== 'OnFailure' && policy !== 'Never') return [notSupported(path, policy, ['OnFailure', 'Never'])];
  return spec.podFailurePolicy && policy !== 'Never'
    ? [invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified')]
    : [];
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
    errors.push(...nonNegative(child(path, field), spec[field]));
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined)
    errors.push(required(child(path, 'backoffLimitPerIndex'), 'when maxFailedIndexes is specified'));
  if (spec.managedBy !== undefined) errors.push(...managedByErrors(spec.managedBy, child(path, 'managedBy')));
  const mode = spec.completionMode;
  if (mode !== undefined && !MODES.includes(mode))
    errors.push(notSupported(child(path, 'completionMode'), mode, MODES));
  if (mode === 'Indexed') errors.push(...indexedErrors(spec, path));
  else if (mode === undefined || mode === 'NonIndexed')
    for (const field of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const) {
      const value = spec[field];
      if (value !== undefined) errors.push(invalid(child(path, field), value, 'requires indexed completion mode'));
    }
  if (spec.podFailurePolicy) errors.push(...failurePolicyErrors(spec, child(path, 'podFailurePolicy')));
  errors.push(...successPolicyErrors(spec, child(path, 'successPolicy')));
  errors.push(...replacementErrors(spec, child(path, 'podReplacementPolicy')));
  errors.push(...validatePodTemplate(spec.template, child(path, 'template')));
  return [...errors, ...restartPolicyErrors(spec, `${path}.template.spec.restartPolicy`)];
}

function selectorErrors({ selector, template }: JobSpec): FieldError[] {
  const labels = template?.metadata?.labels ?? {};
  const wrong = validateLabelSelector(selector, 'spec.selector');
  const mismatch = invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`');
  if (!selector) return [required('spec.selector'), mismatch];
  return wrong.length > 0 || labelSelectorMatches(selector, labels) ? wrong : [mismatch];
}

/** Unless the user took it upon himself, the labels are those the server gave. */
function generatedErrors({ metadata, spec }: Job): FieldError[] {
  if (!spec?.selector || spec.manualSelector === true) return [];
  const { uid = '', name = '' } = metadata;
  const labels = spec.template?.metadata?.labels ?? {};
  const expected: Record<string, string> = {
    [UID_LABEL]: uid,
    [NAME_LABEL]: name,
    'controller-uid': uid,
    'job-name': name,
  };
  const errors = uid === '' ? [required('metadata.uid')] : [];
  for (const key of ['controller-uid', 'job-name', UID_LABEL, NAME_LABEL]) {
    const [value, wanted] = [labels[key], expected[key]];
    const path = 'spec.template.metadata.labels';
    if (value === undefined) errors.push(required(keyed(path, key), `must be '${wanted}'`));
    else if (value !== wanted) errors.push(invalid(keyed(path, key), labels, `must be '${wanted}'`));
  }
  try {
    if (!labelSelectorMatches(spec.selector, expected))
      errors.push(invalid('spec.selector', spec.selector, '`selector` not auto-generated'));
  } catch {
    // what cannot be read is refused elsewhere
  }
  return errors;
}

export function validateJob(job: Job): FieldError[] {
  const { spec, metadata } = job;
  const errors = [...generatedErrors(job), ...validateJobSpec(spec, 'spec')];
  if (!spec) return errors;
  errors.push(...selectorErrors(spec));
  if (spec.completionMode !== 'Indexed' || (spec.completions ?? 0) <= 0) return errors;
  const last = `${metadata.name ?? ''}-${(spec.completions ?? 0) - 1}`;
  if (dns1123LabelErrors(last).length > 0)
    errors.push(invalid('metadata.name', metadata.name, `will not able to create pod with invalid DNS label: ${last}`));
  return errors;
}

/** Where a suspended job's pods go may be changed until it has started (KEP-2926), what they get until it runs (KEP-5440). */
function withoutPlacement(template: PodTemplateSpec | undefined): unknown {
  const { affinity, nodeSelector, tolerations, schedulingGates, ...rest } = template?.spec ?? { containers: [] };
  const others = { ...affinity, nodeAffinity: undefined };
  const { labels, annotations, ...metadata } = template?.metadata ?? {};
  return { metadata, spec: { ...rest, affinity: others } };
}

function completionErrors(spec: JobSpec, old: JobSpec): FieldError[] {
  const path = 'spec.completions';
  if (spec.completionMode !== 'Indexed') return immutable(path, spec.completions, old.completions);
  if (spec.completions === undefined || spec.completions === old.completions) return [];
  return spec.completions === spec.parallelism
    ? []
    : [invalid(path, spec.completions, 'can only be modified in tandem with spec.parallelism')];
}

export function validateJobUpdate(job: Job, old: Job): FieldError[] {
  const errors = validateJobSpec(job.spec, 'spec');
  const [spec, before] = [job.spec, old.spec];
  if (!spec || !before) return errors;
  errors.push(...selectorErrors(spec), ...completionErrors(spec, before));
  errors.push(...immutable('spec.selector', spec.selector, before.selector));
  const placeable = before.suspend === true && old.status?.startTime === undefined;
  const same = placeable
    ? sameValue(withoutPlacement(spec.template), withoutPlacement(before.template))
    : sameValue(spec.template, before.template);
  if (!same) errors.push(invalid('spec.template', spec.template, 'field is immutable'));
  for (const field of [
    'completionMode',
    'podFailurePolicy',
    'backoffLimitPerIndex',
    'managedBy',
    'successPolicy',
  ] as const)
    errors.push(...immutable(`spec.${field}`, spec[field], before[field]));
  return errors;
}

/** APIServices (upstream: kube-aggregator's `pkg/apis/apiregistration/validation`). */
import type { APIService, APIServiceSpec } from '../../generated/types/kube-aggregator.pkg.apis.apiregistration.v1.ts';
import { dns1035LabelErrors, dns1123SubdomainErrors, pathSegmentErrors } from '../../names.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { at, child, invalid, invalidEach, notSupported, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';

const STATUSES = ['True', 'False', 'Unknown'];

function nameErrors(name: string, requiredName: string): FieldError[] {
  const texts = pathSegmentErrors(name);
  if (texts.length > 0) return invalidEach('metadata.name', name, texts);
  return name === requiredName
    ? []
    : [invalid('metadata.name', name, `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(requiredName)}`)];
}

function priorityErrors({ groupPriorityMinimum: minimum = 0, versionPriority = 0 }: APIServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  if (minimum <= 0 || minimum > 20_000)
    errors.push(invalid('spec.groupPriorityMinimum', minimum, 'must be positive and less than 20000'));
  if (versionPriority <= 0 || versionPriority > 1000)
    errors.push(invalid('spec.versionPriority', versionPriority, 'must be positive and less than 1000'));
  return errors;
}

function serviceErrors({ service, caBundle = '', insecureSkipTLSVerify }: APIServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  const skips = 'spec.insecureSkipTLSVerify';
  if (!service) {
    if (caBundle !== '') {
      const size = `${Buffer.from(caBundle, 'base64').length} bytes`;
      errors.push(invalid('spec.caBundle', size, 'local APIServices may not have a caBundle'));
    }
    if (insecureSkipTLSVerify)
      errors.push(invalid(skips, true, 'local APIServices may not have insecureSkipTLSVerify'));
    return errors;
  }
  if (!service.namespace) errors.push(required('spec.service.namespace'));
  if (!service.name) errors.push(required('spec.service.name'));
  if (insecureSkipTLSVerify && caBundle !== '')
    errors.push(invalid(skips, true, 'may not be true if caBundle is present'));
  return errors;
}

function validate({ metadata, spec }: APIService): FieldError[] {
  const { group = '', version = '' } = spec ?? {};
  const errors = nameErrors(metadata.name ?? '', `${version}.${group}`);
  if (group === '' && version !== 'v1')
    errors.push(required('spec.group', 'only v1 may have an empty group and it better be legacy kube'));
  if (group !== '') errors.push(...invalidEach('spec.group', group, dns1123SubdomainErrors(group)));
  errors.push(...invalidEach('spec.version', version, dns1035LabelErrors(version)));
  const whole = spec ?? { groupPriorityMinimum: 0, versionPriority: 0 };
  return [...errors, ...priorityErrors(whole), ...serviceErrors(whole)];
}

/** What a group-version of this server itself is. @param time RFC 3339. */
export const localCondition = (time: string) => ({
  type: 'Available',
  status: 'True' as const,
  lastTransitionTime: time,
  reason: 'Local',
  message: 'Local APIServices are always available',
});

export const apiService = defineKind<APIService>({
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  categories: ['api-extensions'],
  columns: [
    column('Service', 'string', 'The reference to the service that hosts this API endpoint.', o =>
      o.spec?.service ? `${o.spec.service.namespace ?? ''}/${o.spec.service.name ?? ''}` : 'Local',
    ),
    column('Available', 'string', 'Whether this service is available.', o => {
      const condition = o.status?.conditions?.find(c => c.type === 'Available');
      if (!condition) return 'Unknown';
      return condition.status === 'True' ? 'True' : `${condition.status} (${condition.reason ?? ''})`;
    }),
    ageColumn,
  ],
  // Its name is `<version>.<group>` and nothing else, which `validate` says.
  nameErrors: () => [],
  defaults: ({ spec }) => {
    if (spec?.service) spec.service.port ??= 443;
  },
  prepareForCreate: object => {
    delete object.status;
    if (!object.spec?.service)
      object.status = { conditions: [localCondition(object.metadata.creationTimestamp ?? '')] };
  },
  prepareForUpdate: () => undefined,
  validate,
  validateStatusUpdate: ({ status }) =>
    (status?.conditions ?? []).flatMap((condition, i) =>
      STATUSES.includes(condition.status)
        ? []
        : [notSupported(child(at('status.conditions', i), 'status'), condition.status, STATUSES)],
    ),
});

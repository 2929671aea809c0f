/** What binds admission policies to parameters and resources (upstream: `pkg/apis/admissionregistration/validation`). */
import type {
  MutatingAdmissionPolicyBinding,
  MutatingAdmissionPolicyBindingSpec,
  ParamRef,
  ValidatingAdmissionPolicyBinding,
} from '../../generated/types/admissionregistration.v1.ts';
import { dns1123SubdomainErrors, pathSegmentErrors } from '../../names.ts';
import { formatLabelSelector } from '../../selectors.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { at, child, duplicate, forbidden, invalid, invalidEach, notSupported, required } from '../errors.ts';
import type { Column, FieldError } from '../kind.ts';
import { validateLabelSelector } from '../objectMeta.ts';
import { defaultMatchResources, matchResourceErrors } from './rules.ts';

const group = 'admissionregistration.k8s.io';
const version = 'v1';
const ACTIONS = ['Audit', 'Deny', 'Warn'];
const EXCLUSIVE = 'name and selector are mutually exclusive';

function paramRefErrors(ref: ParamRef, path: string): FieldError[] {
  const { name = '', selector, parameterNotFoundAction: action } = ref;
  const errors = name === '' ? [] : invalidEach(child(path, 'name'), name, pathSegmentErrors(name));
  if (name !== '' && selector) errors.push(forbidden(child(path, 'name'), EXCLUSIVE));
  if (selector) errors.push(...validateLabelSelector(selector, child(path, 'selector')));
  if (name !== '' && selector) errors.push(forbidden(child(path, 'selector'), EXCLUSIVE));
  if (name === '' && !selector) errors.push(required(path, 'one of name or selector must be specified'));
  const field = child(path, 'parameterNotFoundAction');
  if (!action) errors.push(required(field));
  else if (action !== 'Deny' && action !== 'Allow') errors.push(notSupported(field, action, ['Deny', 'Allow']));
  return errors;
}

function commonErrors(spec: MutatingAdmissionPolicyBindingSpec | undefined): FieldError[] {
  const { policyName = '', paramRef, matchResources } = spec ?? {};
  return [
    ...(policyName === ''
      ? [required('spec.policyName')]
      : invalidEach('spec.policyName', policyName, dns1123SubdomainErrors(policyName))),
    ...(paramRef ? paramRefErrors(paramRef, 'spec.paramRef') : []),
    // The path is upstream's.
    ...(matchResources ? matchResourceErrors(matchResources, 'spec.matchResouces') : []),
  ];
}

function actionErrors(actions: readonly string[]): FieldError[] {
  const field = 'spec.validationActions';
  const errors = actions.flatMap((action, i) => [
    ...(ACTIONS.includes(action) ? [] : [notSupported(at(field, i), action, ACTIONS)]),
    ...(actions.indexOf(action) < i ? [duplicate(at(field, i), action)] : []),
  ]);
  if (actions.includes('Deny') && actions.includes('Warn'))
    errors.push(
      invalid(
        field,
        actions,
        'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
      ),
    );
  if (actions.length === 0) errors.push(required(field, 'at least one validation action is required'));
  return errors;
}

function defaults(spec: MutatingAdmissionPolicyBindingSpec | undefined): void {
  if (spec?.paramRef) spec.paramRef.parameterNotFoundAction ??= 'Deny';
  defaultMatchResources(spec?.matchResources);
}

function paramRefText(ref: ParamRef | undefined): string {
  if (ref?.name) return `${ref.namespace || '*'}/${ref.name}`;
  return ref?.selector ? formatLabelSelector(ref.selector) : '<unset>';
}

const columns: readonly Column<{
  readonly metadata: { readonly creationTimestamp?: string | undefined };
  readonly spec?: MutatingAdmissionPolicyBindingSpec | undefined;
}>[] = [
  column(
    'PolicyName',
    'string',
    'PolicyName indicates the policy definition which the policy binding binded to',
    o => o.spec?.policyName ?? '',
  ),
  column('ParamRef', 'string', 'ParamRef indicates the param resource which sets the configration param', o =>
    paramRefText(o.spec?.paramRef),
  ),
  ageColumn,
];

export const validatingAdmissionPolicyBinding = defineKind<ValidatingAdmissionPolicyBinding>({
  group,
  version,
  kind: 'ValidatingAdmissionPolicyBinding',
  categories: ['api-extensions'],
  columns,
  defaults: ({ spec }) => defaults(spec),
  validate: ({ spec }) => [...commonErrors(spec), ...actionErrors(spec?.validationActions ?? [])],
});

export const mutatingAdmissionPolicyBinding = defineKind<MutatingAdmissionPolicyBinding>({
  group,
  version,
  kind: 'MutatingAdmissionPolicyBinding',
  categories: ['api-extensions'],
  columns,
  defaults: ({ spec }) => defaults(spec),
  validate: ({ spec }) => commonErrors(spec),
});

/**
 * ValidatingAdmissionPolicies and MutatingAdmissionPolicies (upstream: `pkg/apis/admissionregistration/validation`). Their CEL is looked at
 * as text only: it is compiled where it is evaluated.
 */
import type {
  AuditAnnotation,
  MutatingAdmissionPolicy,
  Mutation,
  ParamKind,
  ValidatingAdmissionPolicy,
  Validation,
  Variable,
} from '../../generated/types/admissionregistration.v1.ts';
import { dns1035LabelErrors, dns1123SubdomainErrors, qualifiedNameErrors } from '../../names.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { at, child, duplicate, invalid, invalidEach, required, sameValue } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { metaConditionErrors } from '../metaConditions.ts';
import {
  defaultMatchResources,
  FAILURE_POLICIES,
  matchConditionErrors,
  matchResourceErrors,
  oneOf,
  REINVOCATION_POLICIES,
} from './rules.ts';

const group = 'admissionregistration.k8s.io';
const version = 'v1';
const MAX_ANNOTATIONS = 20;
const MAX_ANNOTATION_BYTES = 5 * 1024;
const REASONS = ['Forbidden', 'Invalid', 'RequestEntityTooLarge'];
const RESERVED = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);
const EITHER = 'validations or auditAnnotations must contain at least one item';

const blank = (text: string | undefined): boolean => (text ?? '').trim() === '';
const isIdentifier = (name: string): boolean => /^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name) && !RESERVED.has(name);

function paramKindErrors({ apiVersion = '', kind = '' }: ParamKind, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const field = child(path, 'apiVersion');
  const parts = apiVersion.split('/');
  if (apiVersion === '') errors.push(required(field));
  else if (parts.length > 2) errors.push(invalid(field, apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
  else {
    const [paramGroup, paramVersion] = parts.length === 2 ? [parts[0] ?? '', parts[1] ?? ''] : ['', apiVersion];
    const groupTexts = paramGroup === '' ? [] : dns1123SubdomainErrors(paramGroup);
    if (groupTexts.length > 0) errors.push(invalid(field, paramGroup, groupTexts.join(',')));
    const versionTexts = dns1035LabelErrors(paramVersion);
    if (paramVersion === '') errors.push(invalid(field, apiVersion, 'version must be specified'));
    else if (versionTexts.length > 0) errors.push(invalid(field, paramVersion, versionTexts.join(',')));
  }
  const kindTexts = dns1035LabelErrors(kind.toLowerCase());
  if (kind === '') errors.push(required(child(path, 'kind')));
  else if (kindTexts.length > 0) {
    const text = `may have mixed case, but should otherwise match: ${kindTexts.join(',')}`;
    errors.push(invalid(child(path, 'kind'), kind, text));
  }
  return errors;
}

function variableErrors(variables: readonly Variable[] | undefined): FieldError[] {
  return (variables ?? []).flatMap(({ name = '', expression }, i) => {
    const path = at('spec.variables', i);
    const errors: FieldError[] = [];
    if (blank(name)) errors.push(required(child(path, 'name'), 'name is not specified'));
    else if (!isIdentifier(name)) errors.push(invalid(child(path, 'name'), name, 'name is not a valid CEL identifier'));
    if (blank(expression)) errors.push(required(child(path, 'expression'), 'expression is not specified'));
    return errors;
  });
}

function validationErrors(
  { expression, message = '', messageExpression = '', reason }: Validation,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (blank(expression)) errors.push(required(child(path, 'expression'), 'expression is not specified'));
  if (messageExpression !== '' && blank(messageExpression))
    errors.push(invalid(child(path, 'messageExpression'), messageExpression, 'must be non-empty if specified'));
  if (message !== '' && blank(message))
    errors.push(invalid(child(path, 'message'), message, 'message must be non-empty if specified'));
  else if (/[\n\r]/.test(message.trim()))
    errors.push(invalid(child(path, 'message'), message, 'message must not contain line breaks'));
  return [...errors, ...oneOf(child(path, 'reason'), reason, REASONS)];
}

function annotationErrors(annotations: readonly AuditAnnotation[] | undefined, policy: string): FieldError[] {
  const path = 'spec.auditAnnotations';
  const all = annotations ?? [];
  const errors: FieldError[] = [];
  if (all.length > MAX_ANNOTATIONS)
    errors.push(invalid(path, all, `must not have more than ${MAX_ANNOTATIONS} auditAnnotations`));
  const keys = new Set<string>();
  for (const [i, { key = '', valueExpression = '' }] of all.entries()) {
    const here = at(path, i);
    const value = child(here, 'valueExpression');
    errors.push(...invalidEach(child(here, 'key'), `${policy}/${key}`, qualifiedNameErrors(`${policy}/${key}`)));
    if (blank(valueExpression)) errors.push(required(value, 'valueExpression is not specified'));
    else if (Buffer.byteLength(valueExpression.trim()) > MAX_ANNOTATION_BYTES)
      errors.push(required(value, `must not exceed ${MAX_ANNOTATION_BYTES} bytes in length`));
    if (keys.has(key)) errors.push(duplicate(child(here, 'key'), key));
    keys.add(key);
  }
  return errors;
}

interface PolicySpec {
  readonly failurePolicy?: string | undefined;
  readonly paramKind?: ParamKind | undefined;
  readonly matchConstraints?: Parameters<typeof matchResourceErrors>[0] | undefined;
  readonly matchConditions?: Parameters<typeof matchConditionErrors>[0];
  readonly variables?: readonly Variable[] | undefined;
}

/** What both kinds of policy say. @param old whose match conditions may stay as they are. */
function commonErrors(spec: PolicySpec | undefined, old: PolicySpec | undefined): FieldError[] {
  const { failurePolicy, paramKind, matchConstraints, matchConditions, variables } = spec ?? {};
  const match = 'spec.matchConstraints';
  const errors =
    failurePolicy === undefined
      ? [required('spec.failurePolicy')]
      : oneOf('spec.failurePolicy', failurePolicy, FAILURE_POLICIES);
  if (paramKind) errors.push(...paramKindErrors(paramKind, 'spec.paramKind'));
  if (!matchConstraints) errors.push(required(match));
  else {
    errors.push(...matchResourceErrors(matchConstraints, match));
    if (!matchConstraints.resourceRules?.length) errors.push(required(`${match}.resourceRules`));
  }
  const same = old && sameValue(paramKind, old.paramKind) && sameValue(matchConditions, old.matchConditions);
  if (!same) errors.push(...matchConditionErrors(matchConditions, 'spec.matchConditions'));
  return [...errors, ...variableErrors(variables)];
}

const paramKindText = (kind: ParamKind | undefined): string =>
  kind ? `${kind.apiVersion ?? ''}/${kind.kind ?? ''}` : '<unset>';

function validatingErrors(
  { metadata, spec }: ValidatingAdmissionPolicy,
  old?: ValidatingAdmissionPolicy,
): FieldError[] {
  const errors = commonErrors(spec, old?.spec);
  const { validations, auditAnnotations } = spec ?? {};
  if (!validations?.length && !auditAnnotations?.length)
    return [...errors, required('spec.validations', EITHER), required('spec.auditAnnotations', EITHER)];
  errors.push(...(validations ?? []).flatMap((v, i) => validationErrors(v, at('spec.validations', i))));
  return [...errors, ...annotationErrors(auditAnnotations, metadata.name ?? '')];
}

type Policy = ValidatingAdmissionPolicy | MutatingAdmissionPolicy;

const paramKindColumn = column<Policy>(
  'ParamKind',
  'string',
  'ParamKind specifies the kind of resources used to parameterize this policy',
  o => paramKindText(o.spec?.paramKind),
);

function defaultPolicy({ spec }: Policy): void {
  if (!spec) return;
  spec.failurePolicy ??= 'Fail';
  defaultMatchResources(spec.matchConstraints);
}

export const validatingAdmissionPolicy = defineKind<ValidatingAdmissionPolicy>({
  group,
  version,
  kind: 'ValidatingAdmissionPolicy',
  categories: ['api-extensions'],
  columns: [
    column(
      'Validations',
      'integer',
      'Validations indicates the number of validation rules defined in this configuration',
      o => o.spec?.validations?.length ?? 0,
    ),
    paramKindColumn,
    ageColumn,
  ],
  defaults: defaultPolicy,
  validate: object => validatingErrors(object),
  validateUpdateAlone: true,
  validateUpdate: validatingErrors,
  validateStatusUpdate: ({ status }) => [
    ...(status?.typeChecking?.expressionWarnings ?? []).flatMap(({ warning, fieldRef }, i) => {
      const path = at('status.typeChecking.expressionWarnings', i);
      return [
        ...(warning ? [] : [required(child(path, 'warning'))]),
        ...(blank(fieldRef) ? [required(child(path, 'fieldRef'))] : []),
      ];
    }),
    ...metaConditionErrors(status?.conditions, 'status.conditions'),
  ],
});

/** How a mutation says what to change, by its patch type. */
const PATCH_FIELDS = { ApplyConfiguration: 'applyConfiguration', JSONPatch: 'jsonPatch' } as const;

function mutationErrors(mutation: Mutation, path: string): FieldError[] {
  const type: string = mutation.patchType ?? '';
  if (type === '') return [required(child(path, 'patchType'))];
  if (type !== 'ApplyConfiguration' && type !== 'JSONPatch')
    return [invalid(child(path, 'patchType'), type, 'must be one of `ApplyConfiguration`, `JSONPatch`')];
  const wanted = PATCH_FIELDS[type];
  const other = wanted === 'jsonPatch' ? 'applyConfiguration' : 'jsonPatch';
  const errors: FieldError[] = [];
  const patch = mutation[wanted];
  if (!patch) errors.push(required(child(path, wanted), `must be specified when patchType is ${type}`));
  else if (blank(patch.expression))
    errors.push(required(child(child(path, wanted), 'expression'), 'expression is not specified'));
  if (mutation[other])
    errors.push(invalid(child(path, other), `{${other}}`, `must not be specified when patchType is ${type}`));
  return errors;
}

function mutatingErrors({ spec }: MutatingAdmissionPolicy, old?: MutatingAdmissionPolicy): FieldError[] {
  const errors = commonErrors(spec, old?.spec);
  const mutations = spec?.mutations ?? [];
  if (mutations.length === 0) errors.push(required('spec.mutations', 'mutations must contain at least one item'));
  errors.push(...mutations.flatMap((m, i) => mutationErrors(m, at('spec.mutations', i))));
  const policy = spec?.reinvocationPolicy;
  return policy === undefined
    ? [...errors, required('spec.reinvocationPolicy')]
    : [...errors, ...oneOf('spec.reinvocationPolicy', policy, REINVOCATION_POLICIES)];
}

export const mutatingAdmissionPolicy = defineKind<MutatingAdmissionPolicy>({
  group,
  version,
  kind: 'MutatingAdmissionPolicy',
  categories: ['api-extensions'],
  columns: [
    column(
      'Mutations',
      'integer',
      'Mutation indicates the number of mutations rules defined in this configuration',
      o => o.spec?.mutations?.length ?? 0,
    ),
    paramKindColumn,
    ageColumn,
  ],
  defaults: defaultPolicy,
  validate: object => mutatingErrors(object),
  validateUpdateAlone: true,
  validateUpdate: mutatingErrors,
});

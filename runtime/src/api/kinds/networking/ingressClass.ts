/** IngressClasses (upstream: `pkg/apis/networking/validation`). */
import type { IngressClass, IngressClassParametersReference } from '../../generated/types/networking.v1.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors, httpPathErrors } from '../../names.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { forbidden, immutable, invalid, invalidEach, notSupported, required, tooLong } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { typedReferenceErrors } from './reference.ts';

const CONTROLLER_LIMIT_BYTES = 250;
const SCOPES = ['Cluster', 'Namespace'];

function controllerErrors(controller: string): FieldError[] {
  const field = 'spec.controller';
  if (controller === '') return [required(field)];
  const errors = Buffer.byteLength(controller) > CONTROLLER_LIMIT_BYTES ? [tooLong(field, CONTROLLER_LIMIT_BYTES)] : [];
  const slash = controller.indexOf('/');
  const [domain, path] = [controller.slice(0, slash), controller.slice(slash + 1)];
  if (slash < 1 || path === '')
    return [...errors, invalid(field, controller, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  errors.push(...invalidEach(field, domain, dns1123SubdomainErrors(domain)));
  return [...errors, ...invalidEach(field, path, httpPathErrors(path))];
}

function parameterErrors(parameters: IngressClassParametersReference): FieldError[] {
  const path = 'spec.parameters';
  const errors = typedReferenceErrors(parameters, path);
  const { scope, namespace } = parameters;
  if (scope === undefined) return [...errors, required(`${path}.scope`)];
  if (!SCOPES.includes(scope)) errors.push(notSupported(`${path}.scope`, scope, SCOPES));
  else if (scope === 'Namespace' && namespace === undefined)
    errors.push(required(`${path}.namespace`, "`parameters.scope` is set to 'Namespace'"));
  else if (scope === 'Namespace' && namespace !== undefined)
    errors.push(...invalidEach(`${path}.namespace`, namespace, dns1123LabelErrors(namespace)));
  else if (scope === 'Cluster' && namespace !== undefined)
    errors.push(forbidden(`${path}.namespace`, "`parameters.scope` is set to 'Cluster'"));
  return errors;
}

export const ingressClass = defineKind<IngressClass>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  columns: [
    column(
      'Controller',
      'string',
      'Controller that is responsible for handling this class',
      o => o.spec?.controller ?? '',
    ),
    column('Parameters', 'string', 'A reference to a resource with additional parameters', ({ spec }) => {
      const p = spec?.parameters;
      return p ? `${p.kind}${p.apiGroup ? `.${p.apiGroup}` : ''}/${p.name}` : '<none>';
    }),
    ageColumn,
  ],
  defaults: ({ spec }) => {
    if (spec?.parameters) spec.parameters.scope ??= 'Cluster';
  },
  prepareForCreate: object => {
    object.metadata.generation = 1;
  },
  validate: ({ spec }) => [
    ...controllerErrors(spec?.controller ?? ''),
    ...(spec?.parameters ? parameterErrors(spec.parameters) : []),
  ],
  validateUpdate: (object, old) => immutable('spec.controller', object.spec?.controller, old.spec?.controller),
});

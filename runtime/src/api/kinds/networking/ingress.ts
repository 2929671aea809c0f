/** Ingresses and IngressClasses. */
import type { Ingress, IngressBackend, IngressClass } from '../../generated/types/networking.v1.ts';
import { dns1035LabelErrors, dns1123SubdomainErrors, portNameErrors, portNumberErrors } from '../../names.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { at, child, forbidden, immutable, invalid, invalidEach, notSupported, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';

const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix'];

function hosts({ spec }: Ingress): string {
  const names = (spec?.rules ?? []).slice(0, 3).map(r => r.host || '*');
  const more = (spec?.rules ?? []).length - names.length;
  if (names.length === 0) return '*';
  return more > 0 ? `${names.join(',')} + ${more} more...` : names.join(',');
}

function backendErrors(backend: IngressBackend | undefined, path: string): FieldError[] {
  if (!backend || (!backend.service && !backend.resource)) return [required(path, 'port name or number is required')];
  if (backend.service && backend.resource) return [invalid(path, '', 'cannot set both resource and service backends')];
  const { service } = backend;
  if (!service) return [];
  const here = child(path, 'service');
  const errors: FieldError[] = [];
  if (!service.name) errors.push(required(child(here, 'name')));
  else errors.push(...invalidEach(child(here, 'name'), service.name, dns1035LabelErrors(service.name)));
  const { name = '', number = 0 } = service.port ?? {};
  if (name !== '' && number !== 0)
    errors.push(invalid(child(here, 'port'), service.port, 'cannot set both port name & port number'));
  else if (name !== '') errors.push(...invalidEach(child(child(here, 'port'), 'name'), name, portNameErrors(name)));
  else if (number !== 0)
    errors.push(...invalidEach(child(child(here, 'port'), 'number'), number, portNumberErrors(number)));
  else errors.push(required(here, 'port name or number is required'));
  return errors;
}

function validate({ spec }: Ingress): FieldError[] {
  const errors: FieldError[] = [];
  if (!spec?.rules?.length && !spec?.defaultBackend)
    return [invalid('spec', spec ?? {}, 'either `defaultBackend` or `rules` must be specified')];
  if (spec.defaultBackend) errors.push(...backendErrors(spec.defaultBackend, 'spec.defaultBackend'));
  if (spec.ingressClassName !== undefined)
    errors.push(
      ...invalidEach('spec.ingressClassName', spec.ingressClassName, dns1123SubdomainErrors(spec.ingressClassName)),
    );
  for (const [i, rule] of (spec.rules ?? []).entries()) {
    const path = at('spec.rules', i);
    if (rule.host)
      errors.push(
        ...invalidEach(child(path, 'host'), rule.host, dns1123SubdomainErrors(rule.host.replace(/^\*\./, ''))),
      );
    if (!rule.http) continue;
    if (!rule.http.paths?.length) errors.push(required(child(path, 'http.paths')));
    for (const [j, entry] of (rule.http.paths ?? []).entries()) {
      const here = at(child(path, 'http.paths'), j);
      if (!entry.pathType) errors.push(required(child(here, 'pathType'), 'pathType must be specified'));
      else if (!PATH_TYPES.includes(entry.pathType))
        errors.push(notSupported(child(here, 'pathType'), entry.pathType, PATH_TYPES));
      else if (entry.pathType !== 'ImplementationSpecific' && !entry.path?.startsWith('/'))
        errors.push(invalid(child(here, 'path'), entry.path ?? '', 'must be an absolute path'));
      errors.push(...backendErrors(entry.backend, child(here, 'backend')));
    }
  }
  return errors;
}

export const ingress = defineKind<Ingress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  shortNames: ['ing'],
  columns: [
    column(
      'Class',
      'string',
      'The name of the IngressClass resource that should be used.',
      o => o.spec?.ingressClassName ?? o.metadata.annotations?.['kubernetes.io/ingress.class'] ?? '<none>',
    ),
    column('Hosts', 'string', 'Hosts that incoming requests are matched against before the ingress rule', hosts),
    column('Address', 'string', 'Address is a list containing ingress points for the load-balancer', o =>
      (o.status?.loadBalancer?.ingress ?? []).map(i => i.ip || i.hostname || '').join(','),
    ),
    column('Ports', 'string', 'Ports of TLS configurations that open', o => (o.spec?.tls?.length ? '80, 443' : '80')),
    ageColumn,
  ],
  validate,
});

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
  validate: ({ spec }) => {
    if (!spec?.controller) return [required('spec.controller')];
    const [domain = '', path] = spec.controller.split('/');
    const errors = invalidEach('spec.controller', spec.controller, dns1123SubdomainErrors(domain));
    if (path === undefined)
      errors.push(
        invalid('spec.controller', spec.controller, 'must be a domain-prefixed path (such as "acme.io/foo")'),
      );
    if (spec.parameters?.scope === 'Namespace' && !spec.parameters.namespace)
      errors.push(required('spec.parameters.namespace', "`parameters.scope` is set to 'Namespace'"));
    if (spec.parameters?.scope === 'Cluster' && spec.parameters.namespace)
      errors.push(forbidden('spec.parameters.namespace', "`parameters.scope` is set to 'Cluster'"));
    return errors;
  },
  validateUpdate: (object, old) => immutable('spec.controller', object.spec?.controller, old.spec?.controller),
});

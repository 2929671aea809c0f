/** Ingresses (upstream: `pkg/apis/networking/validation`). */
import type {
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  IngressRule,
  IngressTLS,
} from '../../generated/types/networking.v1.ts';
import { parseIp } from '../../ip.ts';
import {
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  portNameErrors,
  portNumberErrors,
  wildcardSubdomainErrors,
} from '../../names.ts';
import { ageColumn, column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { at, child, invalid, invalidEach, notSupported, required } from '../errors.ts';
import { ipWarnings, looseIpErrors } from '../ipErrors.ts';
import type { FieldError } from '../kind.ts';
import { typedReferenceErrors } from './reference.ts';

const CLASS_ANNOTATION = 'kubernetes.io/ingress.class';
const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix'];
const BAD_SEQUENCES = ['//', '/./', '/../', '%2f', '%2F'];
const BAD_SUFFIXES = ['/..', '/.'];
const NOT_AN_IP = 'must be a DNS name, not an IP address';
const SHOWN = 3;

function hosts({ spec }: Ingress): string {
  const rules = spec?.rules ?? [];
  const shown: string[] = [];
  let more = false;
  for (const { host } of rules) {
    if (shown.length === SHOWN) more = true;
    if (!more && host) shown.push(host);
  }
  if (shown.length === 0) return '*';
  return more ? `${shown.join(',')} + ${rules.length - SHOWN} more...` : shown.join(',');
}

function addresses({ status }: Ingress): string {
  return (status?.loadBalancer?.ingress ?? [])
    .map(i => i.ip || i.hostname || '')
    .filter(Boolean)
    .join(',');
}

function serviceErrors(backend: IngressBackend, path: string): FieldError[] {
  const { service } = backend;
  const here = child(path, 'service');
  const errors = service?.name
    ? invalidEach(child(here, 'name'), service.name, dns1123LabelErrors(service.name))
    : [required(child(here, 'name'))];
  const { name = '', number = 0 } = service?.port ?? {};
  if (name !== '' && number !== 0) errors.push(invalid(path, '', 'cannot set both port name & port number'));
  else if (name !== '') errors.push(...invalidEach(child(here, 'port.name'), name, portNameErrors(name)));
  else if (number !== 0) errors.push(...invalidEach(child(here, 'port.number'), number, portNumberErrors(number)));
  else errors.push(required(path, 'port name or number is required'));
  return errors;
}

function backendErrors(backend: IngressBackend | undefined, path: string): FieldError[] {
  if (backend?.resource && backend.service) return [invalid(path, '', 'cannot set both resource and service backends')];
  if (backend?.resource) return typedReferenceErrors(backend.resource, child(path, 'resource'));
  if (backend?.service) return serviceErrors(backend, path);
  return [invalid(path, '', 'resource or service backend is required')];
}

function pathErrors(entry: HTTPIngressPath, here: string): FieldError[] {
  const { pathType, path = '' } = entry;
  if (!pathType) return [required(child(here, 'pathType'), 'pathType must be specified')];
  const errors: FieldError[] = [];
  const field = child(here, 'path');
  if (pathType === 'Exact' || pathType === 'Prefix') {
    if (!path.startsWith('/')) errors.push(invalid(field, path, 'must be an absolute path'));
    for (const sequence of BAD_SEQUENCES)
      if (path.includes(sequence)) errors.push(invalid(field, path, `must not contain '${sequence}'`));
    for (const suffix of BAD_SUFFIXES)
      if (path.endsWith(suffix)) errors.push(invalid(field, path, `cannot end with '${suffix}'`));
  } else if (pathType === 'ImplementationSpecific') {
    if (path !== '' && !path.startsWith('/')) errors.push(invalid(field, path, 'must be an absolute path'));
  } else errors.push(notSupported(child(here, 'pathType'), pathType, PATH_TYPES));
  return [...errors, ...backendErrors(entry.backend, child(here, 'backend'))];
}

function hostErrors(host: string, field: string): FieldError[] {
  const errors = parseIp(host) ? [invalid(field, host, NOT_AN_IP)] : [];
  const texts = host.includes('*') ? wildcardSubdomainErrors(host) : dns1123SubdomainErrors(host);
  return [...errors, ...invalidEach(field, host, texts)];
}

function httpErrors({ http }: IngressRule, path: string): FieldError[] {
  if (!http) return [];
  const field = child(path, 'http.paths');
  if (!http.paths?.length) return [required(field)];
  return http.paths.flatMap((entry, i) => pathErrors(entry, at(field, i)));
}

function ruleErrors(rule: IngressRule, path: string, old: Ingress | undefined): FieldError[] {
  const errors = rule.host ? hostErrors(rule.host, child(path, 'host')) : [];
  // Rules of wildcard hosts were once not looked at.
  const kept =
    rule.host?.includes('*') === true &&
    (old?.spec?.rules ?? []).some(r => r.host?.includes('*') === true && httpErrors(r, '').length > 0);
  return kept ? errors : [...errors, ...httpErrors(rule, path)];
}

const secretErrors = (name: string): string[] => (name === '' ? [] : dns1123SubdomainErrors(name));

function tlsErrors(tls: IngressTLS, path: string, old: Ingress | undefined): FieldError[] {
  const errors = (tls.hosts ?? []).flatMap((host, i) =>
    invalidEach(
      at(child(path, 'hosts'), i),
      host,
      host.includes('*') ? wildcardSubdomainErrors(host) : dns1123SubdomainErrors(host),
    ),
  );
  const { secretName = '' } = tls;
  const kept = (old?.spec?.tls ?? []).some(t => secretErrors(t.secretName ?? '').length > 0);
  if (!kept) errors.push(...invalidEach(child(path, 'secretName'), secretName, secretErrors(secretName)));
  return errors;
}

function specErrors({ spec }: Ingress, old?: Ingress): FieldError[] {
  const errors: FieldError[] = [];
  const { rules = [], tls = [], defaultBackend, ingressClassName } = spec ?? {};
  if (rules.length === 0 && !defaultBackend)
    errors.push(invalid('spec', spec?.rules, 'either `defaultBackend` or `rules` must be specified'));
  if (defaultBackend) errors.push(...backendErrors(defaultBackend, 'spec.defaultBackend'));
  errors.push(...rules.flatMap((rule, i) => ruleErrors(rule, at('spec.rules', i), old)));
  errors.push(...tls.flatMap((entry, i) => tlsErrors(entry, at('spec.tls', i), old)));
  if (ingressClassName !== undefined)
    errors.push(...invalidEach('spec.ingressClassName', ingressClassName, dns1123SubdomainErrors(ingressClassName)));
  return errors;
}

function statusErrors(object: Ingress, old: Ingress): FieldError[] {
  const kept = (old.status?.loadBalancer?.ingress ?? []).map(i => i.ip ?? '');
  return (object.status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }, i) => {
    const path = at('status.loadBalancer.ingress', i);
    const errors = ip ? looseIpErrors(child(path, 'ip'), ip, kept) : [];
    if (!hostname) return errors;
    const field = child(path, 'hostname');
    errors.push(...invalidEach(field, hostname, dns1123SubdomainErrors(hostname)));
    if (parseIp(hostname)) errors.push(invalid(field, hostname, NOT_AN_IP));
    return errors;
  });
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
      'The name of the IngressClass resource that should be used for additional configuration',
      o => o.spec?.ingressClassName ?? '<none>',
    ),
    column('Hosts', 'string', 'Hosts that incoming requests are matched against before the ingress rule', hosts),
    column('Address', 'string', 'Address is a list containing ingress points for the load-balancer', addresses),
    column('Ports', 'string', 'Ports of TLS configurations that open', o => (o.spec?.tls?.length ? '80, 443' : '80')),
    ageColumn,
  ],
  validate: object => {
    const errors = specErrors(object);
    const annotation = object.metadata.annotations?.[CLASS_ANNOTATION];
    const name = object.spec?.ingressClassName;
    if (annotation !== undefined && name !== undefined && annotation !== name)
      errors.push(
        invalid(`annotations.${CLASS_ANNOTATION}`, annotation, 'must match `ingressClassName` when both are specified'),
      );
    return errors;
  },
  validateUpdateAlone: true,
  validateUpdate: specErrors,
  validateStatusUpdate: statusErrors,
  warnings: (object, old) => [
    ...(old === undefined && object.metadata.annotations?.[CLASS_ANNOTATION] !== undefined
      ? [`annotation "${CLASS_ANNOTATION}" is deprecated, please use 'spec.ingressClassName' instead`]
      : []),
    ...(object.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }, i) =>
      ip ? ipWarnings(`status.loadBalancer.ingress[${i}].ip`, ip) : [],
    ),
  ],
});

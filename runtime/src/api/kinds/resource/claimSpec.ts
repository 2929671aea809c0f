/** What a claim asks for (upstream: `pkg/apis/resource/validation`). CEL is looked at as text only: it is compiled where it is evaluated. */
import type {
  DeviceClaim,
  DeviceConfiguration,
  DeviceConstraint,
  DeviceRequest,
  DeviceSelector,
  DeviceToleration,
  ExactDeviceRequest,
  ResourceClaimSpec,
} from '../../generated/types/resource.v1.ts';
import { dns1123SubdomainErrors, labelValueErrors, qualifiedNameErrors } from '../../names.ts';
import { child, invalid, invalidEach, notSupported, required, tooLong } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { driverNameErrors } from '../storage/driverName.ts';
import { fullyQualifiedErrors, labelErrors, listErrors, setErrors } from './sets.ts';

const MAX = 32;
const MAX_FIRST_AVAILABLE = 8;
const MAX_TOLERATIONS = 16;
const MAX_EXPRESSION_BYTES = 10 * 1024;
const MAX_PARAMETER_BYTES = 10 * 1024;
const MODES = ['All', 'ExactCount'];
const OPERATORS = ['Equal', 'Exists'];
const EFFECTS = ['NoExecute', 'NoSchedule', 'None'];
const UNKNOWN_REQUEST =
  "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
const ONE_OF = 'exactly one of `exactly` or `firstAvailable` is required';

/** Names of requests, and of their subrequests as `request/subrequest`. */
export function requestNames(claim: DeviceClaim | undefined): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { name, firstAvailable } of claim?.requests ?? []) {
    names.add(name);
    for (const sub of firstAvailable ?? []) names.add(`${name}/${sub.name}`);
  }
  return names;
}

export function requestReferenceErrors(name: string, path: string, names: ReadonlySet<string>): FieldError[] {
  const segments = name.split('/');
  if (segments.length > 2) return [invalid(path, name, UNKNOWN_REQUEST)];
  const errors = segments.flatMap(segment => labelErrors(segment, path));
  return names.has(name) ? errors : [...errors, invalid(path, name, UNKNOWN_REQUEST)];
}

export const requestReferencesErrors = (
  requests: readonly string[] | undefined,
  path: string,
  names: ReadonlySet<string>,
): FieldError[] =>
  setErrors(
    requests,
    MAX,
    (name, here) => requestReferenceErrors(name, here, names),
    name => name,
    child(path, 'requests'),
  );

export function configurationErrors({ opaque }: DeviceConfiguration, path: string): FieldError[] {
  const here = child(path, 'opaque');
  if (!opaque) return [required(here)];
  const errors = driverNameErrors(child(here, 'driver'), opaque.driver ?? '');
  const field = child(here, 'parameters');
  const { parameters } = opaque;
  if (parameters === undefined || parameters === null) errors.push(required(field));
  else if (typeof parameters !== 'object' || Array.isArray(parameters))
    errors.push(invalid(field, '<value omitted>', 'must be a valid JSON object'));
  else if (Buffer.byteLength(JSON.stringify(parameters)) > MAX_PARAMETER_BYTES)
    errors.push(tooLong(field, MAX_PARAMETER_BYTES));
  return errors;
}

export function selectorErrors(selectors: readonly DeviceSelector[] | undefined, path: string): FieldError[] {
  return listErrors(
    selectors,
    MAX,
    ({ cel }, here) => {
      if (!cel) return [required(child(here, 'cel'))];
      const bytes = Buffer.byteLength(cel.expression ?? '');
      return bytes > MAX_EXPRESSION_BYTES ? [tooLong(child(here, 'cel.expression'), MAX_EXPRESSION_BYTES)] : [];
    },
    child(path, 'selectors'),
  );
}

function modeErrors(mode: string, count: number, path: string): FieldError[] {
  const field = child(path, 'count');
  if (mode === 'All')
    return count === 0 ? [] : [invalid(field, count, "must not be specified when allocationMode is 'All'")];
  if (mode === 'ExactCount') return count > 0 ? [] : [invalid(field, count, 'must be greater than zero')];
  return [notSupported(child(path, 'allocationMode'), mode, MODES)];
}

export function tolerationErrors(tolerations: readonly DeviceToleration[] | undefined, path: string): FieldError[] {
  return listErrors(
    tolerations,
    MAX_TOLERATIONS,
    (toleration, here) => {
      const { key, operator = '', value = '', effect, tolerationSeconds } = toleration;
      const errors = key ? invalidEach(child(here, 'key'), key, qualifiedNameErrors(key)) : [];
      if (operator === 'Exists') {
        if (value !== '') errors.push(invalid(child(here, 'value'), value, 'must be empty for operator `Exists`'));
      } else if (operator === 'Equal') {
        errors.push(...invalidEach(child(here, 'value'), value, labelValueErrors(value)));
        if (!key) errors.push(required(child(here, 'key')));
      } else
        errors.push(
          operator === ''
            ? required(child(here, 'operator'))
            : notSupported(child(here, 'operator'), operator, OPERATORS),
        );
      if (effect !== undefined && !EFFECTS.includes(effect))
        errors.push(notSupported(child(here, 'effect'), effect, EFFECTS));
      if (tolerationSeconds !== undefined && effect !== 'NoExecute')
        errors.push(
          invalid(child(here, 'effect'), effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set"),
        );
      return errors;
    },
    child(path, 'tolerations'),
  );
}

/** The class and what is wanted of it; requests and subrequests alike. */
function wishErrors(wish: ExactDeviceRequest, path: string): FieldError[] {
  const { deviceClassName = '', allocationMode = '', count = 0 } = wish;
  const field = child(path, 'deviceClassName');
  return [
    ...(deviceClassName === ''
      ? [required(field)]
      : invalidEach(field, deviceClassName, dns1123SubdomainErrors(deviceClassName))),
    ...selectorErrors(wish.selectors, path),
    ...modeErrors(allocationMode, count, path),
    ...tolerationErrors(wish.tolerations, path),
  ];
}

function requestErrors(request: DeviceRequest, path: string): FieldError[] {
  const { name = '', exactly, firstAvailable = [] } = request;
  const errors = labelErrors(name, child(path, 'name'));
  if (exactly && firstAvailable.length > 0)
    return [...errors, invalid(path, null, `${ONE_OF}, but multiple fields are set`)];
  if (exactly) return [...errors, ...wishErrors(exactly, child(path, 'exactly'))];
  if (firstAvailable.length === 0) return [...errors, required(path, ONE_OF)];
  return [
    ...errors,
    ...setErrors(
      firstAvailable,
      MAX_FIRST_AVAILABLE,
      (sub, here) => [...labelErrors(sub.name ?? '', child(here, 'name')), ...wishErrors(sub, here)],
      sub => sub.name,
      child(path, 'firstAvailable'),
    ),
  ];
}

function constraintErrors(constraint: DeviceConstraint, path: string, names: ReadonlySet<string>): FieldError[] {
  const { requests, matchAttribute, distinctAttribute } = constraint;
  const errors = requestReferencesErrors(requests, path, names);
  if (matchAttribute !== undefined)
    return [...errors, ...fullyQualifiedErrors(matchAttribute, child(path, 'matchAttribute'))];
  if (distinctAttribute !== undefined)
    return [...errors, ...fullyQualifiedErrors(distinctAttribute, child(path, 'distinctAttribute'))];
  return [
    ...errors,
    required(path, 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'),
  ];
}

export function claimSpecErrors(spec: ResourceClaimSpec | undefined, path: string): FieldError[] {
  const here = child(path, 'devices');
  const devices = spec?.devices;
  const names = requestNames(devices);
  return [
    ...setErrors(devices?.requests, MAX, requestErrors, request => request.name, child(here, 'requests')),
    ...listErrors(devices?.constraints, MAX, (c, at) => constraintErrors(c, at, names), child(here, 'constraints')),
    ...listErrors(
      devices?.config,
      MAX,
      (config, at) => [...requestReferencesErrors(config.requests, at, names), ...configurationErrors(config, at)],
      child(here, 'config'),
    ),
  ];
}

export function defaultClaimSpec(spec: ResourceClaimSpec | undefined): void {
  const wishes = (spec?.devices?.requests ?? []).flatMap(request => [
    ...(request.exactly ? [request.exactly] : []),
    ...(request.firstAvailable ?? []),
  ]);
  for (const wish of wishes) {
    if (!wish.allocationMode) wish.allocationMode = 'ExactCount';
    if (wish.allocationMode === 'ExactCount' && !wish.count) wish.count = 1;
    for (const toleration of wish.tolerations ?? []) if (!toleration.operator) toleration.operator = 'Equal';
  }
}

/** References to fields of the pod and to resources of its containers, in variables and in files (the downward API). */
import type { ObjectFieldSelector, ResourceFieldSelector } from '../../generated/types/core.v1.ts';
import { qualifiedNameErrors } from '../../names.ts';
import { canonicalQuantity } from '../../quantity.ts';
import { child, invalid, invalidEach, notSupported, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';

/** What variables may show; files may show {@link FILE_FIELDS}. */
export const VARIABLE_FIELDS: readonly string[] = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
export const FILE_FIELDS: readonly string[] = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];
/** Everything the API knows how to point at. */
const KNOWN = new Set([
  ...VARIABLE_FIELDS,
  ...FILE_FIELDS,
  'spec.restartPolicy',
  'spec.schedulerName',
  'status.phase',
  'spec.host',
]);
const RESOURCES = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];
const SIZES = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];
const HUGE_PAGES = /^(limits|requests)\.hugepages-/;

export function fieldSelectorErrors(
  selector: ObjectFieldSelector,
  allowed: readonly string[],
  path: string,
): FieldError[] {
  const { apiVersion = '', fieldPath = '' } = selector;
  if (apiVersion === '') return [required(child(path, 'apiVersion'))];
  if (fieldPath === '') return [required(child(path, 'fieldPath'))];
  const fault = (why: string): FieldError[] => [
    invalid(child(path, 'fieldPath'), fieldPath, `error converting fieldPath: ${why}`),
  ];
  if (apiVersion !== 'v1') return fault(`unsupported pod version: ${apiVersion}`);
  const subscripted = /^([^[]*)\['(.*)'\]$/s.exec(fieldPath);
  if (subscripted) {
    const [, of = '', key = ''] = subscripted;
    if (of === 'metadata.annotations')
      return invalidEach(path, key.toLowerCase(), qualifiedNameErrors(key.toLowerCase()));
    if (of === 'metadata.labels') return invalidEach(path, key, qualifiedNameErrors(key));
    return fault(`field label does not support subscript: ${fieldPath}`);
  }
  if (!KNOWN.has(fieldPath)) return fault(`field label not supported: ${fieldPath}`);
  return allowed.includes(fieldPath) ? [] : [notSupported(child(path, 'fieldPath'), fieldPath, allowed)];
}

function divisorErrors(resource: string, divisor: string | undefined, path: string): FieldError[] {
  const text = divisor === undefined ? '0' : canonicalQuantity(divisor);
  if (text === '0') return [];
  const only = (values: readonly string[], words: string): FieldError[] =>
    values.includes(text) ? [] : [invalid(child(path, 'divisor'), resource, words)];
  if (/^(limits|requests)\.cpu$/.test(resource))
    return only(['1m', '1'], "only divisor's values 1m and 1 are supported with the cpu resource");
  const sizes = (of: string): FieldError[] =>
    only(SIZES, `only divisor's values ${SIZES.join(', ')} are supported with the ${of} resource`);
  if (/^(limits|requests)\.memory$/.test(resource)) return sizes('memory');
  if (/^(limits|requests)\.ephemeral-storage$/.test(resource)) return sizes('local ephemeral storage');
  return HUGE_PAGES.test(resource) ? sizes('hugepages') : [];
}

/** @param named files are not of a container, so they say which one they mean. */
export function resourceSelectorErrors(selector: ResourceFieldSelector, named: boolean, path: string): FieldError[] {
  const { containerName = '', resource = '', divisor } = selector;
  const errors: FieldError[] = [];
  if (named && containerName === '') errors.push(required(child(path, 'containerName')));
  else if (resource === '') errors.push(required(child(path, 'resource')));
  else if (!RESOURCES.includes(resource) && !HUGE_PAGES.test(resource))
    errors.push(notSupported(child(path, 'resource'), resource, RESOURCES));
  return [...errors, ...divisorErrors(resource, divisor, path)];
}

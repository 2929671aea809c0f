/** Validation of resource amounts (upstream: `validateResourceRequirements`, `ValidateResourceQuantityValue`). */
import type { ResourceRequirements } from '../../generated/types/core.v1.ts';
import { dns1123LabelErrors, qualifiedNameErrors } from '../../names.ts';
import { compareQuantities, parseQuantity } from '../../quantity.ts';
import {
  at,
  child,
  duplicate,
  forbidden,
  invalid,
  invalidEach,
  keyed,
  NOT_NEGATIVE,
  notSupported,
  required,
} from '../errors.ts';
import type { FieldError } from '../kind.ts';

const ONE = 1_000_000_000n;
const STANDARD_CONTAINER = new Set(['cpu', 'memory', 'ephemeral-storage']);
const OBJECT_COUNTS = [
  'pods',
  'services',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
];
const QUOTA_ONLY = [
  'requests.cpu',
  'requests.memory',
  'requests.ephemeral-storage',
  'requests.storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
];
const STANDARD = new Set([...STANDARD_CONTAINER, ...OBJECT_COUNTS, ...QUOTA_ONLY, 'storage']);
const STANDARD_QUOTA = new Set([...STANDARD_CONTAINER, ...OBJECT_COUNTS, ...QUOTA_ONLY]);
const POD_LEVEL = ['cpu', 'hugepages-', 'memory'];

const isHugePages = (name: string): boolean => name.startsWith('hugepages-');
const isQuotaHugePages = (name: string): boolean => isHugePages(name) || name.startsWith('requests.hugepages-');
/** Kubernetes' own: without a domain, or of `kubernetes.io/`. */
const isNative = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/');

/** Counted in whole pieces: everything with a domain that is not Kubernetes' own. */
export function isExtendedResource(name: string): boolean {
  if (isNative(name) || name.startsWith('requests.')) return false;
  return qualifiedNameErrors(`requests.${name}`).length === 0;
}

/** What may be promised more often than it is there. */
export const isOvercommitAllowed = (name: string): boolean => isNative(name) && !isHugePages(name);

export function quantityErrors(name: string, quantity: string, path: string): FieldError[] {
  const { nanos } = parseQuantity(quantity);
  const errors: FieldError[] = [];
  if (nanos < 0n) errors.push(invalid(path, quantity, NOT_NEGATIVE));
  if (nanos % ONE !== 0n && (OBJECT_COUNTS.includes(name) || isExtendedResource(name)))
    errors.push(invalid(path, quantity, 'must be an integer'));
  return errors;
}

/** @param standard those without a domain that may stand here, and what is said of others. */
function nameErrors(name: string, standard: (name: string) => boolean, text: string, path: string): FieldError[] {
  const errors = invalidEach(path, name, qualifiedNameErrors(name));
  if (errors.length > 0 || name.includes('/')) return errors;
  if (!STANDARD.has(name) && !isQuotaHugePages(name))
    errors.push(invalid(path, name, 'must be a standard resource type or fully qualified'));
  if (!standard(name)) errors.push(invalid(path, name, text));
  return errors;
}

export function containerResourceNameErrors(name: string, path: string): FieldError[] {
  if (STANDARD_CONTAINER.has(name)) return [];
  const errors = nameErrors(
    name,
    n => STANDARD_CONTAINER.has(n) || isHugePages(n),
    'must be a standard resource for containers',
    path,
  );
  if (name.includes('/') && !isNative(name) && !isExtendedResource(name))
    errors.push(invalid(path, name, "doesn't follow extended resource name standard"));
  return errors;
}

export function quotaResourceNameErrors(name: string, path: string): FieldError[] {
  return nameErrors(
    name,
    n => STANDARD_QUOTA.has(n) || isQuotaHugePages(n),
    'must be a standard resource for quota',
    path,
  );
}

/** Of whatever is limited: claims have storage. */
export function anyResourceNameErrors(name: string, path: string): FieldError[] {
  return nameErrors(name, () => true, '', path);
}

function podResourceNameErrors(name: string, path: string): FieldError[] {
  const errors = anyResourceNameErrors(name, path);
  if (errors.length > 0 || name === 'cpu' || name === 'memory' || isHugePages(name)) return errors;
  return [notSupported(path, name, POD_LEVEL)];
}

function hugePageErrors(name: string, quantity: string, path: string): FieldError[] {
  const [amount, page] = [parseQuantity(quantity).nanos, parseQuantity(name.slice('hugepages-'.length)).nanos];
  if (amount > 0n && page > 0n && amount % page === 0n) return [];
  return [invalid(path, quantity, `${quantity} is not positive integer multiple of ${name}`)];
}

type Amounts = Readonly<Record<string, string>> | undefined;
type NameRule = (name: string, path: string) => FieldError[];

function amountErrors(amounts: Amounts, rule: NameRule, path: string, errors: FieldError[]): void {
  for (const name in amounts) {
    const quantity = amounts[name] ?? '0';
    const here = keyed(path, name);
    errors.push(...rule(name, here), ...quantityErrors(name, quantity, here));
    if (isHugePages(name) && !errors.some(e => e.field === here)) errors.push(...hugePageErrors(name, quantity, here));
  }
}

/** @param claims names of the pod's claims, to which `claims` here may point. */
function requirementErrors(
  resources: ResourceRequirements,
  claims: ReadonlySet<string>,
  rule: NameRule,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  const { limits, requests } = resources;
  const [limitPath, requestPath] = [child(path, 'limits'), child(path, 'requests')];
  amountErrors(limits, rule, limitPath, errors);
  amountErrors(requests, rule, requestPath, errors);
  for (const name in requests) {
    const [request, limit] = [requests[name] ?? '0', limits?.[name]];
    const overcommit = isOvercommitAllowed(name);
    if (limit === undefined) {
      if (!overcommit) errors.push(required(limitPath, 'Limit must be set for non overcommitable resources'));
    } else if (!overcommit && compareQuantities(request, limit) !== 0)
      errors.push(invalid(requestPath, request, `must be equal to ${name} limit of ${limit}`));
    else if (compareQuantities(request, limit) > 0)
      errors.push(invalid(requestPath, request, `must be less than or equal to ${name} limit of ${limit}`));
  }
  const names = [...Object.keys(limits ?? {}), ...Object.keys(requests ?? {})];
  if (names.some(isHugePages) && !names.includes('cpu') && !names.includes('memory'))
    errors.push(forbidden(path, 'HugePages require cpu or memory'));
  if (resources.claims?.length) errors.push(...claimErrors(resources, claims, child(path, 'claims')));
  return errors;
}

function claimErrors(resources: ResourceRequirements, known: ReadonlySet<string>, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [i, { name = '', request = '' }] of (resources.claims ?? []).entries()) {
    const here = at(path, i);
    if (name === '') {
      errors.push(required(here));
      continue;
    }
    if (seen.has(name)) errors.push(duplicate(here, name));
    else {
      if (request !== '') errors.push(...invalidEach(child(here, 'request'), request, dns1123LabelErrors(request)));
      const key = request === '' ? name : `${name}/${request}`;
      if (seen.has(key)) errors.push(duplicate(here, key));
      else if (request === '')
        for (const other of seen) if (other.startsWith(`${name}/`)) errors.push(duplicate(here, name));
      seen.add(key);
    }
    if (!known.has(name)) {
      const list = known.size === 0 ? ' which is empty' : `: ${[...known].sort().join(', ')}`;
      errors.push({
        type: 'FieldValueNotFound',
        field: here,
        message: `Not found: ${JSON.stringify(name)}: must be one of the names in pod.spec.resourceClaims${list}`,
      });
    }
  }
  return errors;
}

const NO_CLAIMS: ReadonlySet<string> = new Set();

export function validateResources(
  resources: ResourceRequirements,
  path: string,
  claims: ReadonlySet<string> = NO_CLAIMS,
): FieldError[] {
  return requirementErrors(resources, claims, containerResourceNameErrors, path);
}

/** Of the pod as a whole (KEP-2837): fewer resources, and no claims. */
export function validatePodResources(
  resources: ResourceRequirements,
  path: string,
  claims: ReadonlySet<string> = NO_CLAIMS,
): FieldError[] {
  const errors: FieldError[] = [];
  if (resources.claims)
    errors.push(forbidden(child(path, 'claims'), 'claims may not be set for Resources at pod-level'));
  return [...errors, ...requirementErrors(resources, claims, podResourceNameErrors, path)];
}

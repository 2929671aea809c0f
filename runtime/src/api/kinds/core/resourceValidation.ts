/** Validation of resource amounts (upstream: `ValidateResourceRequirements`, `ValidateResourceQuantityValue`). */
import type { ResourceRequirements } from '../../generated/types/core.v1.ts';
import { qualifiedNameErrors } from '../../names.ts';
import { compareQuantities, parseQuantity } from '../../quantity.ts';
import { child, forbidden, invalid, invalidEach, keyed, NOT_NEGATIVE } from '../errors.ts';
import type { FieldError } from '../kind.ts';

const STANDARD = new Set(['cpu', 'memory', 'ephemeral-storage']);

/** Counted in whole pieces: everything with a domain that is not Kubernetes' own. */
export function isExtendedResource(name: string): boolean {
  return name.includes('/') && !/^(?:[^/]*\.)?kubernetes\.io\//.test(name) && !name.startsWith('requests.');
}

export function quantityErrors(name: string, quantity: string, path: string): FieldError[] {
  const { nanos } = parseQuantity(quantity);
  const errors: FieldError[] = [];
  if (nanos < 0n) errors.push(invalid(path, quantity, NOT_NEGATIVE));
  if ((isExtendedResource(name) || name === 'pods') && nanos % 1_000_000_000n !== 0n)
    errors.push(invalid(path, quantity, 'must be an integer'));
  return errors;
}

function nameErrors(name: string, path: string): FieldError[] {
  const errors = invalidEach(path, name, qualifiedNameErrors(name));
  if (errors.length > 0 || name.includes('/')) return errors;
  if (STANDARD.has(name) || name.startsWith('hugepages-')) return [];
  return [invalid(path, name, 'must be a standard resource for containers')];
}

function amountErrors(amounts: Readonly<Record<string, string>> | undefined, path: string): FieldError[] {
  return Object.entries(amounts ?? {}).flatMap(([name, quantity]) => [
    ...nameErrors(name, keyed(path, name)),
    ...quantityErrors(name, quantity, keyed(path, name)),
  ]);
}

export function validateResources(resources: ResourceRequirements | undefined, path: string): FieldError[] {
  if (!resources) return [];
  const { limits, requests } = resources;
  const errors = [...amountErrors(limits, child(path, 'limits')), ...amountErrors(requests, child(path, 'requests'))];
  for (const [name, request] of Object.entries(requests ?? {})) {
    const limit = limits?.[name];
    const here = child(path, 'requests');
    const noOvercommit = isExtendedResource(name) || name.startsWith('hugepages-');
    if (limit === undefined) {
      if (noOvercommit) errors.push(forbiddenOvercommit(child(path, 'limits')));
    } else if (noOvercommit && compareQuantities(request, limit) !== 0)
      errors.push(invalid(here, request, `must be equal to ${name} limit of ${limit}`));
    else if (compareQuantities(request, limit) > 0)
      errors.push(invalid(here, request, `must be less than or equal to ${name} limit of ${limit}`));
  }
  return errors;
}

const forbiddenOvercommit = (path: string): FieldError => ({
  type: 'FieldValueRequired',
  field: path,
  message: 'Required value: Limit must be set for non overcommitable resources',
});

/** Pod-level resources take no other names. */
export function validatePodResources(resources: ResourceRequirements | undefined, path: string): FieldError[] {
  if (!resources) return [];
  const errors = validateResources(resources, path);
  if (resources.claims?.length)
    errors.push(forbidden(child(path, 'claims'), 'claims cannot be set for Resources at pod-level'));
  return errors;
}

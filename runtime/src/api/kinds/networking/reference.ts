/** References to objects of any kind, as ingresses and their classes make them. */
import { dns1123SubdomainErrors, pathSegmentErrors } from '../../names.ts';
import { child, invalidEach, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';

interface TypedReference {
  readonly apiGroup?: string | undefined;
  readonly kind: string;
  readonly name: string;
}

export function typedReferenceErrors(reference: TypedReference, path: string): FieldError[] {
  const { apiGroup } = reference;
  const errors =
    apiGroup === undefined ? [] : invalidEach(child(path, 'apiGroup'), apiGroup, dns1123SubdomainErrors(apiGroup));
  for (const field of ['kind', 'name'] as const) {
    const value = reference[field] ?? '';
    const here = child(path, field);
    errors.push(...(value === '' ? [required(here)] : invalidEach(here, value, pathSegmentErrors(value))));
  }
  return errors;
}

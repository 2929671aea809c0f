/** Names of CSI and DRA drivers (upstream: core's `ValidateCSIDriverName`). */
import { dns1123SubdomainErrors } from '../../names.ts';
import { invalidEach, required, tooLong } from '../errors.ts';
import type { FieldError } from '../kind.ts';

const MAX_BYTES = 63;

export function driverNameErrors(field: string, name: string): FieldError[] {
  if (name === '') return [required(field)];
  const errors = Buffer.byteLength(name) > MAX_BYTES ? [tooLong(field, MAX_BYTES)] : [];
  return [...errors, ...invalidEach(field, name.toLowerCase(), dns1123SubdomainErrors(name.toLowerCase()))];
}

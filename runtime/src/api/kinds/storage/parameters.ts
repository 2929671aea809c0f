/** What storage classes and volume attributes classes share (upstream: `pkg/apis/storage/validation`). */
import { qualifiedNameErrors } from '../../names.ts';
import { invalid, invalidEach, required, tooLong } from '../errors.ts';
import type { FieldError } from '../kind.ts';

const MAX_PARAMETERS = 512;
const MAX_PARAMETER_BYTES = 256 * 1024;

export function provisionerErrors(field: string, name: string): FieldError[] {
  return name === ''
    ? [required(field)]
    : invalidEach(field, name.toLowerCase(), qualifiedNameErrors(name.toLowerCase()));
}

export function parameterErrors(
  parameters: Readonly<Record<string, string>> | undefined,
  mayBeEmpty: boolean,
): FieldError[] {
  const field = 'parameters';
  const entries = Object.entries(parameters ?? {});
  if (entries.length > MAX_PARAMETERS) return [tooLong(field, MAX_PARAMETERS)];
  const errors: FieldError[] = [];
  let sizeBytes = 0;
  for (const [key, value] of entries) {
    if (key === '') errors.push(invalid(field, key, 'field can not be empty.'));
    sizeBytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (sizeBytes > MAX_PARAMETER_BYTES) errors.push(tooLong(field, MAX_PARAMETER_BYTES));
  if (!mayBeEmpty && entries.length === 0) errors.push(required(field, 'must contain at least one key/value pair'));
  return errors;
}

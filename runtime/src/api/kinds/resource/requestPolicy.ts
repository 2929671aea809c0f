/** How much of a device's capacity one claim may take (KEP-5075; upstream: `pkg/apis/resource/validation`). */
import type { CapacityRequestPolicyRange, DeviceCapacity } from '../../generated/types/resource.v1.ts';
import { parseQuantity } from '../../quantity.ts';
import { at, child, forbidden, invalid, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { setErrors } from './sets.ts';

const MAX_VALUES = 10;

const amount = (text: string): bigint => parseQuantity(text).nanos;

function valueErrors(standard: string, capacity: string, values: readonly string[], path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, value] of values.entries()) {
    const next = values[i + 1];
    if (next !== undefined && amount(value) > amount(next))
      errors.push(invalid(at(path, i + 1), next, 'values must be sorted in ascending order'));
  }
  errors.push(
    ...setErrors(
      values,
      MAX_VALUES,
      (value, here) =>
        amount(value) > amount(capacity)
          ? [invalid(here, value, `option is larger than capacity value: ${capacity}`)]
          : [],
      value => amount(value).toString(),
      path,
    ),
  );
  if (!values.some(value => amount(value) === amount(standard)))
    errors.push(invalid(path, standard, 'default value is not valid according to the requestPolicy'));
  return errors;
}

function rangeErrors(
  standard: string,
  capacity: string,
  range: CapacityRequestPolicyRange,
  path: string,
): FieldError[] {
  const { min, max, step } = range;
  if (min === undefined) return [required(child(path, 'min'), 'required when validRange is defined')];
  const errors: FieldError[] = [];
  const wrong = (field: string, value: string, text: string): void => {
    errors.push(invalid(child(path, field), value, text));
  };
  if (amount(min) > amount(capacity)) wrong('min', min, `min is larger than capacity value: ${capacity}`);
  if (amount(standard) < amount(min)) wrong('default', standard, `default is less than min: ${min}`);
  if (max !== undefined) {
    if (amount(min) > amount(max)) wrong('max', min, `min is larger than max: ${max}`);
    if (amount(max) > amount(capacity)) wrong('max', max, `max is larger than capacity value: ${capacity}`);
    if (amount(standard) > amount(max)) wrong('default', standard, `default is more than max: ${max}`);
  }
  if (step === undefined) return errors;
  if (amount(step) <= 0n) {
    wrong('step', step, 'must be greater than zero');
    return errors;
  }
  if (amount(min) + amount(step) > amount(capacity))
    wrong('step', step, `one step ${step} is larger than capacity value: ${capacity}`);
  for (const value of max === undefined ? [standard] : [standard, max])
    if ((amount(value) - amount(min)) % amount(step) !== 0n)
      wrong('step', value, `value is not a multiple of a given step (${step}) from (${min})`);
  return errors;
}

/** @param shared whether several claims may have parts of the device. */
export function requestPolicyErrors(
  { value, requestPolicy }: DeviceCapacity,
  shared: boolean,
  path: string,
): FieldError[] {
  if (!requestPolicy) return [];
  if (!shared) return [forbidden(path, 'allowMultipleAllocations must be true')];
  const { default: standard, validValues = [], validRange } = requestPolicy;
  if (validValues.length > 0 && validRange)
    return [
      forbidden(
        path,
        'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time',
      ),
    ];
  const field = validValues.length > 0 ? 'validValues' : 'validRange';
  if (validValues.length === 0 && !validRange) return [];
  if (standard === undefined) return [required(child(path, 'default'), `required when ${field} is defined`)];
  return validRange
    ? rangeErrors(standard, value, validRange, child(path, 'validRange'))
    : valueErrors(standard, value, validValues, child(path, 'validValues'));
}

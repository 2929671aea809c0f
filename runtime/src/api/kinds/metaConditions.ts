/** Conditions of `meta/v1`, as newer statuses hold them (apimachinery's `ValidateConditions`). */
import type { Condition } from '../generated/types/apimachinery.pkg.apis.meta.v1.ts';
import { qualifiedNameErrors } from '../names.ts';
import { at, child, duplicate, invalid, invalidEach, notSupported, required, tooLong } from './errors.ts';
import type { FieldError } from './kind.ts';

const STATUSES = ['False', 'True', 'Unknown'];
const REASON = '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?';
const REASON_TEXT = `a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '${REASON}')`;
const MAX_REASON_BYTES = 1024;
const MAX_MESSAGE_BYTES = 32 * 1024;

const reasonPattern = new RegExp(`^${REASON}$`);

export function metaConditionErrors(conditions: readonly Condition[] | undefined, path: string): FieldError[] {
  const seen = new Set<string>();
  return (conditions ?? []).flatMap((condition, i) => {
    const here = at(path, i);
    const { type = '', status, observedGeneration = 0, lastTransitionTime, reason = '', message = '' } = condition;
    const errors: FieldError[] = seen.has(type) ? [duplicate(child(here, 'type'), type)] : [];
    seen.add(type);
    errors.push(...invalidEach(child(here, 'type'), type, qualifiedNameErrors(type)));
    if (!STATUSES.includes(status)) errors.push(notSupported(child(here, 'status'), status, STATUSES));
    if (observedGeneration < 0)
      errors.push(
        invalid(child(here, 'observedGeneration'), observedGeneration, 'must be greater than or equal to zero'),
      );
    if (!lastTransitionTime) errors.push(required(child(here, 'lastTransitionTime'), 'must be set'));
    if (reason === '') errors.push(required(child(here, 'reason'), 'must be set'));
    else if (!reasonPattern.test(reason)) errors.push(invalid(child(here, 'reason'), reason, REASON_TEXT));
    if (Buffer.byteLength(reason) > MAX_REASON_BYTES) errors.push(tooLong(child(here, 'reason'), MAX_REASON_BYTES));
    if (Buffer.byteLength(message) > MAX_MESSAGE_BYTES) errors.push(tooLong(child(here, 'message'), MAX_MESSAGE_BYTES));
    return errors;
  });
}

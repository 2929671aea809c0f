/** The form of `x-kubernetes-validations` (KEP-2876). The expressions themselves are not compiled yet. */
import { at, child, invalid, notSupported, required } from '../kinds/errors.ts';
import type { FieldError } from '../kinds/kind.ts';
import { fieldPathSchema } from './fieldPath.ts';
import type { Schema } from './schemas.ts';

const REASONS = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];
const hasLineBreaks = (text: string): boolean => /[\n\r]/.test(text);

export function validationRuleErrors(schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, rule] of (schema['x-kubernetes-validations'] ?? []).entries()) {
    const here = at(child(path, 'x-kubernetes-validations'), i);
    const { message = '', messageExpression = '', fieldPath = '', reason } = rule;
    const text = rule.rule?.trim() ?? '';
    if (text === '') errors.push(required(child(here, 'rule'), 'rule is not specified'));
    else if (message !== '' && message.trim() === '')
      errors.push(invalid(child(here, 'message'), message, 'must be non-empty if specified'));
    else if (hasLineBreaks(message.trim()))
      errors.push(invalid(child(here, 'message'), message, 'must not contain line breaks'));
    else if (hasLineBreaks(text) && message.trim() === '')
      errors.push(required(child(here, 'message'), 'message must be specified if rule contains line breaks'));
    if (messageExpression !== '' && messageExpression.trim() === '')
      errors.push(required(child(here, 'messageExpression'), 'messageExpression must be non-empty if specified'));
    if (reason !== undefined && !REASONS.includes(reason))
      errors.push(notSupported(child(here, 'reason'), reason, REASONS));
    if (fieldPath === '') continue;
    const pathPath = child(here, 'fieldPath');
    if (fieldPath.trim() === '') errors.push(invalid(pathPath, fieldPath, 'must be non-empty if specified'));
    if (hasLineBreaks(fieldPath)) errors.push(invalid(pathPath, fieldPath, 'must not contain line breaks'));
    if (typeof fieldPathSchema(fieldPath, schema, true) === 'string')
      errors.push(invalid(pathPath, fieldPath, 'must be a valid path'));
  }
  return errors;
}

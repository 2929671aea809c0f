/** `CreateOptions`, `UpdateOptions` and `PatchOptions`, which come as query parameters (upstream: meta/v1/validation). */
import type { FieldError } from '../api/kinds/kind.ts';
import { invalid } from '../api/status.ts';
import type { Request } from '../lib/exchange.ts';

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

const MAX_MANAGER_BYTES = 128;
const kinds: Readonly<Record<string, string>> = {
  create: 'CreateOptions',
  update: 'UpdateOptions',
  patch: 'PatchOptions',
};

const isFieldValidation = (text: string): text is FieldValidation =>
  text === 'Strict' || text === 'Warn' || text === 'Ignore';

/** Checked by {@link checkWriteOptions}; by default a client is warned. */
export function fieldValidationOf(request: Request): FieldValidation {
  const asked = request.query.get('fieldValidation') ?? '';
  return isFieldValidation(asked) ? asked : 'Warn';
}

/**
 * Whether it is a dry run.
 *
 * @param verb `create`, `update` or `patch`
 * @param apply whether it is a server-side apply, which must name its manager
 * @throws StatusError 422 for values that are none
 */
export function checkWriteOptions({ query }: Request, verb: string, apply: boolean): boolean {
  if (query.size === 0 && !apply) return false;
  const errors: FieldError[] = [];
  const manager = query.get('fieldManager') ?? '';
  if (verb === 'patch') {
    if (apply && manager === '') {
      errors.push({
        type: 'FieldValueRequired',
        field: 'fieldManager',
        message: 'Required value: is required for apply patch',
      });
    } else if (!apply && query.has('force')) {
      errors.push({
        type: 'FieldValueForbidden',
        field: 'force',
        message: 'Forbidden: may not be specified for non-apply patch',
      });
    }
  }
  errors.push(...managerErrors(manager), ...dryRunErrors(query.getAll('dryRun')));
  const validation = query.get('fieldValidation') ?? '';
  if (validation !== '' && !isFieldValidation(validation)) {
    errors.push({
      type: 'FieldValueNotSupported',
      field: 'fieldValidation',
      message: `Unsupported value: ${JSON.stringify(validation)}: supported values: "", "Ignore", "Strict", "Warn"`,
    });
  }
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: kinds[verb] ?? 'UpdateOptions' }, '', errors);
  return query.has('dryRun');
}

/** `All` is the only stage there is. */
export function dryRunErrors(stages: readonly string[]): FieldError[] {
  if (stages.every(stage => stage === 'All')) return [];
  const message = `Unsupported value: ${JSON.stringify(stages)}: supported values: "All"`;
  return [{ type: 'FieldValueNotSupported', field: 'dryRun', message }];
}

function managerErrors(manager: string): FieldError[] {
  if (manager === '') return [];
  const field = 'fieldManager';
  const errors: FieldError[] = [];
  if (Buffer.byteLength(manager) > MAX_MANAGER_BYTES) {
    errors.push({
      type: 'FieldValueTooLong',
      field,
      message: `Too long: may not be more than ${MAX_MANAGER_BYTES} bytes`,
    });
  }
  let position = 0;
  for (const character of manager) {
    if (!/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character)) {
      const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
      const message = `Invalid value: ${JSON.stringify(manager)}: invalid character U+${code} (at position ${position})`;
      errors.push({ type: 'FieldValueInvalid', field, message });
    }
    position += Buffer.byteLength(character);
  }
  return errors;
}

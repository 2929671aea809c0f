/** The names in a CustomResourceDefinition (upstream's `ValidateCustomResourceDefinitionNames`). */
import type { CustomResourceDefinitionNames } from '../../generated/types/apiextensions-apiserver.pkg.apis.apiextensions.v1.ts';
import { dns1035LabelErrors } from '../../names.ts';
import { at, child, invalid } from '../errors.ts';
import type { FieldError } from '../kind.ts';

/** Which names there must be is said elsewhere: the status need not have them. */
export function namesErrors(names: Partial<CustomResourceDefinitionNames>, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const check = (field: string, name: string | undefined, mixedCase = false): void => {
    if (!name) return;
    const faults = dns1035LabelErrors(mixedCase ? name.toLowerCase() : name);
    if (faults.length === 0) return;
    const said = mixedCase ? 'may have mixed case, but should otherwise match: ' : '';
    errors.push(invalid(field, name, said + faults.join(',')));
  };
  const every = (field: string, values: readonly string[] | undefined): void => {
    for (const [i, name] of (values ?? []).entries()) {
      const faults = dns1035LabelErrors(name);
      if (faults.length > 0) errors.push(invalid(at(field, i), name, faults.join(',')));
    }
  };
  check(child(path, 'plural'), names.plural);
  check(child(path, 'singular'), names.singular);
  check(child(path, 'kind'), names.kind, true);
  check(child(path, 'listKind'), names.listKind, true);
  every(child(path, 'shortNames'), names.shortNames);
  if (names.kind && names.kind === names.listKind)
    errors.push(invalid(child(path, 'listKind'), names.listKind, 'kind and listKind may not be the same'));
  every(child(path, 'categories'), names.categories);
  return errors;
}

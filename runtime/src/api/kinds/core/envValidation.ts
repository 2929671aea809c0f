/** Validation of a container's variables (upstream: `ValidateEnv`, `ValidateEnvFrom`). */
import type { EnvFromSource, EnvVar, EnvVarSource, FileKeySelector } from '../../generated/types/core.v1.ts';
import { configMapKeyErrors, dns1123LabelErrors, dns1123SubdomainErrors, envVarNameErrors } from '../../names.ts';
import { at, child, invalid, invalidEach, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { fieldSelectorErrors, resourceSelectorErrors, VARIABLE_FIELDS } from './fieldSelectors.ts';
import { backstepErrors } from './localPaths.ts';

function keyErrors(
  ref: { readonly name?: string | undefined; readonly key?: string | undefined },
  path: string,
): FieldError[] {
  const { name = '', key = '' } = ref;
  const errors = invalidEach(child(path, 'name'), name, dns1123SubdomainErrors(name));
  if (key === '') errors.push(required(child(path, 'key')));
  else errors.push(...invalidEach(child(path, 'key'), key, configMapKeyErrors(key)));
  return errors;
}

function fileKeyErrors(ref: FileKeySelector, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!ref.key) errors.push(required(child(path, 'key')));
  else errors.push(...invalidEach(child(path, 'key'), ref.key, envVarNameErrors(ref.key)));
  if (!ref.volumeName) errors.push(required(child(path, 'volumeName')));
  else errors.push(...invalidEach(child(path, 'volumeName'), ref.volumeName, dns1123LabelErrors(ref.volumeName)));
  if (!ref.path) errors.push(required(child(path, 'path')));
  else errors.push(...backstepErrors(ref.path, child(path, 'path')));
  return errors;
}

function sourceErrors(source: EnvVarSource, value: string | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = source;
  let sources = 0;
  if (fieldRef && ++sources) errors.push(...fieldSelectorErrors(fieldRef, VARIABLE_FIELDS, child(path, 'fieldRef')));
  if (resourceFieldRef && ++sources)
    errors.push(...resourceSelectorErrors(resourceFieldRef, false, child(path, 'resourceFieldRef')));
  if (configMapKeyRef && ++sources) errors.push(...keyErrors(configMapKeyRef, child(path, 'configMapKeyRef')));
  if (secretKeyRef && ++sources) errors.push(...keyErrors(secretKeyRef, child(path, 'secretKeyRef')));
  if (fileKeyRef && ++sources) errors.push(...fileKeyErrors(fileKeyRef, child(path, 'fileKeyRef')));
  if (sources === 0)
    errors.push(
      invalid(
        path,
        '',
        'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
      ),
    );
  else if (value) errors.push(invalid(path, '', 'may not be specified when `value` is not empty'));
  else if (sources > 1) errors.push(invalid(path, '', 'may not have more than one field specified at a time'));
  return errors;
}

export function validateEnv(env: readonly EnvVar[], path: string, errors: FieldError[]): void {
  for (let i = 0; i < env.length; i++) {
    const variable = env[i];
    if (!variable) continue;
    const here = at(path, i);
    if (!variable.name) errors.push(required(child(here, 'name')));
    else errors.push(...invalidEach(child(here, 'name'), variable.name, envVarNameErrors(variable.name)));
    if (variable.valueFrom) errors.push(...sourceErrors(variable.valueFrom, variable.value, child(here, 'valueFrom')));
  }
}

export function validateEnvFrom(sources: readonly EnvFromSource[], path: string, errors: FieldError[]): void {
  for (const [i, source] of sources.entries()) {
    const here = at(path, i);
    if (source.prefix)
      errors.push(...invalidEach(child(here, 'prefix'), source.prefix, envVarNameErrors(source.prefix)));
    for (const field of ['configMapRef', 'secretRef'] as const) {
      const ref = source[field];
      if (!ref) continue;
      const name = child(child(here, field), 'name');
      errors.push(...(ref.name ? invalidEach(name, ref.name, dns1123SubdomainErrors(ref.name)) : [required(name)]));
    }
    // Upstream says these of the list, not of the entry.
    if (!source.configMapRef && !source.secretRef)
      errors.push(invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`'));
    else if (source.configMapRef && source.secretRef)
      errors.push(invalid(path, '', 'may not have more than one field specified at a time'));
  }
}

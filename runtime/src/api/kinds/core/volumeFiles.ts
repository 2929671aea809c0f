/** Files that volumes are filled with: which key or field goes where (upstream: `validateKeyToPath`, `validateDownwardAPIVolumeFile`). */
import type { DownwardAPIVolumeFile, KeyToPath } from '../../generated/types/core.v1.ts';
import { child, invalid, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { FILE_FIELDS, fieldSelectorErrors, resourceSelectorErrors } from './fieldSelectors.ts';
import { filePathErrors } from './localPaths.ts';

const FILE_MODE_TEXT = 'must be a number between 0 and 0777 (octal), both inclusive';

export function modeErrors(mode: number | undefined, field: string): FieldError[] {
  return mode !== undefined && (mode < 0 || mode > 0o777) ? [invalid(field, mode, FILE_MODE_TEXT)] : [];
}

export function keyToPathErrors(item: KeyToPath, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!item.key) errors.push(required(child(path, 'key')));
  if (!item.path) errors.push(required(child(path, 'path')));
  else errors.push(...filePathErrors(item.path, child(path, 'path')));
  return [...errors, ...modeErrors(item.mode, child(path, 'mode'))];
}

export function downwardFileErrors(file: DownwardAPIVolumeFile, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!file.path) errors.push(required(child(path, 'path')));
  else errors.push(...filePathErrors(file.path, child(path, 'path')));
  if (file.fieldRef) {
    errors.push(...fieldSelectorErrors(file.fieldRef, FILE_FIELDS, child(path, 'fieldRef')));
    if (file.resourceFieldRef)
      errors.push(invalid(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'));
  } else if (file.resourceFieldRef)
    errors.push(...resourceSelectorErrors(file.resourceFieldRef, true, child(path, 'resourceFieldRef')));
  else errors.push(required(path, 'one of fieldRef and resourceFieldRef is required'));
  return [...errors, ...modeErrors(file.mode, child(path, 'mode'))];
}

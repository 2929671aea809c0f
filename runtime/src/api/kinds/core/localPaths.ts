/** Paths inside volumes and on hosts (upstream: `validateLocalDescendingPath`, `validatePathNoBacksteps`, `ValidateLocalNonReservedPath`). */
import { invalid } from '../errors.ts';
import type { FieldError } from '../kind.ts';

export function backstepErrors(path: string, field: string): FieldError[] {
  return path.includes('..') && path.split('/').includes('..') ? [invalid(field, path, "must not contain '..'")] : [];
}

/** Paths that stay inside the volume. */
export function localPathErrors(path: string, field: string): FieldError[] {
  const outside = path.startsWith('/') ? [invalid(field, path, 'must be a relative path')] : [];
  return [...outside, ...backstepErrors(path, field)];
}

/** The same, for files a volume is filled with: `..data` is the kubelet's own. */
export function filePathErrors(path: string, field: string): FieldError[] {
  const errors = localPathErrors(path, field);
  if (path.startsWith('..') && !path.startsWith('../')) errors.push(invalid(field, path, "must not start with '..'"));
  return errors;
}

/** Fields that only one operating system knows (upstream: `validateLinux`, `validateWindows`, `validateWindowsHostProcessPod`). */
import type { Container, PodSpec } from '../../generated/types/core.v1.ts';
import { at, child, forbidden, invalid, notSupported, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';

const ON_LINUX = 'windows options cannot be set for a linux pod';
const ON_WINDOWS = 'cannot be set for a windows pod';
const NOT_WINDOWS_POD = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'fsGroup',
  'fsGroupChangePolicy',
  'sysctls',
  'runAsUser',
  'runAsGroup',
  'supplementalGroups',
  'supplementalGroupsPolicy',
  'seLinuxChangePolicy',
] as const;
const NOT_WINDOWS = ['hostUsers', 'hostPID', 'hostIPC', 'shareProcessNamespace'] as const;
const NOT_WINDOWS_CONTAINER = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
] as const;

/** Every container with its path, in upstream's order: init containers first. */
export function eachContainer(spec: PodSpec, path: string, visit: (container: Container, path: string) => void): void {
  for (const field of ['initContainers', 'containers', 'ephemeralContainers'] as const) {
    const list = spec[field];
    if (list) for (const [i, c] of list.entries()) visit(c as Container, at(child(path, field), i));
  }
}

function linuxErrors(spec: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const field = (of: string): string => child(child(of, 'securityContext'), 'windowsOptions');
  if (spec.securityContext?.windowsOptions) errors.push(forbidden(field(path), ON_LINUX));
  eachContainer(spec, path, (container, here) => {
    if (container.securityContext?.windowsOptions) errors.push(forbidden(field(here), ON_LINUX));
  });
  return errors;
}

function windowsErrors(spec: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const context = child(path, 'securityContext');
  for (const field of NOT_WINDOWS_POD)
    if (spec.securityContext?.[field] !== undefined) errors.push(forbidden(child(context, field), ON_WINDOWS));
  for (const field of NOT_WINDOWS)
    if (spec[field] !== undefined) errors.push(forbidden(child(path, field), ON_WINDOWS));
  eachContainer(spec, path, (container, here) => {
    for (const field of NOT_WINDOWS_CONTAINER)
      if (container.securityContext?.[field] !== undefined)
        errors.push(forbidden(child(child(here, 'securityContext'), field), ON_WINDOWS));
  });
  return errors;
}

export function validateOs(spec: PodSpec, path: string): FieldError[] {
  if (!spec.os) return [];
  const name = spec.os.name ?? '';
  const field = child(path, 'os');
  if (name === '') return [required(child(field, 'name'))];
  if (name === 'linux') return linuxErrors(spec, path);
  if (name === 'windows') return windowsErrors(spec, path);
  return [notSupported(field, name, ['linux', 'windows'])];
}

/** All containers are processes of the host, or none is. */
export function hostProcessErrors(spec: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const pod = spec.securityContext?.windowsOptions?.hostProcess;
  let [all, host] = [0, 0];
  eachContainer(spec, path, (container, here) => {
    all++;
    const own = container.securityContext?.windowsOptions?.hostProcess;
    if (pod !== undefined && own !== undefined && pod !== own)
      errors.push(
        invalid(
          `${here}.securityContext.windowsOptions.hostProcess`,
          own,
          `pod hostProcess value must be identical if both are specified, was ${pod}`,
        ),
      );
    if (own ?? pod) host++;
  });
  if (host === 0) return errors;
  if (host !== all)
    errors.push(
      invalid(
        path,
        '',
        'If pod contains any hostProcess containers then all containers must be HostProcess containers',
      ),
    );
  if (!spec.hostNetwork)
    errors.push(
      invalid(child(path, 'hostNetwork'), false, 'hostNetwork must be true if pod contains any hostProcess containers'),
    );
  return errors;
}

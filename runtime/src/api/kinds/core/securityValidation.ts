/** Validation of security contexts (upstream: `ValidateSecurityContext`, `validatePodSpecSecurityContext`). */
import type {
  AppArmorProfile,
  PodSecurityContext,
  PodSpec,
  SeccompProfile,
  SecurityContext,
  WindowsSecurityContextOptions,
} from '../../generated/types/core.v1.ts';
import { dns1123SubdomainErrors } from '../../names.ts';
import { at, child, duplicate, invalid, invalidEach, notSupported, required, tooLong } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { localPathErrors } from './localPaths.ts';

const MAX_ID = 2147483647;
const PROFILE_TYPES = ['Localhost', 'RuntimeDefault', 'Unconfined'];
const SYSCTL = '([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const sysctlPattern = new RegExp(`^${SYSCTL}$`);
const IPC_SYSCTLS = /^(kernel[./](shm|msg|sem)|fs[./]mqueue[./])/;

function idErrors(id: number | undefined, path: string): FieldError[] {
  return id === undefined || (id >= 0 && id <= MAX_ID)
    ? []
    : [invalid(path, id, `must be between 0 and ${MAX_ID}, inclusive`)];
}

function seccompErrors(profile: SeccompProfile | undefined, path: string): FieldError[] {
  if (!profile) return [];
  const errors: FieldError[] = [];
  const { type, localhostProfile } = profile;
  if (!type) errors.push(required(child(path, 'type'), 'type is required when seccompProfile is set'));
  else if (!PROFILE_TYPES.includes(type)) errors.push(notSupported(child(path, 'type'), type, PROFILE_TYPES));
  const local = child(path, 'localhostProfile');
  if (type !== 'Localhost') {
    if (localhostProfile !== undefined)
      errors.push(invalid(local, profile, 'can only be set when seccomp type is Localhost'));
  } else if (localhostProfile === undefined) errors.push(required(local, 'must be set when seccomp type is Localhost'));
  else errors.push(...localPathErrors(localhostProfile, local));
  return errors;
}

function appArmorErrors(profile: AppArmorProfile | undefined, path: string): FieldError[] {
  if (!profile) return [];
  const { type, localhostProfile } = profile;
  const local = child(path, 'localhostProfile');
  if (!type) return [required(child(path, 'type'), 'type is required when appArmorProfile is set')];
  if (!PROFILE_TYPES.includes(type)) return [notSupported(child(path, 'type'), type, PROFILE_TYPES)];
  if (type !== 'Localhost')
    return localhostProfile === undefined
      ? []
      : [invalid(local, localhostProfile, 'can only be set when AppArmor type is Localhost')];
  const missing = required(local, 'must be set when AppArmor type is Localhost');
  if (localhostProfile === undefined) return [missing];
  const errors: FieldError[] = [];
  if (localhostProfile.trim() !== localhostProfile)
    errors.push(invalid(local, localhostProfile, 'must not be padded with whitespace'));
  else if (localhostProfile === '') errors.push(missing);
  if (Buffer.byteLength(localhostProfile) > 4095) errors.push(tooLong(local, 4095));
  return errors;
}

function windowsErrors(options: WindowsSecurityContextOptions | undefined, path: string): FieldError[] {
  if (!options) return [];
  const errors: FieldError[] = [];
  const { gmsaCredentialSpecName, gmsaCredentialSpec, runAsUserName } = options;
  if (gmsaCredentialSpecName !== undefined)
    errors.push(
      ...invalidEach(
        child(path, 'gmsaCredentialSpecName'),
        gmsaCredentialSpecName,
        dns1123SubdomainErrors(gmsaCredentialSpecName),
      ),
    );
  const spec = child(path, 'gmsaCredentialSpec');
  if (gmsaCredentialSpec === '')
    errors.push(invalid(spec, gmsaCredentialSpec, 'gmsaCredentialSpec cannot be an empty string'));
  else if (gmsaCredentialSpec !== undefined && Buffer.byteLength(gmsaCredentialSpec) > 64 * 1024)
    errors.push(invalid(spec, gmsaCredentialSpec, 'gmsaCredentialSpec size must be under 64 KiB'));
  if (runAsUserName === '')
    errors.push(invalid(child(path, 'runAsUserName'), '', 'runAsUserName cannot be an empty string'));
  return errors;
}

/** Of one container. `hostUsers`: the pod has the host's user namespace. */
export function validateSecurityContext(context: SecurityContext, hostUsers: boolean, path: string): FieldError[] {
  const errors = [
    ...idErrors(context.runAsUser, child(path, 'runAsUser')),
    ...idErrors(context.runAsGroup, child(path, 'runAsGroup')),
  ];
  const { procMount } = context;
  if (procMount !== undefined) {
    const field = child(path, 'procMount');
    if (procMount !== 'Default' && procMount !== 'Unmasked')
      errors.push(notSupported(field, procMount, ['Default', 'Unmasked']));
    if (hostUsers && procMount === 'Unmasked')
      errors.push(invalid(field, procMount, '`hostUsers` must be false to use `Unmasked`'));
  }
  errors.push(...seccompErrors(context.seccompProfile, child(path, 'seccompProfile')));
  if (context.allowPrivilegeEscalation === false) {
    if (context.privileged === true)
      errors.push(invalid(path, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'));
    for (const capability of context.capabilities?.add ?? [])
      if (capability === 'CAP_SYS_ADMIN')
        errors.push(
          invalid(path, context, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'),
        );
  }
  errors.push(...windowsErrors(context.windowsOptions, child(path, 'windowsOptions')));
  errors.push(...appArmorErrors(context.appArmorProfile, child(path, 'appArmorProfile')));
  return errors;
}

function sysctlErrors(context: PodSecurityContext, spec: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [i, { name }] of (context.sysctls ?? []).entries()) {
    const field = child(at(path, i), 'name');
    if (!name) errors.push(required(field));
    else if (name.length > 253 || !sysctlPattern.test(name))
      errors.push(invalid(field, name, `must have at most 253 characters and match regex ^${SYSCTL}$`));
    else if (names.has(name)) errors.push(duplicate(field, name));
    if (spec.hostNetwork && /^net[./]/.test(name))
      errors.push(invalid(field, name, "may not be specified when 'hostNetwork' is true"));
    else if (spec.hostIPC && IPC_SYSCTLS.test(name))
      errors.push(invalid(field, name, "may not be specified when 'hostIPC' is true"));
    names.add(name);
  }
  return errors;
}

const one = (value: string | undefined, supported: readonly string[], path: string): FieldError[] =>
  value === undefined || supported.includes(value) ? [] : [notSupported(path, value, supported)];

/** Of the whole pod. */
export function validatePodSecurityContext(context: PodSecurityContext, spec: PodSpec, path: string): FieldError[] {
  return [
    ...idErrors(context.fsGroup, child(path, 'fsGroup')),
    ...idErrors(context.runAsUser, child(path, 'runAsUser')),
    ...idErrors(context.runAsGroup, child(path, 'runAsGroup')),
    ...(context.supplementalGroups ?? []).flatMap((id, i) => idErrors(id, at(child(path, 'supplementalGroups'), i))),
    ...sysctlErrors(context, spec, child(path, 'sysctls')),
    ...one(context.fsGroupChangePolicy, ['Always', 'OnRootMismatch'], child(path, 'fsGroupChangePolicy')),
    ...seccompErrors(context.seccompProfile, child(path, 'seccompProfile')),
    ...windowsErrors(context.windowsOptions, child(path, 'windowsOptions')),
    ...appArmorErrors(context.appArmorProfile, child(path, 'appArmorProfile')),
    ...one(context.supplementalGroupsPolicy, ['Merge', 'Strict'], child(path, 'supplementalGroupsPolicy')),
    ...one(context.seLinuxChangePolicy, ['MountOption', 'Recursive'], child(path, 'seLinuxChangePolicy')),
  ];
}

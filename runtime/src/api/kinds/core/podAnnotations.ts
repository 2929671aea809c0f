/** Annotations of pods that mean something to the API itself (upstream: `ValidatePodSpecificAnnotations`, `validateSeccompAnnotationsAndFields`…). */
import type { Pod, PodSpec } from '../../generated/types/core.v1.ts';
import { child, forbidden, invalid, keyed } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { localPathErrors } from './localPaths.ts';
import { eachContainer } from './podOs.ts';

type Annotations = Readonly<Record<string, string>>;

export const MIRROR = 'kubernetes.io/config.mirror';
const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';
export const SECCOMP_POD = 'seccomp.security.alpha.kubernetes.io/pod';
export const SECCOMP_CONTAINER = 'container.seccomp.security.alpha.kubernetes.io/';
export const APPARMOR_CONTAINER = 'container.apparmor.security.beta.kubernetes.io/';

function seccompErrors(profile: string, path: string): FieldError[] {
  if (profile === 'runtime/default' || profile === 'docker/default' || profile === 'unconfined') return [];
  if (profile.startsWith('localhost/')) return localPathErrors(profile.slice('localhost/'.length), path);
  return [invalid(path, profile, 'must be a valid seccomp profile')];
}

function appArmorErrors(annotation: string, profile: string, spec: PodSpec, path: string): FieldError[] {
  const name = annotation.slice(APPARMOR_CONTAINER.length);
  const errors: FieldError[] = [];
  let found = false;
  eachContainer(spec, '', container => {
    found ||= container.name === name;
  });
  if (!found) errors.push(invalid(keyed(path, annotation), name, 'container not found'));
  if (!['', 'runtime/default', 'unconfined'].includes(profile) && !profile.startsWith('localhost/'))
    errors.push(invalid(keyed(path, annotation), profile, `invalid AppArmor profile name: ${JSON.stringify(profile)}`));
  return errors;
}

export function podAnnotationErrors(annotations: Annotations | undefined, spec: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const key in annotations) {
    const value = annotations[key] ?? '';
    if (key === MIRROR && !spec.nodeName)
      errors.push(invalid(keyed(path, key), value, 'must set spec.nodeName if mirror pod annotation is set'));
    else if (key === DELETION_COST && !/^(0|-?[1-9]\d*)$/.test(value))
      errors.push(invalid(keyed(path, key), value, 'must be a 32bit integer'));
    else if (key === SECCOMP_POD || key.startsWith(SECCOMP_CONTAINER))
      errors.push(...seccompErrors(value, child(path, key)));
    else if (key.startsWith(APPARMOR_CONTAINER)) errors.push(...appArmorErrors(key, value, spec, path));
  }
  return errors;
}

/** Once made, a pod is a mirror or is not, and keeps its AppArmor profiles. */
export function podAnnotationUpdateErrors(pod: Pod, old: Pod): FieldError[] {
  const [now, before] = [pod.metadata.annotations ?? {}, old.metadata.annotations ?? {}];
  const errors: FieldError[] = [];
  const fixed = (key: string): string | undefined =>
    key.startsWith(APPARMOR_CONTAINER) ? 'AppArmor annotations' : key === MIRROR ? 'mirror pod annotation' : undefined;
  for (const key in before) {
    const what = fixed(key);
    if (what !== undefined && now[key] !== before[key])
      errors.push(forbidden(keyed('metadata.annotations', key), `may not remove or update ${what}`));
  }
  for (const key in now) {
    const what = fixed(key);
    if (what !== undefined && before[key] === undefined)
      errors.push(forbidden(keyed('metadata.annotations', key), `may not add ${what}`));
  }
  return errors;
}

interface Profile {
  readonly type?: string | undefined;
  readonly localhostProfile?: string | undefined;
}

/** Where the old annotation and the field both speak, they say the same. */
function matchError(what: string, annotation: string, profile: Profile, path: string): FieldError[] {
  const type = forbidden(child(path, 'type'), `${what} type in annotation and field must match`);
  switch (profile.type) {
    case 'Unconfined':
      return annotation === 'unconfined' ? [] : [type];
    case 'RuntimeDefault':
      return annotation === 'runtime/default' || (what === 'seccomp' && annotation === 'docker/default') ? [] : [type];
    case 'Localhost':
      if (!annotation.startsWith('localhost/')) return [type];
      return annotation.slice('localhost/'.length) === profile.localhostProfile
        ? []
        : [forbidden(child(path, 'localhostProfile'), `${what} profile in annotation and field must match`)];
    default:
      return [];
  }
}

export function profileMatchErrors(annotations: Annotations | undefined, spec: PodSpec, path: string): FieldError[] {
  if (!annotations || Object.keys(annotations).length === 0) return [];
  const errors: FieldError[] = [];
  const pod = spec.securityContext;
  const own = annotations[SECCOMP_POD];
  if (pod?.seccompProfile && own !== undefined)
    errors.push(...matchError('seccomp', own, pod.seccompProfile, `${path}.securityContext.seccompProfile`));
  eachContainer(spec, path, (container, here) => {
    const context = child(here, 'securityContext');
    const seccomp = annotations[SECCOMP_CONTAINER + container.name];
    if (container.securityContext?.seccompProfile && seccomp !== undefined)
      errors.push(
        ...matchError('seccomp', seccomp, container.securityContext.seccompProfile, child(context, 'seccompProfile')),
      );
    const profile = container.securityContext?.appArmorProfile ?? pod?.appArmorProfile;
    const appArmor = annotations[APPARMOR_CONTAINER + container.name];
    if (profile && appArmor !== undefined && spec.os?.name !== 'windows')
      errors.push(...matchError('apparmor', appArmor, profile, child(context, 'appArmorProfile')));
  });
  return errors;
}

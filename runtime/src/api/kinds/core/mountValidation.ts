/** Validation of what a container mounts (upstream: `ValidateVolumeMounts`, `ValidateVolumeDevices`). */
import type { Container, Volume, VolumeDevice, VolumeMount } from '../../generated/types/core.v1.ts';
import { at, child, forbidden, invalid, notFound, notSupported, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { backstepErrors, localPathErrors } from './localPaths.ts';

/** Valid volumes by name: mounts of others are not found. */
export type Volumes = ReadonlyMap<string, Volume>;

const PROPAGATIONS = ['Bidirectional', 'HostToContainer', 'None'];
const RECURSIVE = ['Disabled', 'Enabled', 'IfPossible'];

function propagationErrors(mount: VolumeMount, privileged: boolean, path: string): FieldError[] {
  const { mountPropagation } = mount;
  if (mountPropagation === undefined) return [];
  const errors = PROPAGATIONS.includes(mountPropagation) ? [] : [notSupported(path, mountPropagation, PROPAGATIONS)];
  if (mountPropagation === 'Bidirectional' && !privileged)
    errors.push(forbidden(path, 'Bidirectional mount propagation is available only to privileged containers'));
  return errors;
}

function recursiveErrors(mount: VolumeMount, path: string): FieldError[] {
  const { recursiveReadOnly, mountPropagation } = mount;
  if (recursiveReadOnly === undefined || recursiveReadOnly === 'Disabled') return [];
  if (!RECURSIVE.includes(recursiveReadOnly)) return [notSupported(path, recursiveReadOnly, RECURSIVE)];
  const errors: FieldError[] = [];
  if (!mount.readOnly) errors.push(forbidden(path, 'may only be specified when readOnly is true'));
  if (mountPropagation !== undefined && mountPropagation !== 'None')
    errors.push(forbidden(path, 'may only be specified when mountPropagation is None or not specified'));
  return errors;
}

/** `path` of the list: upstream says faults of subPath and the like of the list, not of the entry. */
export function validateMounts(container: Container, volumes: Volumes, path: string, errors: FieldError[]): void {
  const mounts = container.volumeMounts ?? [];
  const devices = container.volumeDevices ?? [];
  const privileged = container.securityContext?.privileged === true;
  const taken = new Set<string>();
  for (let i = 0; i < mounts.length; i++) {
    const mount = mounts[i];
    if (!mount) continue;
    const here = at(path, i);
    const { name = '', mountPath = '', subPath, subPathExpr } = mount;
    if (name === '') errors.push(required(child(here, 'name')));
    if (!volumes.has(name)) errors.push(notFound(child(here, 'name'), name));
    if (mountPath === '') errors.push(required(child(here, 'mountPath')));
    if (taken.has(mountPath)) errors.push(invalid(child(here, 'mountPath'), mountPath, 'must be unique'));
    taken.add(mountPath);
    if (devices.some(d => d.name === name))
      errors.push(invalid(child(here, 'name'), name, 'must not already exist in volumeDevices'));
    if (devices.some(d => d.devicePath === mountPath))
      errors.push(invalid(child(here, 'mountPath'), mountPath, 'must not already exist as a path in volumeDevices'));
    if (subPath) errors.push(...localPathErrors(subPath, child(path, 'subPath')));
    if (subPathExpr) {
      if (subPath)
        errors.push(invalid(child(here, 'subPathExpr'), subPathExpr, 'subPathExpr and subPath are mutually exclusive'));
      errors.push(...localPathErrors(subPathExpr, child(path, 'subPathExpr')));
    }
    if (mount.mountPropagation !== undefined)
      errors.push(...propagationErrors(mount, privileged, child(path, 'mountPropagation')));
    if (mount.recursiveReadOnly !== undefined) errors.push(...recursiveErrors(mount, child(path, 'recursiveReadOnly')));
  }
}

/** Volumes as block devices: claims, and nothing else. */
export function validateDevices(
  devices: readonly VolumeDevice[],
  mounts: readonly VolumeMount[],
  volumes: Volumes,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  const [names, paths] = [new Set<string>(), new Set<string>()];
  for (const [i, { name = '', devicePath = '' }] of devices.entries()) {
    const here = at(path, i);
    const [nameField, pathField] = [child(here, 'name'), child(here, 'devicePath')];
    const volume = volumes.get(name);
    if (name === '') errors.push(required(nameField));
    if (names.has(name)) errors.push(invalid(nameField, name, 'must be unique'));
    if (volume && !volume.persistentVolumeClaim && !volume.ephemeral)
      errors.push(
        invalid(
          nameField,
          name,
          'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode',
        ),
      );
    if (!volume) errors.push(notFound(nameField, name));
    if (devicePath === '') errors.push(required(pathField));
    if (paths.has(devicePath)) errors.push(invalid(pathField, devicePath, 'must be unique'));
    if (backstepErrors(devicePath, pathField).length > 0)
      errors.push(invalid(pathField, devicePath, "can not contain backsteps ('..')"));
    else paths.add(devicePath);
    if (mounts.some(m => m.name === name))
      errors.push(invalid(nameField, name, 'must not already exist in volumeMounts'));
    if (mounts.some(m => m.mountPath === devicePath))
      errors.push(invalid(pathField, devicePath, 'must not already exist as a path in volumeMounts'));
    if (name !== '') names.add(name);
  }
  return errors;
}

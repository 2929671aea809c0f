/** Validation of a pod's volumes (upstream: `ValidateVolumes`). */
import type { KeyToPath, Volume } from '../../generated/types/core.v1.ts';
import { configMapKeyErrors, dns1123LabelErrors } from '../../names.ts';
import { parseQuantity } from '../../quantity.ts';
import { at, child, duplicate, forbidden, invalid, invalidEach, notSupported, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';

const FILE_MODE_TEXT = 'must be a number between 0 and 0777 (octal), both inclusive';
const HOST_PATH_TYPES = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];

/** Paths that stay inside the volume. */
export function localPathErrors(path: string, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (path.startsWith('/')) errors.push(invalid(field, path, 'must be a relative path'));
  if (path.split('/').includes('..')) errors.push(invalid(field, path, "must not contain '..'"));
  return errors;
}

function modeErrors(mode: number | undefined, field: string): FieldError[] {
  return mode !== undefined && (mode < 0 || mode > 0o777) ? [invalid(field, mode, FILE_MODE_TEXT)] : [];
}

function itemErrors(items: readonly KeyToPath[] | undefined, path: string): FieldError[] {
  return (items ?? []).flatMap((item, i) => {
    const here = at(child(path, 'items'), i);
    const errors: FieldError[] = [];
    if (!item.key) errors.push(required(child(here, 'key')));
    else errors.push(...invalidEach(child(here, 'key'), item.key, configMapKeyErrors(item.key)));
    if (!item.path) errors.push(required(child(here, 'path')));
    else {
      errors.push(...localPathErrors(item.path, child(here, 'path')));
      if (item.path.startsWith('..') && !item.path.startsWith('../'))
        errors.push(invalid(child(here, 'path'), item.path, "must not start with '..'"));
    }
    return [...errors, ...modeErrors(item.mode, child(here, 'mode'))];
  });
}

function sourceErrors(volume: Volume, path: string): FieldError[] {
  const { hostPath, emptyDir, secret, configMap, persistentVolumeClaim, downwardAPI, projected, nfs } = volume;
  const errors: FieldError[] = [];
  if (hostPath) {
    const here = child(path, 'hostPath');
    if (!hostPath.path) errors.push(required(child(here, 'path')));
    else if (hostPath.path.split('/').includes('..'))
      errors.push(invalid(child(here, 'path'), hostPath.path, "must not contain '..'"));
    if (!HOST_PATH_TYPES.includes(hostPath.type ?? ''))
      errors.push(notSupported(child(here, 'type'), hostPath.type, HOST_PATH_TYPES));
  }
  if (emptyDir?.sizeLimit !== undefined && parseQuantity(emptyDir.sizeLimit).nanos < 0n)
    errors.push(
      forbidden(child(child(path, 'emptyDir'), 'sizeLimit'), 'SizeLimit field must be a valid resource quantity'),
    );
  if (secret) {
    const here = child(path, 'secret');
    if (!secret.secretName) errors.push(required(child(here, 'secretName')));
    errors.push(...modeErrors(secret.defaultMode, child(here, 'defaultMode')), ...itemErrors(secret.items, here));
  }
  if (configMap) {
    const here = child(path, 'configMap');
    if (!configMap.name) errors.push(required(child(here, 'name')));
    errors.push(...modeErrors(configMap.defaultMode, child(here, 'defaultMode')), ...itemErrors(configMap.items, here));
  }
  if (persistentVolumeClaim && !persistentVolumeClaim.claimName)
    errors.push(required(child(child(path, 'persistentVolumeClaim'), 'claimName')));
  if (downwardAPI)
    errors.push(...modeErrors(downwardAPI.defaultMode, child(child(path, 'downwardAPI'), 'defaultMode')));
  for (const [i, source] of (projected?.sources ?? []).entries()) {
    const here = at(child(child(path, 'projected'), 'sources'), i);
    const kinds = Object.keys(source);
    if (kinds.length > 1) errors.push(forbidden(here, 'may not specify more than 1 volume type per source'));
    if (source.secret) {
      if (!source.secret.name) errors.push(required(child(child(here, 'secret'), 'name')));
      errors.push(...itemErrors(source.secret.items, child(here, 'secret')));
    }
    if (source.configMap) {
      if (!source.configMap.name) errors.push(required(child(child(here, 'configMap'), 'name')));
      errors.push(...itemErrors(source.configMap.items, child(here, 'configMap')));
    }
    const token = source.serviceAccountToken;
    if (token && (token.expirationSeconds ?? 3600) < 600)
      errors.push(
        invalid(
          child(child(here, 'serviceAccountToken'), 'expirationSeconds'),
          token.expirationSeconds,
          'may not specify a duration less than 10 minutes',
        ),
      );
    if (token && !token.path) errors.push(required(child(child(here, 'serviceAccountToken'), 'path')));
  }
  if (nfs) {
    const here = child(path, 'nfs');
    if (!nfs.server) errors.push(required(child(here, 'server')));
    if (!nfs.path) errors.push(required(child(here, 'path')));
    else if (!nfs.path.startsWith('/')) errors.push(invalid(child(here, 'path'), nfs.path, 'must be an absolute path'));
  }
  return errors;
}

export function validateVolumes(volumes: readonly Volume[] | undefined, path: string): FieldError[] {
  const seen = new Set<string>();
  return (volumes ?? []).flatMap((volume, i) => {
    const here = at(path, i);
    const sources = Object.keys(volume).filter(key => key !== 'name');
    const errors: FieldError[] = [];
    if (sources.length === 0) errors.push(required(here, 'must specify a volume type'));
    for (const source of sources.slice(1))
      errors.push(forbidden(child(here, source), 'may not specify more than 1 volume type'));
    errors.push(...sourceErrors(volume, here));
    if (!volume.name) errors.push(required(child(here, 'name')));
    else {
      errors.push(...invalidEach(child(here, 'name'), volume.name, dns1123LabelErrors(volume.name)));
      if (seen.has(volume.name)) errors.push(duplicate(child(here, 'name'), volume.name));
    }
    seen.add(volume.name);
    return errors;
  });
}

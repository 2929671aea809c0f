/** Validation of a pod's volumes (upstream: `ValidateVolumes`). */
import type {
  EphemeralVolumeSource,
  KeyToPath,
  PersistentVolumeClaimTemplate,
  Volume,
} from '../../generated/types/core.v1.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors } from '../../names.ts';
import { parseQuantity } from '../../quantity.ts';
import { at, child, duplicate, forbidden, invalid, invalidEach, notSupported, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { validateAnnotations, validateLabels } from '../objectMeta.ts';
import { validateClaimSpec } from './claimValidation.ts';
import type { Volumes } from './mountValidation.ts';
import { projectionErrors } from './projectedVolumes.ts';
import { downwardFileErrors, keyToPathErrors, modeErrors } from './volumeFiles.ts';
import { secondSource, sourceErrors } from './volumeSources.ts';

const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];

const itemErrors = (items: readonly KeyToPath[] | undefined, path: string): FieldError[] =>
  (items ?? []).flatMap((item, i) => keyToPathErrors(item, at(child(path, 'items'), i)));

function templateErrors({ metadata = {}, spec }: PersistentVolumeClaimTemplate, path: string): FieldError[] {
  const here = child(path, 'metadata');
  return [
    ...validateAnnotations(metadata.annotations, child(here, 'annotations')),
    ...validateLabels(metadata.labels, child(here, 'labels')),
    ...Object.keys(metadata)
      .filter(field => field !== 'annotations' && field !== 'labels' && field !== 'creationTimestamp')
      .map(field => forbidden(child(here, field), 'cannot be set')),
    ...validateClaimSpec(spec, child(path, 'spec')),
  ];
}

function ephemeralErrors(source: EphemeralVolumeSource, volume: Volume, pod: string, path: string): FieldError[] {
  const here = child(child(path, 'ephemeral'), 'volumeClaimTemplate');
  const errors = source.volumeClaimTemplate ? templateErrors(source.volumeClaimTemplate, here) : [required(here)];
  if (pod === '' || !volume.name) return errors;
  const claim = `${pod}-${volume.name}`;
  for (const text of dns1123SubdomainErrors(claim))
    errors.push(invalid(child(path, 'name'), volume.name, `PVC name ${JSON.stringify(claim)}: ${text}`));
  return errors;
}

/** Of the sources that every cluster has. `undefined`: another. */
function ownSourceErrors(kind: string, volume: Volume, pod: string, path: string): FieldError[] | undefined {
  const here = child(path, kind);
  switch (kind) {
    case 'emptyDir': {
      const size = volume.emptyDir?.sizeLimit;
      return size !== undefined && parseQuantity(size).nanos < 0n
        ? [forbidden(child(here, 'sizeLimit'), 'SizeLimit field must be a valid resource quantity')]
        : [];
    }
    case 'secret':
      return [
        ...(volume.secret?.secretName ? [] : [required(child(here, 'secretName'))]),
        ...modeErrors(volume.secret?.defaultMode, child(here, 'defaultMode')),
        ...itemErrors(volume.secret?.items, here),
      ];
    case 'configMap':
      return [
        ...(volume.configMap?.name ? [] : [required(child(here, 'name'))]),
        ...modeErrors(volume.configMap?.defaultMode, child(here, 'defaultMode')),
        ...itemErrors(volume.configMap?.items, here),
      ];
    case 'persistentVolumeClaim':
      return volume.persistentVolumeClaim?.claimName ? [] : [required(child(here, 'claimName'))];
    case 'downwardAPI':
      return [
        ...modeErrors(volume.downwardAPI?.defaultMode, child(here, 'defaultMode')),
        ...(volume.downwardAPI?.items ?? []).flatMap(file => downwardFileErrors(file, here)),
      ];
    case 'projected':
      return volume.projected ? projectionErrors(volume.projected, here) : [];
    case 'ephemeral':
      return volume.ephemeral ? ephemeralErrors(volume.ephemeral, volume, pod, path) : [];
    case 'image': {
      const { reference = '', pullPolicy = '' } = volume.image ?? {};
      const errors = reference === '' ? [required(child(here, 'reference'))] : [];
      if (pullPolicy === '') errors.push(required(child(here, 'pullPolicy')));
      else if (!PULL_POLICIES.includes(pullPolicy))
        errors.push(notSupported(child(here, 'pullPolicy'), pullPolicy, PULL_POLICIES));
      return errors;
    }
    default:
      return undefined;
  }
}

function volumeErrors(volume: Volume, pod: string, path: string): FieldError[] {
  const errors: FieldError[] = [];
  let sources = 0;
  for (const kind in volume) {
    if (kind === 'name') continue;
    if (sources++ > 0) {
      errors.push(secondSource(kind, path));
      continue;
    }
    const own = ownSourceErrors(kind, volume, pod, path);
    const found =
      own ?? sourceErrors(kind, volume[kind as keyof Volume], path, { name: volume.name, persistent: false });
    if (found) errors.push(...found);
  }
  if (sources === 0) errors.push(required(path, 'must specify a volume type'));
  return errors;
}

/**
 * @param pod name of the pod, empty in a template.
 * @returns the valid volumes by name.
 */
export function validateVolumes(
  volumes: readonly Volume[] | undefined,
  pod: string,
  path: string,
  errors: FieldError[],
): Volumes {
  const valid = new Map<string, Volume>();
  if (!volumes) return valid;
  const claims = new Set(pod === '' ? [] : volumes.filter(v => v.ephemeral).map(v => `${pod}-${v.name}`));
  for (const [i, volume] of volumes.entries()) {
    const here = at(path, i);
    const wrong = volumeErrors(volume, pod, here);
    const { name = '' } = volume;
    if (name === '') wrong.push(required(child(here, 'name')));
    else wrong.push(...invalidEach(child(here, 'name'), name, dns1123LabelErrors(name)));
    if (valid.has(name)) wrong.push(duplicate(child(here, 'name'), name));
    if (wrong.length === 0) valid.set(name, volume);
    else errors.push(...wrong);
    const claim = volume.persistentVolumeClaim?.claimName ?? '';
    if (claims.has(claim))
      errors.push(
        invalid(
          child(child(here, 'persistentVolumeClaim'), 'claimName'),
          claim,
          'must not reference a PVC that gets created for an ephemeral volume',
        ),
      );
  }
  return valid;
}

/** Validation of projected volumes: several sources in one directory, no two files in one place (upstream: `validateProjectionSources`). */
import type {
  ClusterTrustBundleProjection,
  PodCertificateProjection,
  ProjectedVolumeSource,
  ServiceAccountTokenProjection,
  VolumeProjection,
} from '../../generated/types/core.v1.ts';
import { dns1123SubdomainErrors, pathSegmentErrors } from '../../names.ts';
import { at, child, forbidden, invalid, invalidEach, notSupported, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { validateLabelSelector } from '../objectMeta.ts';
import { filePathErrors } from './localPaths.ts';
import { downwardFileErrors, keyToPathErrors, modeErrors } from './volumeFiles.ts';

const KEY_TYPES = ['RSA3072', 'RSA4096', 'ECDSAP256', 'ECDSAP384', 'ECDSAP521', 'ED25519'];
/** 91 days; of Kubernetes' own signers, one. */
const MAX_SECONDS = 7862400;
const MAX_KUBERNETES_SECONDS = 86400;

/** `path` is the volume's: upstream says faults of a token's path there. */
function tokenErrors(token: ServiceAccountTokenProjection, here: string, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const field = child(here, 'expirationSeconds');
  const { expirationSeconds: seconds } = token;
  if (seconds === undefined) errors.push(required(field));
  else {
    if (seconds < 600) errors.push(invalid(field, seconds, 'may not specify a duration less than 10 minutes'));
    if (seconds > 2 ** 32) errors.push(invalid(field, seconds, 'may not specify a duration larger than 2^32 seconds'));
  }
  if (!token.path) errors.push(required(child(path, 'path')));
  else errors.push(...filePathErrors(token.path, child(path, 'path')));
  return errors;
}

/** `example.com/name`; upstream's `ValidateSignerName`. */
function signerErrors(name: string, path: string): FieldError[] {
  if (name === '') return [required(path)];
  const segments = name.split('/');
  if (segments.length !== 2)
    return [invalid(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")];
  const [domain = '', rest = ''] = segments;
  const errors = invalidEach(path, domain, dns1123SubdomainErrors(domain));
  if (domain.split('.').length < 2)
    errors.push(invalid(path, domain, 'should be a domain with at least two segments separated by dots'));
  return [...errors, ...invalidEach(path, rest, dns1123SubdomainErrors(rest))];
}

function bundleErrors(bundle: ClusterTrustBundleProjection, path: string): FieldError[] {
  const { name, signerName, labelSelector } = bundle;
  const errors: FieldError[] = [];
  if (name !== undefined && signerName !== undefined)
    errors.push(invalid(path, bundle, 'only one of name and signerName may be used'));
  else if (name !== undefined) {
    if (name === '') errors.push(required(child(path, 'name'), 'must be a valid object name'));
    for (const text of pathSegmentErrors(name))
      errors.push(invalid(child(path, 'name'), name, `not a valid clustertrustbundlename: ${text}`));
    if (labelSelector)
      errors.push(
        invalid(child(path, 'labelSelector'), labelSelector, 'labelSelector must be unset if name is specified'),
      );
  } else if (signerName !== undefined) {
    if (signerName === '') errors.push(required(child(path, 'signerName'), 'must be a valid signer name'));
    errors.push(...signerErrors(signerName, child(path, 'signerName')));
    errors.push(...validateLabelSelector(labelSelector, child(path, 'labelSelector')));
  } else errors.push(required(path, 'either name or signerName must be specified'));
  if (!bundle.path) errors.push(required(child(path, 'path')));
  else errors.push(...filePathErrors(bundle.path, child(path, 'path')));
  return errors;
}

function certificateErrors(certificate: PodCertificateProjection, path: string): FieldError[] {
  const { signerName = '', keyType = '', maxExpirationSeconds: seconds } = certificate;
  const errors = signerErrors(signerName, child(path, 'signerName'));
  if (!KEY_TYPES.includes(keyType)) errors.push(notSupported(child(path, 'keyType'), keyType, KEY_TYPES));
  if (seconds !== undefined) {
    const field = child(path, 'maxExpirationSeconds');
    if (seconds < 3600) errors.push(invalid(field, seconds, 'if provided, maxExpirationSeconds must be >= 3600'));
    const max = /^(.*\.)?kubernetes\.io\//.test(signerName) ? MAX_KUBERNETES_SECONDS : MAX_SECONDS;
    if (seconds > max) errors.push(invalid(field, seconds, `if provided, maxExpirationSeconds must be <= ${max}`));
  }
  const paths = ['credentialBundlePath', 'keyPath', 'certificateChainPath'] as const;
  for (const field of paths) {
    const file = certificate[field];
    if (file) errors.push(...filePathErrors(file, child(path, field)));
  }
  if (!paths.some(field => certificate[field]))
    errors.push(required(path, 'specify at least one of credentialBundlePath, keyPath, and certificateChainPath'));
  return errors;
}

/** Files that a source says it makes, each with the value upstream shows when another has made it before. */
function filesOf(source: VolumeProjection): (readonly [path: string, shown: string])[] {
  const { secret, configMap, downwardAPI, clusterTrustBundle: bundle, podCertificate: certificate } = source;
  const files: [string, string][] = [];
  for (const item of secret?.items ?? []) files.push([item.path, secret?.name ?? '']);
  for (const item of configMap?.items ?? []) files.push([item.path, configMap?.name ?? '']);
  for (const item of downwardAPI?.items ?? []) files.push([item.path, item.path]);
  if (bundle?.path) files.push([bundle.path, bundle.path]);
  if (certificate)
    for (const field of ['credentialBundlePath', 'keyPath', 'certificateChainPath'] as const) {
      const file = certificate[field];
      if (file) files.push([file, file]);
    }
  return files;
}

function oneErrors(source: VolumeProjection, here: string, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const kind of ['secret', 'configMap'] as const) {
    const keyed = source[kind];
    if (!keyed) continue;
    const inside = child(here, kind);
    if (!keyed.name) errors.push(required(child(inside, 'name')));
    for (const [i, item] of (keyed.items ?? []).entries())
      errors.push(...keyToPathErrors(item, at(child(inside, 'items'), i)));
  }
  for (const file of source.downwardAPI?.items ?? [])
    errors.push(...downwardFileErrors(file, child(here, 'downwardAPI')));
  if (source.serviceAccountToken)
    errors.push(...tokenErrors(source.serviceAccountToken, child(here, 'serviceAccountToken'), path));
  if (source.clusterTrustBundle)
    errors.push(...bundleErrors(source.clusterTrustBundle, child(here, 'clusterTrustBundle')));
  if (source.podCertificate) errors.push(...certificateErrors(source.podCertificate, child(here, 'podCertificate')));
  return errors;
}

export function projectionErrors(projected: ProjectedVolumeSource, path: string): FieldError[] {
  const errors = modeErrors(projected.defaultMode, child(path, 'defaultMode'));
  const taken = new Set<string>();
  for (const [i, source] of (projected.sources ?? []).entries()) {
    const here = at(child(path, 'sources'), i);
    errors.push(...oneErrors(source, here, path));
    for (const [file, shown] of filesOf(source)) {
      if (!file) continue;
      if (taken.has(file)) errors.push(invalid(path, shown, 'conflicting duplicate paths'));
      taken.add(file);
    }
    if (Object.keys(source).length > 1)
      errors.push(forbidden(here, 'may not specify more than 1 volume type per source'));
  }
  return errors;
}

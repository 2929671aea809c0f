/** ResourceClaims, their templates and DeviceClasses (upstream: `pkg/apis/resource/validation`). */
import type { DeviceClass, ResourceClaim, ResourceClaimTemplate } from '../../generated/types/resource.v1.ts';
import { ageColumn, column } from '../columns.ts';
import { isExtendedResource } from '../core/resourceValidation.ts';
import { defineKind } from '../define.ts';
import { immutable, invalid } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { validateAnnotations, validateLabels } from '../objectMeta.ts';
import { claimSpecErrors, configurationErrors, defaultClaimSpec, selectorErrors } from './claimSpec.ts';
import { claimStatusErrors } from './claimStatus.ts';
import { listErrors } from './sets.ts';

const group = 'resource.k8s.io';
const version = 'v1';

function stateText({ metadata, status }: ResourceClaim): string {
  const words = [
    ...(metadata.deletionTimestamp === undefined ? [] : ['deleted']),
    ...(status?.allocation ? ['allocated'] : []),
    ...(status?.reservedFor?.length ? ['reserved'] : []),
  ];
  const waits = !status?.allocation && metadata.deletionTimestamp === undefined;
  return waits ? [...words, 'pending'].join(',') : words.join(',');
}

export const resourceClaim = defineKind<ResourceClaim>({
  group,
  version,
  kind: 'ResourceClaim',
  columns: [
    column('State', 'string', 'A summary of the current state (allocated, pending, reserved, etc.).', stateText),
    ageColumn,
  ],
  defaults: ({ spec }) => defaultClaimSpec(spec),
  prepareForCreate: object => {
    delete object.status;
  },
  prepareForUpdate: () => undefined,
  validate: ({ spec }) => claimSpecErrors(spec, 'spec'),
  validateUpdateAlone: true,
  validateUpdate: (object, old) => immutable('spec', object.spec, old.spec),
  validateStatusUpdate: claimStatusErrors,
});

export const resourceClaimTemplate = defineKind<ResourceClaimTemplate>({
  group,
  version,
  kind: 'ResourceClaimTemplate',
  defaults: ({ spec }) => defaultClaimSpec(spec?.spec),
  prepareForCreate: () => undefined,
  prepareForUpdate: () => undefined,
  validate: ({ spec }) => [
    ...validateAnnotations(spec?.metadata?.annotations, 'spec.metadata.annotations'),
    ...validateLabels(spec?.metadata?.labels, 'spec.metadata.labels'),
    ...claimSpecErrors(spec?.spec, 'spec.spec'),
  ],
  validateUpdateAlone: true,
  validateUpdate: (object, old) => immutable('spec', object.spec, old.spec),
});

const MAX = 32;

function extendedNameErrors(name: string | undefined): FieldError[] {
  return name === undefined || isExtendedResource(name)
    ? []
    : [invalid('spec.extendedResourceName', name, 'must be a valid extended resource name')];
}

export const deviceClass = defineKind<DeviceClass>({
  group,
  version,
  kind: 'DeviceClass',
  validate: ({ spec }) => [
    ...selectorErrors(spec?.selectors, 'spec'),
    ...listErrors(spec?.config, MAX, configurationErrors, 'spec.config'),
    ...extendedNameErrors(spec?.extendedResourceName),
  ],
});

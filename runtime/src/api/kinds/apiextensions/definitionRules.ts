/**
 * Whether a CustomResourceDefinition is one (upstream's `ValidateCustomResourceDefinition` and `…Update`).
 *
 * What all versions say alike upstream moves out of them before it validates, so errors name `spec.validation`,
 * `spec.subresources`, `spec.additionalPrinterColumns` and `spec.selectableFields` then; people search for these texts.
 */
import type {
  CustomResourceConversion,
  CustomResourceDefinition,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
} from '../../generated/types/apiextensions-apiserver.pkg.apis.apiextensions.v1.ts';
import { dns1035LabelErrors, dns1123SubdomainErrors } from '../../names.ts';
import { sameJson } from '../../structural/model.ts';
import { someSchema } from '../../structural/schemas.ts';
import { at, child, forbidden, immutable, invalid, keyed, notSupported, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { namesErrors } from './definitionNames.ts';
import {
  columnErrors,
  deprecationErrors,
  selectableFieldErrors,
  subresourceErrors,
  validationErrors,
} from './definitionVersions.ts';

export const APPROVED_ANNOTATION = 'api-approved.kubernetes.io';

export function definitionErrors(definition: CustomResourceDefinition): FieldError[] {
  return [
    ...specErrors(definition.spec, undefined),
    ...statusErrors(definition),
    ...storedVersionsErrors(definition),
    ...approvalErrors(definition, undefined),
    ...preserveErrors(definition, undefined),
  ];
}

export function definitionUpdateErrors(
  definition: CustomResourceDefinition,
  old: CustomResourceDefinition,
): FieldError[] {
  const { spec } = definition;
  const errors = specErrors(spec, old.spec);
  if (isEstablished(old)) {
    errors.push(...immutable('spec.scope', spec.scope, old.spec.scope));
    errors.push(...immutable('spec.names.kind', spec.names?.kind, old.spec.names.kind));
  }
  errors.push(...immutable('spec.group', spec.group, old.spec.group));
  errors.push(...immutable('spec.names.plural', spec.names?.plural, old.spec.names.plural));
  return [
    ...errors,
    ...statusErrors(definition),
    ...storedVersionsErrors(definition),
    ...approvalErrors(definition, old),
    ...preserveErrors(definition, old),
  ];
}

const isEstablished = ({ status }: CustomResourceDefinition): boolean =>
  status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') ?? false;

type PerVersion = 'schema' | 'subresources' | 'additionalPrinterColumns' | 'selectableFields';

/** Whether every version says the same. */
function isShared(versions: readonly CustomResourceDefinitionVersion[], field: PerVersion): boolean {
  return versions.every(version => sameJson(version[field], versions[0]?.[field]));
}

function specErrors(spec: CustomResourceDefinitionSpec, old: CustomResourceDefinitionSpec | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const versions = spec.versions ?? [];
  const [first] = versions;
  errors.push(...groupErrors(spec.group ?? ''));
  if (!spec.scope) errors.push(required('spec.scope'));
  else if (spec.scope !== 'Cluster' && spec.scope !== 'Namespaced')
    errors.push(notSupported('spec.scope', spec.scope, ['Cluster', 'Namespaced']));

  const schemaShared = isShared(versions, 'schema');
  const subresourcesShared = isShared(versions, 'subresources');
  const columnsShared = isShared(versions, 'additionalPrinterColumns');
  const fieldsShared = isShared(versions, 'selectableFields');
  for (const [i, version] of versions.entries()) {
    if (!version.schema?.openAPIV3Schema) errors.push(required(`${at('spec.versions', i)}.schema.openAPIV3Schema`));
  }
  const hasDefaults = versions.some(({ schema }) =>
    someSchema(schema?.openAPIV3Schema, one => one.default !== undefined),
  );
  if (hasDefaults && spec.preserveUnknownFields)
    errors.push(invalid('spec.preserveUnknownFields', true, 'must be false in order to use defaults in the schema'));
  for (const [i, version] of versions.entries()) {
    const path = at('spec.versions', i);
    const faults = dns1035LabelErrors(version.name ?? '');
    if (faults.length > 0) errors.push(invalid(child(path, 'name'), version.name ?? '', faults.join(',')));
    errors.push(...deprecationErrors(version, path));
    const hasStatus = version.subresources?.status !== undefined;
    if (!schemaShared) errors.push(...validationErrors(version.schema, hasStatus, child(path, 'schema')));
    if (!subresourcesShared) errors.push(...subresourceErrors(version.subresources, child(path, 'subresources')));
    if (!columnsShared) errors.push(...columnsErrors(version, child(path, 'additionalPrinterColumns')));
    if (!fieldsShared) errors.push(...fieldsErrors(version, child(path, 'selectableFields'), old));
  }
  errors.push(...versionsErrors(versions));
  errors.push(...requiredNames(spec), ...namesErrors(spec.names ?? {}, 'spec.names'));
  if (first) {
    const hasStatus = versions.some(({ subresources }) => subresources?.status !== undefined);
    if (schemaShared) errors.push(...validationErrors(first.schema, hasStatus, 'spec.validation'));
    if (subresourcesShared) errors.push(...subresourceErrors(first.subresources, 'spec.subresources'));
    if (columnsShared) errors.push(...columnsErrors(first, 'spec.additionalPrinterColumns'));
    if (fieldsShared) errors.push(...fieldsErrors(first, 'spec.selectableFields', old));
  }
  errors.push(...conversionErrors(spec.conversion));
  return errors;
}

const columnsErrors = (version: CustomResourceDefinitionVersion, path: string): FieldError[] =>
  (version.additionalPrinterColumns ?? []).flatMap((column, i) => columnErrors(column, at(path, i)));

function fieldsErrors(
  version: CustomResourceDefinitionVersion,
  path: string,
  old: CustomResourceDefinitionSpec | undefined,
): FieldError[] {
  const { selectableFields = [] } = version;
  if (selectableFields.length === 0) return [];
  const before = old?.versions.find(({ name }) => name === version.name)?.selectableFields;
  return selectableFieldErrors(selectableFields, version.schema, path, sameJson(selectableFields, before));
}

function groupErrors(group: string): FieldError[] {
  if (group === '') return [required('spec.group')];
  const faults = dns1123SubdomainErrors(group);
  if (faults.length > 0) return [invalid('spec.group', group, faults.join(','))];
  return group.includes('.') ? [] : [invalid('spec.group', group, 'should be a domain with at least one dot')];
}

function versionsErrors(versions: readonly CustomResourceDefinitionVersion[]): FieldError[] {
  const errors: FieldError[] = [];
  // The schemas would fill screens.
  const shown = versions.map(({ name, served, storage }) => ({ name, served, storage }));
  if (new Set(versions.map(({ name }) => name)).size !== versions.length)
    errors.push(invalid('spec.versions', shown, 'must contain unique version names'));
  if (versions.filter(({ storage }) => storage).length !== 1)
    errors.push(invalid('spec.versions', shown, 'must have exactly one version marked as storage version'));
  return errors;
}

function requiredNames({ names }: CustomResourceDefinitionSpec): FieldError[] {
  return (['plural', 'singular', 'kind', 'listKind'] as const)
    .filter(field => !names?.[field])
    .map(field => required(child('spec.names', field)));
}

function conversionErrors(conversion: CustomResourceConversion | undefined): FieldError[] {
  if (!conversion) return [];
  const path = 'spec.conversion';
  const { strategy, webhook } = conversion;
  if (!strategy) return [required(child(path, 'strategy'))];
  if (strategy === 'Webhook') {
    const why =
      'conversion webhooks are not available yet; use None, with which versions differ in their apiVersion only';
    return [invalid(child(path, 'strategy'), strategy, why)];
  }
  if (strategy !== 'None') return [notSupported(child(path, 'strategy'), strategy, ['None', 'Webhook'])];
  const errors: FieldError[] = [];
  const why = 'should not be set when strategy is not set to Webhook';
  if (webhook?.clientConfig) errors.push(forbidden(child(path, 'webhookClientConfig'), why));
  if (webhook?.conversionReviewVersions?.length) errors.push(forbidden(child(path, 'conversionReviewVersions'), why));
  return errors;
}

export const statusErrors = ({ status }: CustomResourceDefinition): FieldError[] =>
  namesErrors(status?.acceptedNames ?? {}, 'status.acceptedNames');

function storedVersionsErrors({ spec, status }: CustomResourceDefinition): FieldError[] {
  const path = 'status.storedVersions';
  const stored = status?.storedVersions ?? [];
  if (stored.length === 0) return [invalid(path, stored, 'must have at least one stored version')];
  const errors: FieldError[] = [];
  const names = (spec.versions ?? []).map(({ name }) => name);
  for (const { name, storage } of spec.versions ?? []) {
    if (storage && !stored.includes(name)) errors.push(invalid(path, stored, `must have the storage version ${name}`));
  }
  for (const [i, name] of stored.entries()) {
    if (names.includes(name)) continue;
    const why = `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`;
    errors.push(invalid(at(path, i), name, why));
  }
  return errors;
}

/** `k8s.io` and `kubernetes.io` belong to the community (https://github.com/kubernetes/enhancements/pull/1111). */
export const isProtectedGroup = (group: string): boolean => /(^|\.)(k8s|kubernetes)\.io$/.test(group);

export type Approval = 'missing' | 'bypassed' | 'approved' | 'invalid';

export function approvalOf({ metadata }: CustomResourceDefinition): Approval {
  const said = metadata.annotations?.[APPROVED_ANNOTATION] ?? '';
  if (said === '') return 'missing';
  if (said.startsWith('unapproved')) return 'bypassed';
  return /^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+/i.test(said) ? 'approved' : 'invalid';
}

export const PULL_REQUEST = 'https://github.com/kubernetes/enhancements/pull/1111';

function approvalErrors(definition: CustomResourceDefinition, old: CustomResourceDefinition | undefined): FieldError[] {
  if (!isProtectedGroup(definition.spec.group ?? '')) return [];
  const approval = approvalOf(definition);
  if (old && approvalOf(old) === approval) return [];
  const path = keyed('metadata.annotations', APPROVED_ANNOTATION);
  const needed = `protected groups must have approval annotation "${APPROVED_ANNOTATION}"`;
  if (approval === 'missing') return [required(path, `${needed}, see ${PULL_REQUEST}`)];
  if (approval !== 'invalid') return [];
  const why = `${needed} with either a URL or a reason starting with "unapproved", see ${PULL_REQUEST}`;
  return [invalid(path, definition.metadata.annotations?.[APPROVED_ANNOTATION], why)];
}

function preserveErrors(definition: CustomResourceDefinition, old: CustomResourceDefinition | undefined): FieldError[] {
  if (old?.spec.preserveUnknownFields || !definition.spec.preserveUnknownFields) return [];
  const why = 'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead';
  return [invalid('spec.preserveUnknownFields', true, why)];
}

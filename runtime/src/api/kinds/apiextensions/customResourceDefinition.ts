/** CustomResourceDefinitions: new kinds, described by their users (upstream's `registry/customresourcedefinition`). */
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionSpec,
} from '../../generated/types/apiextensions-apiserver.pkg.apis.apiextensions.v1.ts';
import { dns1123SubdomainErrors } from '../../names.ts';
import { isCheckedFormat } from '../../structural/formats.ts';
import { sameJson } from '../../structural/model.ts';
import { everySchema, someSchema } from '../../structural/schemas.ts';
import { formatTime } from '../../times.ts';
import { column } from '../columns.ts';
import { defineKind } from '../define.ts';
import type { FieldError } from '../kind.ts';
import { definitionErrors, definitionUpdateErrors, statusErrors } from './definitionRules.ts';

/** Its objects go before it does. */
const CLEANUP = 'customresourcecleanup.apiextensions.k8s.io';

function fillDefaults({ names, conversion }: CustomResourceDefinitionSpec): void {
  if (names?.kind) {
    names.singular ||= names.kind.toLowerCase();
    names.listKind ||= `${names.kind}List`;
  }
  const { service } = conversion?.webhook?.clientConfig ?? {};
  if (service) service.port ??= 443;
}

const storageOf = ({ versions }: CustomResourceDefinitionSpec): string | undefined =>
  versions?.find(({ storage }) => storage)?.name;

/** In place: the version objects are written in from now on is one that is stored. */
function addStoredVersion(definition: CustomResourceDefinition): void {
  const storage = storageOf(definition.spec);
  const { storedVersions = [] } = definition.status ?? {};
  if (storage === undefined || storedVersions.includes(storage)) return;
  definition.status = { ...definition.status, storedVersions: [...storedVersions, storage] };
}

/** The name says what it defines; there is no other. */
function nameFieldErrors({ metadata, spec }: CustomResourceDefinition): FieldError[] {
  if (metadata.name === `${spec.names?.plural ?? ''}.${spec.group ?? ''}`) return [];
  const message = `Invalid value: ${JSON.stringify(metadata.name ?? '')}: must be spec.names.plural+"."+spec.group`;
  return [{ type: 'FieldValueInvalid', field: 'metadata.name', message }];
}

function unknownFormats({ versions }: CustomResourceDefinitionSpec): Set<string> {
  const found = new Set<string>();
  for (const { schema } of versions ?? []) {
    if (!schema?.openAPIV3Schema) continue;
    for (const { type = '', format = '' } of everySchema(schema.openAPIV3Schema))
      if (format !== '' && !isCheckedFormat(type, format)) found.add(format);
  }
  return found;
}

const hasRules = ({ versions }: CustomResourceDefinitionSpec): boolean =>
  versions?.some(({ schema }) =>
    someSchema(schema?.openAPIV3Schema, one => (one['x-kubernetes-validations']?.length ?? 0) > 0),
  ) ?? false;

function warnings({ spec }: CustomResourceDefinition, old?: CustomResourceDefinition): string[] {
  const before = old ? unknownFormats(old.spec) : new Set<string>();
  const texts = [...unknownFormats(spec)]
    .filter(format => !before.has(format))
    .map(format => `unrecognized format ${JSON.stringify(format)}`);
  if (hasRules(spec) && !(old && hasRules(old.spec) && sameJson(spec, old.spec)))
    texts.push('x-kubernetes-validations: the rules are stored and published, but not enforced yet');
  return texts;
}

export const customResourceDefinition = defineKind<CustomResourceDefinition>({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  columns: [column('Created At', 'date', 'When this object was created.', o => o.metadata.creationTimestamp ?? null)],
  nameErrors: dns1123SubdomainErrors,
  defaults: definition => {
    // Without a spec there is nothing to fill in; validation says what is missing.
    definition.spec ??= { group: '', names: { plural: '', kind: '' }, scope: '', versions: [] };
    definition.spec.conversion ??= { strategy: 'None' };
    fillDefaults(definition.spec);
    if (!definition.status?.storedVersions?.length) addStoredVersion(definition);
  },
  prepareForCreate: definition => {
    definition.metadata.generation = 1;
    delete definition.status;
    addStoredVersion(definition);
  },
  prepareForUpdate: (definition, old) => {
    if (old.status === undefined) delete definition.status;
    else definition.status = old.status;
    const { generation = 1 } = old.metadata;
    definition.metadata.generation = sameJson(definition.spec, old.spec) ? generation : generation + 1;
    addStoredVersion(definition);
  },
  prepareForDelete: (definition, nowMs) => {
    const { metadata } = definition;
    const finalizers = metadata.finalizers ?? [];
    if (!finalizers.includes(CLEANUP)) metadata.finalizers = [...finalizers, CLEANUP];
    const others = (definition.status?.conditions ?? []).filter(({ type }) => type !== 'Terminating');
    const condition = {
      type: 'Terminating',
      status: 'True',
      lastTransitionTime: formatTime(Math.floor(nowMs / 1000)),
      reason: 'InstanceDeletionPending',
      message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
    };
    definition.status = { ...definition.status, conditions: [...others, condition] };
  },
  validate: definition => [...nameFieldErrors(definition), ...definitionErrors(definition)],
  requiresRevision: true,
  validateUpdateAlone: true,
  validateUpdate: definitionUpdateErrors,
  validateStatusUpdate: statusErrors,
  warnings,
});

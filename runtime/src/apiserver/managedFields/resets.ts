/**
 * What a write through one endpoint cannot change, and so cannot come to own (upstream: `rest.ResetFieldsStrategy` of each
 * resource; KEP-555, "Status wiping").
 */
import {
  type FieldSet,
  fieldPath,
  matching,
  recursiveDifference,
  type SetPattern,
  setOf,
} from '../../api/apply/fieldSet.ts';
import type { ResourceInfo } from '../../api/resources.ts';

export type Reset = (set: FieldSet) => FieldSet;

function without(...paths: readonly string[][]): Reset {
  const excluded = setOf(...paths);
  return set => recursiveDifference(set, excluded);
}

const only =
  (pattern: SetPattern): Reset =>
  set =>
    matching(set, pattern);

const anyContainer = { '*': { 'f:resources': {}, 'f:resizePolicy': {} } };
const STATUS = fieldPath('status');
const SPEC = fieldPath('spec');

/** By `<group>/<kind>/<subresource>`, where it is not the rule. */
const ofKind: Readonly<Record<string, Reset>> = {
  'apps/Deployment/status': without(SPEC, fieldPath('metadata', 'labels')),
  '/Pod/status': without(SPEC, fieldPath('metadata', 'deletionTimestamp'), fieldPath('metadata', 'ownerReferences')),
  '/Pod/ephemeralcontainers': only({ 'f:spec': { 'f:ephemeralContainers': {} } }),
  '/Pod/resize': only({ 'f:spec': { 'f:containers': anyContainer, 'f:initContainers': anyContainer } }),
  'apiextensions.k8s.io/CustomResourceDefinition/status': without(SPEC, fieldPath('metadata')),
  'certificates.k8s.io/CertificateSigningRequest/approval': without(SPEC, fieldPath('status', 'certificate')),
  'certificates.k8s.io/CertificateSigningRequest/status': without(SPEC, fieldPath('status', 'conditions')),
};

const ofObject = without(STATUS);
const ofStatus = without(SPEC);
const nothing: Reset = set => set;

export function resetOf(resource: Pick<ResourceInfo, 'group' | 'kind' | 'subresources'>, subresource: string): Reset {
  if (subresource === '') return resource.subresources.some(sub => sub.name === 'status') ? ofObject : nothing;
  return ofKind[`${resource.group}/${resource.kind}/${subresource}`] ?? (subresource === 'status' ? ofStatus : nothing);
}

/** Writing the number of replicas through `scale` is writing that field of the object. */
export const onlyPath = (path: readonly string[]): Reset =>
  only(path.reduceRight<SetPattern>((inner, name) => ({ [`f:${name}`]: inner }), {}));

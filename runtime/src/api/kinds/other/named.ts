/** Kinds that so far bring only their names and tables; their rules come with the half of the API that uses them. */
import type {
  MutatingWebhookConfiguration,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
} from '../../generated/types/admissionregistration.v1.ts';
import type { CustomResourceDefinition } from '../../generated/types/apiextensions-apiserver.pkg.apis.apiextensions.v1.ts';
import type { CertificateSigningRequest } from '../../generated/types/certificates.v1.ts';
import type { ComponentStatus, PodTemplate } from '../../generated/types/core.v1.ts';
import type { FlowSchema, PriorityLevelConfiguration } from '../../generated/types/flowcontrol.v1.ts';
import type { APIService } from '../../generated/types/kube-aggregator.pkg.apis.apiregistration.v1.ts';
import type {
  DeviceClass,
  ResourceClaim,
  ResourceClaimTemplate,
  ResourceSlice,
} from '../../generated/types/resource.v1.ts';
import { ageColumn, column, containerColumns, humanDuration, selectorText } from '../columns.ts';
import { defaultPodSpec } from '../core/podDefaults.ts';
import { defineKind } from '../define.ts';
import type { KindModule } from '../kind.ts';

const version = 'v1';
const EXTENSIONS = 'apiextensions.k8s.io';
const ADMISSION = 'admissionregistration.k8s.io';
const RESOURCE = 'resource.k8s.io';

function csrCondition({ status }: CertificateSigningRequest): string {
  const types = (status?.conditions ?? []).map(c => c.type as string);
  const words = [
    types.includes('Denied') ? 'Denied' : types.includes('Approved') ? 'Approved' : 'Pending',
    ...(types.includes('Failed') ? ['Failed'] : []),
    ...(status?.certificate ? ['Issued'] : []),
  ];
  return words.join(',');
}

const healthy = (o: ComponentStatus) => o.conditions?.find(c => c.type === 'Healthy');

export const namedKinds: readonly KindModule[] = [
  defineKind<PodTemplate>({
    group: '',
    version,
    kind: 'PodTemplate',
    columns: [
      ...containerColumns<PodTemplate>(o => o.template).map(c => ({ ...c, priority: 0 })),
      column('Pod Labels', 'string', 'Labels of the template.', o => selectorText(o.template?.metadata?.labels)),
      ageColumn,
    ],
    defaults: o => defaultPodSpec(o.template?.spec),
  }),
  defineKind<ComponentStatus>({
    group: '',
    version,
    kind: 'ComponentStatus',
    shortNames: ['cs'],
    columns: [
      column('Status', 'string', 'Status of the component conditions', o =>
        healthy(o)?.status === 'True' ? 'Healthy' : 'Unhealthy',
      ),
      column('Message', 'string', 'Message of the component conditions', o => healthy(o)?.message ?? ''),
      column('Error', 'string', 'Error of the component conditions', o => healthy(o)?.error ?? ''),
    ],
  }),
  defineKind<CertificateSigningRequest>({
    group: 'certificates.k8s.io',
    version,
    kind: 'CertificateSigningRequest',
    shortNames: ['csr'],
    selectableFieldNames: ['spec.signerName'],
    selectableFields: o => ({ 'spec.signerName': o.spec?.signerName ?? '' }),
    columns: [
      ageColumn,
      column('SignerName', 'string', 'Who is asked to sign.', o => o.spec?.signerName ?? '<none>'),
      column('Requestor', 'string', 'Who asks.', o => o.spec?.username ?? ''),
      column('RequestedDuration', 'string', 'How long the certificate is to be valid.', o =>
        o.spec?.expirationSeconds === undefined ? '<none>' : humanDuration(o.spec.expirationSeconds * 1000),
      ),
      column('Condition', 'string', 'What became of the request.', csrCondition),
    ],
  }),
  defineKind<CustomResourceDefinition>({
    group: EXTENSIONS,
    version,
    kind: 'CustomResourceDefinition',
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    columns: [column('Created At', 'date', 'When this object was created.', o => o.metadata.creationTimestamp ?? null)],
  }),
  defineKind<APIService>({
    group: 'apiregistration.k8s.io',
    version,
    kind: 'APIService',
    categories: ['api-extensions'],
    columns: [
      column('Service', 'string', 'The service that serves the version.', o =>
        o.spec?.service ? `${o.spec.service.namespace ?? ''}/${o.spec.service.name ?? ''}` : 'Local',
      ),
      column('Available', 'string', 'Whether the service is available.', o => {
        const condition = o.status?.conditions?.find(c => c.type === 'Available');
        if (!condition) return 'Unknown';
        return condition.status === 'True' ? 'True' : `${condition.status} (${condition.reason ?? ''})`;
      }),
      ageColumn,
    ],
  }),
  defineKind<ValidatingWebhookConfiguration>({
    group: ADMISSION,
    version,
    kind: 'ValidatingWebhookConfiguration',
    categories: ['api-extensions'],
    columns: [
      column('Webhooks', 'integer', 'Webhooks in this configuration.', o => o.webhooks?.length ?? 0),
      ageColumn,
    ],
  }),
  defineKind<MutatingWebhookConfiguration>({
    group: ADMISSION,
    version,
    kind: 'MutatingWebhookConfiguration',
    categories: ['api-extensions'],
    columns: [
      column('Webhooks', 'integer', 'Webhooks in this configuration.', o => o.webhooks?.length ?? 0),
      ageColumn,
    ],
  }),
  defineKind<ValidatingAdmissionPolicy>({
    group: ADMISSION,
    version,
    kind: 'ValidatingAdmissionPolicy',
    categories: ['api-extensions'],
    columns: [
      column('Validations', 'integer', 'Validations of the policy.', o => o.spec?.validations?.length ?? 0),
      column('ParamKind', 'string', 'The kind of the parameters.', o =>
        o.spec?.paramKind ? `${o.spec.paramKind.apiVersion}/${o.spec.paramKind.kind}` : '<unset>',
      ),
      ageColumn,
    ],
  }),
  defineKind<ValidatingAdmissionPolicyBinding>({
    group: ADMISSION,
    version,
    kind: 'ValidatingAdmissionPolicyBinding',
    categories: ['api-extensions'],
    columns: [
      column('PolicyName', 'string', 'The policy that is bound.', o => o.spec?.policyName ?? ''),
      column('ParamRef', 'string', 'The parameters it is bound with.', o => {
        const ref = o.spec?.paramRef;
        return ref ? `${ref.namespace ?? '*'}/${ref.name ?? '*'}` : '<unset>';
      }),
      ageColumn,
    ],
  }),
  ...['MutatingAdmissionPolicy', 'MutatingAdmissionPolicyBinding'].map(kind =>
    defineKind({ group: ADMISSION, version, kind, categories: ['api-extensions'] }),
  ),
  defineKind<FlowSchema>({
    group: 'flowcontrol.apiserver.k8s.io',
    version,
    kind: 'FlowSchema',
    columns: [
      column(
        'PriorityLevel',
        'string',
        'The level requests of this schema get.',
        o => o.spec?.priorityLevelConfiguration?.name ?? '<none>',
      ),
      column('MatchingPrecedence', 'integer', 'Lower comes first.', o => o.spec?.matchingPrecedence ?? 0),
      column(
        'DistinguisherMethod',
        'string',
        'How flows are told apart.',
        o => o.spec?.distinguisherMethod?.type ?? '<none>',
      ),
      ageColumn,
    ],
    defaults: ({ spec }) => {
      if (spec && !spec.matchingPrecedence) spec.matchingPrecedence = 1000;
    },
  }),
  defineKind<PriorityLevelConfiguration>({
    group: 'flowcontrol.apiserver.k8s.io',
    version,
    kind: 'PriorityLevelConfiguration',
    columns: [
      column('Type', 'string', 'Whether this level is limited.', o => o.spec?.type ?? ''),
      column('NominalConcurrencyShares', 'string', 'Its part of the whole.', o =>
        String(o.spec?.limited?.nominalConcurrencyShares ?? '<none>'),
      ),
      ageColumn,
    ],
  }),
  defineKind<ResourceClaim>({
    group: RESOURCE,
    version,
    kind: 'ResourceClaim',
    columns: [
      column('State', 'string', 'What has become of the claim.', ({ metadata, status }) => {
        const words = [
          ...(metadata.deletionTimestamp === undefined ? [] : ['deleted']),
          ...(status?.allocation ? ['allocated'] : []),
          ...(status?.reservedFor?.length ? ['reserved'] : []),
        ];
        return words.length === 0 ? 'pending' : words.join(',');
      }),
      ageColumn,
    ],
  }),
  defineKind<ResourceClaimTemplate>({ group: RESOURCE, version, kind: 'ResourceClaimTemplate' }),
  defineKind<DeviceClass>({ group: RESOURCE, version, kind: 'DeviceClass' }),
  defineKind<ResourceSlice>({
    group: RESOURCE,
    version,
    kind: 'ResourceSlice',
    selectableFieldNames: ['spec.nodeName', 'spec.driver'],
    selectableFields: o => ({ 'spec.nodeName': o.spec?.nodeName ?? '', 'spec.driver': o.spec?.driver ?? '' }),
    columns: [
      column('Node', 'string', 'The node with the devices.', o => o.spec?.nodeName ?? '<unset>'),
      column('Driver', 'string', 'Who publishes them.', o => o.spec?.driver ?? ''),
      column('Pool', 'string', 'The pool they belong to.', o => o.spec?.pool?.name ?? ''),
      ageColumn,
    ],
  }),
];

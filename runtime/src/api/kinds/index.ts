/** The kinds that have something of their own, by group and kind. */

import { mutatingAdmissionPolicyBinding, validatingAdmissionPolicyBinding } from './admissionregistration/bindings.ts';
import { mutatingAdmissionPolicy, validatingAdmissionPolicy } from './admissionregistration/policies.ts';
import { mutatingWebhookConfiguration, validatingWebhookConfiguration } from './admissionregistration/webhooks.ts';
import { customResourceDefinition } from './apiextensions/customResourceDefinition.ts';
import { apiService } from './apiregistration/apiService.ts';
import { controllerRevision } from './apps/controllerRevision.ts';
import { daemonSet } from './apps/daemonSet.ts';
import { deployment } from './apps/deployment.ts';
import { replicaSet } from './apps/replicaSet.ts';
import { statefulSet } from './apps/statefulSet.ts';
import { horizontalPodAutoscaler, horizontalPodAutoscalerV1 } from './autoscaling/horizontalPodAutoscaler.ts';
import { cronJob } from './batch/cronJob.ts';
import { job } from './batch/job.ts';
import { certificateSigningRequest } from './certificates/certificateSigningRequest.ts';
import { lease } from './coordination/lease.ts';
import { componentStatus } from './core/componentStatus.ts';
import { configMap, secret } from './core/data.ts';
import { endpoints } from './core/endpoints.ts';
import { coreEvent } from './core/event.ts';
import { limitRange } from './core/limitRange.ts';
import { namespace } from './core/namespace.ts';
import { node } from './core/node.ts';
import { persistentVolume } from './core/persistentVolume.ts';
import { persistentVolumeClaim } from './core/persistentVolumeClaim.ts';
import { pod } from './core/pod.ts';
import { podTemplate } from './core/podTemplate.ts';
import { resourceQuota } from './core/quota.ts';
import { replicationController } from './core/replicationController.ts';
import { service } from './core/service.ts';
import { serviceAccount } from './core/serviceAccount.ts';
import { endpointSlice } from './discovery/endpointSlice.ts';
import { newEvent } from './events/event.ts';
import { flowSchema } from './flowcontrol/flowSchema.ts';
import { priorityLevelConfiguration } from './flowcontrol/priorityLevel.ts';
import type { KindModule } from './kind.ts';
import { ipAddress, serviceCidr } from './networking/addresses.ts';
import { ingress } from './networking/ingress.ts';
import { ingressClass } from './networking/ingressClass.ts';
import { networkPolicy } from './networking/networkPolicy.ts';
import { runtimeClass } from './node/runtimeClass.ts';
import { podDisruptionBudget } from './policy/podDisruptionBudget.ts';
import { clusterRole, clusterRoleBinding, role, roleBinding } from './rbac/rbac.ts';
import { deviceClass, resourceClaim, resourceClaimTemplate } from './resource/claims.ts';
import { resourceSlice } from './resource/slice.ts';
import { priorityClass } from './scheduling/priorityClass.ts';
import { csiDriver, csiNode, csiStorageCapacity } from './storage/csi.ts';
import { storageClass, volumeAttributesClass } from './storage/storageClass.ts';
import { volumeAttachment } from './storage/volumeAttachment.ts';

const modules: readonly KindModule[] = [
  componentStatus,
  configMap,
  coreEvent,
  endpoints,
  limitRange,
  namespace,
  node,
  persistentVolume,
  persistentVolumeClaim,
  pod,
  podTemplate,
  replicationController,
  resourceQuota,
  secret,
  service,
  serviceAccount,
  customResourceDefinition,
  controllerRevision,
  daemonSet,
  deployment,
  replicaSet,
  statefulSet,
  horizontalPodAutoscaler,
  horizontalPodAutoscalerV1,
  cronJob,
  job,
  lease,
  endpointSlice,
  newEvent,
  ingress,
  ingressClass,
  ipAddress,
  networkPolicy,
  serviceCidr,
  runtimeClass,
  podDisruptionBudget,
  clusterRole,
  clusterRoleBinding,
  role,
  roleBinding,
  priorityClass,
  csiDriver,
  csiNode,
  csiStorageCapacity,
  storageClass,
  volumeAttachment,
  volumeAttributesClass,
  deviceClass,
  resourceClaim,
  resourceClaimTemplate,
  resourceSlice,
  mutatingAdmissionPolicy,
  mutatingAdmissionPolicyBinding,
  mutatingWebhookConfiguration,
  validatingAdmissionPolicy,
  validatingAdmissionPolicyBinding,
  validatingWebhookConfiguration,
  apiService,
  certificateSigningRequest,
  flowSchema,
  priorityLevelConfiguration,
];

const byName = new Map<string, KindModule>();
for (const module of modules) {
  byName.set(`${module.group}/${module.kind}/${module.version}`, module);
  byName.set(`${module.group}/${module.kind}`, byName.get(`${module.group}/${module.kind}`) ?? module);
}

/** The module of a kind, of that version where one is asked for. `undefined`: everything about the kind is generic. */
export function kindModule(group: string, kind: string, version?: string): KindModule | undefined {
  return byName.get(version === undefined ? `${group}/${kind}` : `${group}/${kind}/${version}`);
}

/**
 * What the API server itself says of itself in objects, as upstream's does at its start: its own group-versions as APIServices, the levels
 * and schemas of flow control, the range its services have. Made when missing; people's changes to them are left alone.
 */
import {
  mandatoryFlowSchemas,
  mandatoryPriorityLevels,
  suggestedFlowSchemas,
  suggestedPriorityLevels,
} from '../api/kinds/flowcontrol/mandatory.ts';
import type { KubeObject } from '../api/object.ts';
import { resources } from '../api/resources.ts';

/** How groups rank (upstream: `apiVersionPriorities` of the control plane); those of custom resources come last. */
const GROUP_PRIORITIES: Readonly<Record<string, number>> = {
  '': 18_000,
  apps: 17_800,
  'events.k8s.io': 17_750,
  'authentication.k8s.io': 17_700,
  'authorization.k8s.io': 17_600,
  autoscaling: 17_500,
  batch: 17_400,
  'certificates.k8s.io': 17_300,
  'networking.k8s.io': 17_200,
  policy: 17_100,
  'rbac.authorization.k8s.io': 17_000,
  'storage.k8s.io': 16_800,
  'apiextensions.k8s.io': 16_700,
  'admissionregistration.k8s.io': 16_700,
  'scheduling.k8s.io': 16_600,
  'coordination.k8s.io': 16_500,
  'node.k8s.io': 16_300,
  'discovery.k8s.io': 16_200,
  'flowcontrol.apiserver.k8s.io': 16_100,
  'resource.k8s.io': 15_900,
};
const VERSION_PRIORITIES: Readonly<Record<string, number>> = {
  '/v1': 1,
  'autoscaling/v2': 30,
  'flowcontrol.apiserver.k8s.io/v1': 21,
};
/** Its own group is the aggregator's, which is asked for nothing else. */
const AGGREGATOR = 'apiregistration.k8s.io';

export const AUTO_MANAGED = 'kube-aggregator.kubernetes.io/automanaged';

function apiServices(): KubeObject[] {
  const groupVersions = new Map(resources.map(({ group, version }) => [`${version}.${group}`, { group, version }]));
  return [...groupVersions]
    .filter(([, { group }]) => group !== AGGREGATOR)
    .map(([name, { group, version }]) => ({
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name, labels: { [AUTO_MANAGED]: 'onstart' } },
      spec: {
        ...(group === '' ? {} : { group }),
        version,
        groupPriorityMinimum: GROUP_PRIORITIES[group] ?? 1000,
        versionPriority: VERSION_PRIORITIES[`${group}/${version}`] ?? 15,
      },
    }));
}

function flowControl(kind: string, specs: Readonly<Record<string, object>>): KubeObject[] {
  return Object.entries(specs).map(([name, spec]) => ({
    apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
    kind,
    metadata: { name, annotations: { 'apf.kubernetes.io/autoupdate-spec': 'true' } },
    spec: structuredClone(spec),
  }));
}

export interface OwnObject {
  readonly group: string;
  readonly resource: string;
  readonly object: KubeObject;
  /** Written to `/status` after the object has been made. */
  readonly status?: object;
}

/** @param serviceCidr `10.43.0.0/16`. @param time RFC 3339. */
export function ownObjects(serviceCidr: string, time: string): OwnObject[] {
  const flowcontrol = 'flowcontrol.apiserver.k8s.io';
  const of = (group: string, resource: string, objects: KubeObject[]): OwnObject[] =>
    objects.map(object => ({ group, resource, object }));
  const schemas = { ...mandatoryFlowSchemas, ...suggestedFlowSchemas };
  return [
    ...of('apiregistration.k8s.io', 'apiservices', apiServices()),
    ...of(
      flowcontrol,
      'prioritylevelconfigurations',
      flowControl('PriorityLevelConfiguration', { ...mandatoryPriorityLevels, ...suggestedPriorityLevels }),
    ),
    ...of(flowcontrol, 'flowschemas', flowControl('FlowSchema', schemas)),
    {
      group: 'networking.k8s.io',
      resource: 'servicecidrs',
      object: {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'ServiceCIDR',
        metadata: { name: 'kubernetes', finalizers: ['networking.k8s.io/service-cidr-finalizer'] },
        spec: { cidrs: [serviceCidr] },
      },
      status: {
        conditions: [
          {
            type: 'Ready',
            status: 'True',
            lastTransitionTime: time,
            reason: '',
            message: 'Kubernetes default Service CIDR is ready',
          },
        ],
      },
    },
  ];
}

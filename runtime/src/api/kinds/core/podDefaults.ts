/** Defaults of pods and of pod templates (upstream: `SetObjectDefaults_Pod`, `SetDefaults_PodSpec`, `SetDefaults_Container`…). */
import type { Container, EnvVar, Lifecycle, Pod, PodSpec, Probe, Volume } from '../../generated/types/core.v1.ts';
import { setDefault } from '../define.ts';
import { defaultClaimSpec } from './claimDefaults.ts';
import { aggregateResources } from './podResources.ts';

const FILE_MODE = 0o644;

/** The tag of an image reference; `latest` where it names none, empty where a digest pins it. */
export function imageTag(image: string): string {
  if (image.includes('@')) return '';
  const name = image.slice(image.lastIndexOf('/') + 1);
  const colon = name.indexOf(':');
  return colon < 0 ? 'latest' : name.slice(colon + 1);
}

function defaultHttpGet(get: { path?: string | undefined; scheme?: string | undefined } | undefined): void {
  if (!get) return;
  if (!get.path) get.path = '/';
  if (!get.scheme) get.scheme = 'HTTP';
}

function defaultProbe(probe: Probe | undefined): void {
  if (!probe) return;
  if (!probe.timeoutSeconds) probe.timeoutSeconds = 1;
  if (!probe.periodSeconds) probe.periodSeconds = 10;
  if (!probe.successThreshold) probe.successThreshold = 1;
  if (!probe.failureThreshold) probe.failureThreshold = 3;
  defaultHttpGet(probe.httpGet);
  if (probe.grpc) setDefault(probe.grpc, 'service', '');
}

function defaultLifecycle(lifecycle: Lifecycle | undefined): void {
  defaultHttpGet(lifecycle?.postStart?.httpGet);
  defaultHttpGet(lifecycle?.preStop?.httpGet);
}

function defaultEnv(env: EnvVar): void {
  if (env.valueFrom?.fieldRef) setDefault(env.valueFrom.fieldRef, 'apiVersion', 'v1');
  if (env.valueFrom?.fileKeyRef) setDefault(env.valueFrom.fileKeyRef, 'optional', false);
}

function defaultContainer(container: Container): void {
  setDefault(container, 'resources', {});
  for (const port of container.ports ?? []) if (!port.protocol) port.protocol = 'TCP';
  container.env?.forEach(defaultEnv);
  defaultProbe(container.livenessProbe);
  defaultProbe(container.readinessProbe);
  defaultProbe(container.startupProbe);
  defaultLifecycle(container.lifecycle);
  if (!container.terminationMessagePath) container.terminationMessagePath = '/dev/termination-log';
  if (!container.terminationMessagePolicy) container.terminationMessagePolicy = 'File';
  if (!container.imagePullPolicy)
    container.imagePullPolicy = imageTag(container.image ?? '') === 'latest' ? 'Always' : 'IfNotPresent';
}

function defaultVolume(volume: Volume): void {
  const { secret, configMap, downwardAPI, projected, hostPath, iscsi, rbd, scaleIO, azureDisk, ephemeral } = volume;
  if (Object.keys(volume).every(key => key === 'name')) volume.emptyDir = {};
  if (secret) setDefault(secret, 'defaultMode', FILE_MODE);
  if (configMap) setDefault(configMap, 'defaultMode', FILE_MODE);
  if (downwardAPI) setDefault(downwardAPI, 'defaultMode', FILE_MODE);
  for (const item of downwardAPI?.items ?? []) if (item.fieldRef) setDefault(item.fieldRef, 'apiVersion', 'v1');
  if (hostPath) setDefault(hostPath, 'type', '');
  if (projected) {
    setDefault(projected, 'defaultMode', FILE_MODE);
    for (const source of projected.sources ?? []) {
      for (const item of source.downwardAPI?.items ?? [])
        if (item.fieldRef) setDefault(item.fieldRef, 'apiVersion', 'v1');
      if (source.serviceAccountToken) setDefault(source.serviceAccountToken, 'expirationSeconds', 3600);
    }
  }
  if (iscsi && !iscsi.iscsiInterface) iscsi.iscsiInterface = 'default';
  if (rbd) {
    if (!rbd.pool) rbd.pool = 'rbd';
    if (!rbd.user) rbd.user = 'admin';
    if (!rbd.keyring) rbd.keyring = '/etc/ceph/keyring';
  }
  if (scaleIO) {
    if (!scaleIO.storageMode) scaleIO.storageMode = 'ThinProvisioned';
    if (!scaleIO.fsType) scaleIO.fsType = 'xfs';
  }
  if (azureDisk) {
    setDefault(azureDisk, 'cachingMode', 'ReadWrite');
    setDefault(azureDisk, 'kind', 'Shared');
    setDefault(azureDisk, 'fsType', 'ext4');
    setDefault(azureDisk, 'readOnly', false);
  }
  if (ephemeral?.volumeClaimTemplate) defaultClaimSpec(ephemeral.volumeClaimTemplate.spec);
  if (volume.image && !volume.image.pullPolicy)
    volume.image.pullPolicy = imageTag(volume.image.reference ?? '') === 'latest' ? 'Always' : 'IfNotPresent';
}

const everyContainer = (spec: PodSpec): Container[] => [...(spec.initContainers ?? []), ...(spec.containers ?? [])];

/** Everything a pod template gets; a pod gets {@link defaultPod} besides. */
export function defaultPodSpec(spec: PodSpec | undefined): void {
  if (!spec) return;
  if (!spec.dnsPolicy) spec.dnsPolicy = 'ClusterFirst';
  if (!spec.restartPolicy) spec.restartPolicy = 'Always';
  setDefault(spec, 'securityContext', {});
  setDefault(spec, 'terminationGracePeriodSeconds', 30);
  if (!spec.schedulerName) spec.schedulerName = 'default-scheduler';
  // The deprecated name of the field is kept in step.
  if (!spec.serviceAccountName && spec.serviceAccount) spec.serviceAccountName = spec.serviceAccount;
  if (spec.serviceAccountName) spec.serviceAccount = spec.serviceAccountName;
  spec.volumes?.forEach(defaultVolume);
  everyContainer(spec).forEach(defaultContainer);
  for (const container of spec.ephemeralContainers ?? []) defaultContainer(container as Container);
}

/** What limits say and requests do not, requests get. */
function defaultRequests(holder: Pick<Container, 'resources'>): void {
  const { resources } = holder;
  if (!resources?.limits) return;
  resources.requests = { ...resources.limits, ...resources.requests };
}

/** Pod-level requests that nobody said: the sum of the containers', or else the limit (KEP-2837). */
function defaultPodRequests(spec: PodSpec): void {
  const { limits = {}, requests = {} } = spec.resources ?? {};
  if (Object.keys(limits).length + Object.keys(requests).length === 0) return;
  const all = { ...requests };
  for (const [name, sum] of Object.entries(aggregateResources(spec, 'requests')))
    if (name === 'cpu' || name === 'memory') all[name] ??= sum;
  for (const [name, limit] of Object.entries(limits))
    if (name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')) all[name] ??= limit;
  if (Object.keys(all).length > 0) spec.resources = { ...spec.resources, requests: all };
}

export function defaultPod(pod: Pod): void {
  const { spec } = pod;
  if (!spec) return;
  defaultPodSpec(spec);
  everyContainer(spec).forEach(defaultRequests);
  if (spec.resources) defaultPodRequests(spec);
  setDefault(spec, 'enableServiceLinks', true);
  // Templates leave it unsaid: their pods are pods of their own.
  if (!spec.hostNetwork) return;
  for (const port of everyContainer(spec).flatMap(c => c.ports ?? []))
    if (!port.hostPort) port.hostPort = port.containerPort;
}

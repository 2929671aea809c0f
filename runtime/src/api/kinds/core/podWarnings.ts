/** What people should know of a pod that is valid all the same (upstream: `pkg/api/pod.GetWarningsForPodTemplate`, `pkg/api/node`). */
import type {
  Container,
  ContainerPort,
  HostAlias,
  LocalObjectReference,
  NodeSelectorTerm,
  PodAffinityTerm,
  PodSpec,
  Volume,
  VolumeProjection,
} from '../../generated/types/core.v1.ts';
import { labelValueErrors } from '../../names.ts';
import { parseQuantity } from '../../quantity.ts';
import { ipWarnings } from '../ipErrors.ts';
import { claimWarnings } from './claimWarnings.ts';
import { APPARMOR_CONTAINER, SECCOMP_CONTAINER, SECCOMP_POD } from './podAnnotations.ts';
import { eachContainer } from './podOs.ts';

interface Meta {
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

const DEPRECATED_LABELS: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
};
const DEPRECATED_ANNOTATIONS: readonly (readonly [key: string, text: string])[] = [
  ['scheduler.alpha.kubernetes.io/critical-pod', 'non-functional in v1.16+; use the "priorityClassName" field instead'],
  ['security.alpha.kubernetes.io/sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
  ['security.alpha.kubernetes.io/unsafe-sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
];
/** Fields of volumes, with upstream's spelling of the path. */
const DEPRECATED_VOLUMES: readonly (readonly [field: keyof Volume, shown: string, text: string])[] = [
  ['photonPersistentDisk', 'photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['gitRepo', 'gitRepo', 'deprecated in v1.11, and disabled by default in v1.33+'],
  ['scaleIO', 'scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['flocker', 'flocker', 'deprecated in v1.22, non-functional in v1.25+'],
  ['storageos', 'storageOS', 'deprecated in v1.22, non-functional in v1.25+'],
  ['quobyte', 'quobyte', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['cephfs', 'cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['rbd', 'rbd', 'deprecated in v1.28, non-functional in v1.31+'],
];
/** Compared with each other; more are sorted first. */
const FEW_PATHS = 8;
const NO_MATCH = 'a null labelSelector results in matching no pod';
const HARD = 'requiredDuringSchedulingIgnoredDuringExecution';
const SOFT = 'preferredDuringSchedulingIgnoredDuringExecution';
const HIDES = 'which may be dropped when using apply';

/** Also for the node selectors of volumes and classes. */
export function nodeTermWarnings(term: NodeSelectorTerm, path: string): string[] {
  return (term.matchExpressions ?? []).flatMap(({ key, values }, i) => {
    const here = `${path}.matchExpressions[${i}]`;
    const deprecated = DEPRECATED_LABELS[key];
    return [
      ...(deprecated === undefined ? [] : [`${here}.key: ${key} is ${deprecated}`]),
      ...(values ?? []).flatMap((value, j) =>
        labelValueErrors(value).map(fault => `${here}.values[${j}]: ${value} is invalid, ${fault}`),
      ),
    ];
  });
}

function placementWarnings(spec: PodSpec, path: string, warnings: string[]): void {
  if (!spec.nodeSelector && !spec.affinity && !spec.topologySpreadConstraints) return;
  for (const key of Object.keys(spec.nodeSelector ?? {})) {
    const deprecated = DEPRECATED_LABELS[key];
    if (deprecated !== undefined) warnings.push(`${path}.nodeSelector[${key}]: ${deprecated}`);
  }
  const node = spec.affinity?.nodeAffinity;
  for (const [i, term] of (node?.[HARD]?.nodeSelectorTerms ?? []).entries())
    warnings.push(...nodeTermWarnings(term, `${path}.affinity.nodeAffinity.${HARD}.nodeSelectorTerms[${i}]`));
  for (const [i, { preference }] of (node?.[SOFT] ?? []).entries())
    warnings.push(...nodeTermWarnings(preference, `${path}.affinity.nodeAffinity.${SOFT}[${i}].preference`));
  for (const [i, { topologyKey, labelSelector }] of (spec.topologySpreadConstraints ?? []).entries()) {
    const here = `${path}.topologySpreadConstraints[${i}]`;
    const deprecated = DEPRECATED_LABELS[topologyKey];
    if (deprecated !== undefined) warnings.push(`${here}.topologyKey: ${topologyKey} is ${deprecated}`);
    if (!labelSelector) warnings.push(`${here}.labelSelector: ${NO_MATCH}`);
  }
}

function affinityWarnings(spec: PodSpec, path: string, warnings: string[]): void {
  for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
    const here = `${path}.affinity.${kind}`;
    const check = (term: PodAffinityTerm | undefined, field: string): void => {
      if (!term?.labelSelector) warnings.push(`${field}.labelSelector: ${NO_MATCH}`);
    };
    for (const [i, term] of (spec.affinity?.[kind]?.[HARD] ?? []).entries()) check(term, `${here}.${HARD}[${i}]`);
    for (const [i, term] of (spec.affinity?.[kind]?.[SOFT] ?? []).entries())
      check(term.podAffinityTerm, `${here}.${SOFT}[${i}].podAffinityTerm`);
  }
}

/** Of most volumes there is nothing to say: few paths, of which none begins as another does. */
const mayOverlap = (paths: readonly string[]): boolean =>
  paths.length > FEW_PATHS ||
  paths.some((path, i) => paths.some((other, j) => i !== j && path.startsWith(other.replace(/\/+$/, ''))));

/** A path that is, or lies in, another. */
function overlapWarnings(paths: readonly string[], words: () => string): string[] {
  if (paths.length < 2) return [];
  const seen: string[] = [];
  return paths.flatMap(path => {
    const clean = path.replace(/\/+$/, '');
    const other = clean === '' ? undefined : seen.find(p => `${p}/`.startsWith(clean) || `${clean}/`.startsWith(p));
    if (clean !== '' && !seen.includes(clean)) seen.push(clean);
    return other === undefined ? [] : [`${words()}: ${JSON.stringify(clean)} with ${JSON.stringify(other)}`];
  });
}

const paths = (items: readonly { readonly path: string }[]): string[] => items.map(item => item.path);

/** The files a source makes that it names. */
function filesOf(source: VolumeProjection): string[] {
  const { configMap, secret, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate } = source;
  const items = configMap?.items ?? secret?.items ?? downwardAPI?.items;
  if (items) return paths(items);
  if (serviceAccountToken) return [serviceAccountToken.path];
  if (clusterTrustBundle) return [clusterTrustBundle.path];
  if (!podCertificate) return [];
  const files = [podCertificate.credentialBundlePath, podCertificate.keyPath, podCertificate.certificateChainPath];
  return files.filter((file): file is string => Boolean(file));
}

function overlapWords(source: VolumeProjection, volume: string): string {
  const { configMap, secret, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate } = source;
  const words = (what: string, name?: string): string =>
    `volume ${JSON.stringify(volume)} (Projected ${what}${name === undefined ? '' : ` ${JSON.stringify(name)}`}): overlapping paths`;
  if (configMap?.items) return words('ConfigMap', configMap.name ?? '');
  if (secret?.items) return words('Secret', secret.name ?? '');
  if (downwardAPI?.items) return words('DownwardAPI');
  if (serviceAccountToken) return words('ServiceAccountToken');
  if (clusterTrustBundle)
    return words('ClusterTrustBundle', clusterTrustBundle.name ?? clusterTrustBundle.signerName ?? '');
  return words(`PodCertificate ${podCertificate?.keyType ?? ''}`);
}

function volumePathWarnings(volume: Volume): string[] {
  const { configMap, secret, downwardAPI, projected } = volume;
  const name = JSON.stringify(volume.name);
  const warnings: string[] = [];
  if (configMap?.items)
    warnings.push(
      ...overlapWarnings(
        paths(configMap.items),
        () => `volume ${name} (ConfigMap ${JSON.stringify(configMap.name ?? '')}): overlapping paths`,
      ),
    );
  if (secret?.items)
    warnings.push(
      ...overlapWarnings(
        paths(secret.items),
        () => `volume ${name} (Secret ${JSON.stringify(secret.secretName ?? '')}): overlapping paths`,
      ),
    );
  if (downwardAPI?.items)
    warnings.push(
      ...overlapWarnings(paths(downwardAPI.items), () => `volume ${name} (DownwardAPI): overlapping paths`),
    );
  if (projected) projectedWarnings(projected.sources ?? [], volume.name, warnings);
  return warnings;
}

function projectedWarnings(sources: readonly VolumeProjection[], volume: string, warnings: string[]): void {
  const overlap = mayOverlap(sources.flatMap(filesOf));
  const all = new Set<string>();
  for (const source of sources) {
    if (Object.keys(source).length === 0) {
      warnings.push(`volume ${JSON.stringify(volume)} (Projected) has no sources provided`);
      continue;
    }
    const files = overlap ? filesOf(source) : [];
    if (files.length === 0) continue;
    const words = (): string => overlapWords(source, volume);
    warnings.push(...overlapWarnings(files, words));
    const unique = new Set(files);
    warnings.push(...overlapWarnings([...unique, ...all].sort(), words));
    for (const path of unique) all.add(path);
  }
}

function volumeWarnings(spec: PodSpec, path: string, warnings: string[]): void {
  for (const [i, volume] of (spec.volumes ?? []).entries()) {
    const here = `${path}.volumes[${i}]`;
    for (const [field, shown, text] of DEPRECATED_VOLUMES)
      if (volume[field] !== undefined) warnings.push(`${here}.${shown}: ${text}`);
    const template = volume.ephemeral?.volumeClaimTemplate;
    if (template) warnings.push(...claimWarnings(template.spec, `${here}.ephemeral.volumeClaimTemplate.spec`));
  }
  for (const volume of spec.volumes ?? []) warnings.push(...volumePathWarnings(volume));
}

/** Things of a list that are there twice. */
function twice(items: readonly string[], each: (index: number, item: string) => string, warnings: string[]): void {
  const seen = new Set<string>();
  for (const [i, item] of items.entries()) {
    if (seen.has(item)) warnings.push(each(i, item));
    seen.add(item);
  }
}

function aliasWarnings(aliases: readonly HostAlias[], path: string, warnings: string[]): void {
  const ips = aliases.map(({ ip = '' }) => ip);
  twice(ips, (i, ip) => `${path}[${i}].ip: duplicate ip ${JSON.stringify(ip)}`, warnings);
  for (const [i, ip] of ips.entries()) warnings.push(...ipWarnings(`${path}[${i}].ip`, ip));
}

function pullSecretWarnings(references: readonly LocalObjectReference[], path: string, warnings: string[]): void {
  const names = references.map(({ name = '' }) => name);
  twice(names, (i, name) => `${path}[${i}].name: duplicate name ${JSON.stringify(name)}`, warnings);
  for (const [i, name] of names.entries()) if (name === '') warnings.push(`${path}[${i}].name: invalid empty name ""`);
}

function fractionWarnings(
  amounts: Readonly<Record<string, string>> | undefined,
  path: string,
  warnings: string[],
): void {
  for (const name of ['memory', 'ephemeral-storage']) {
    const value = amounts?.[name];
    if (value !== undefined && parseQuantity(value).nanos % 1_000_000_000n !== 0n)
      warnings.push(`${path}[${name}]: fractional byte value ${JSON.stringify(value)} is invalid, must be an integer`);
  }
}

function envWarnings({ env = [] }: Container, path: string, warnings: string[]): void {
  if (env.length < 2) return;
  const seen = new Set<string>();
  for (const [i, { name, value = '', valueFrom }] of env.entries()) {
    // To build upon the value before is what repeating a name is for.
    const reference = `$(${name})`;
    const hides = valueFrom !== undefined || value === reference || !value.includes(reference);
    if (seen.has(name) && hides)
      warnings.push(`${path}.env[${i}]: hides previous definition of ${JSON.stringify(name)}, ${HIDES}`);
    seen.add(name);
  }
}

/** As Go prints the struct. */
const printed = (port: ContainerPort): string =>
  `{Name:${port.name ?? ''} HostPort:${port.hostPort ?? 0} ContainerPort:${port.containerPort} Protocol:${port.protocol ?? ''} HostIP:${port.hostIP ?? ''}}`;

/** One port alone can be wrong only in what it says of the host. */
function hasPortsToCompare({ initContainers, containers, ephemeralContainers }: PodSpec): boolean {
  let count = 0;
  for (const list of [initContainers, containers, ephemeralContainers as readonly Container[] | undefined])
    for (const { ports } of list ?? [])
      for (const { hostIP } of ports ?? []) if (++count > 1 || hostIP !== undefined) return true;
  return false;
}

function portWarnings(spec: PodSpec, path: string, warnings: string[]): void {
  if (!hasPortsToCompare(spec)) return;
  const all = new Map<string, { readonly field: string; readonly port: ContainerPort }[]>();
  eachContainer(spec, path, ({ ports = [] }, here) => {
    for (const [i, port] of ports.entries()) {
      const field = `${here}.ports[${i}]`;
      const { hostIP = '', hostPort = 0, containerPort, protocol } = port;
      if (hostIP !== '' && hostPort === 0) warnings.push(`${field}: hostIP set without hostPort: ${printed(port)}`);
      const key = `${containerPort}/${protocol}`;
      const others = all.get(key) ?? [];
      for (const { field: other, port: taken } of others) {
        const [ip, number] = [taken.hostIP ?? '', taken.hostPort ?? 0];
        if (hostIP === ip && hostPort === number) warnings.push(`${field}: duplicate port definition with ${other}`);
        else if (hostPort === 0 || number === 0) warnings.push(`${field}: overlapping port definition with ${other}`);
        else if (hostPort === number && (hostIP === '') !== (ip === ''))
          warnings.push(`${field}: dangerously ambiguous port definition with ${other}`);
      }
      all.set(key, [...others, { field, port }]);
    }
  });
  const names = new Map<string, string>();
  eachContainer(spec, path, ({ ports = [] }, here) => {
    for (const [i, { name = '' }] of ports.entries()) {
      const field = `${here}.ports[${i}].name`;
      const first = names.get(name);
      if (name === '') continue;
      if (first === undefined) names.set(name, field);
      else
        warnings.push(
          `${field}: duplicate port name ${JSON.stringify(name)} with ${first}, services and probes that select ports by name will use ${first}`,
        );
    }
  });
}

/** @param path `spec` of a pod, `spec.template.spec` of a template; `metadata` stands beside it. */
export function podWarnings(spec: PodSpec | undefined, meta: Meta | undefined, path: string): string[] {
  if (!spec) return [];
  const warnings: string[] = [];
  const annotations = meta?.annotations ?? {};
  const noted = `${path.slice(0, -'spec'.length)}metadata.annotations`;
  placementWarnings(spec, path, warnings);
  for (const [key, text] of DEPRECATED_ANNOTATIONS)
    if (annotations[key] !== undefined) warnings.push(`${noted}[${key}]: ${text}`);
  if (spec.volumes) volumeWarnings(spec, path, warnings);
  if (spec.hostAliases) aliasWarnings(spec.hostAliases, `${path}.hostAliases`, warnings);
  if (spec.imagePullSecrets) pullSecretWarnings(spec.imagePullSecrets, `${path}.imagePullSecrets`, warnings);
  if (spec.overhead) fractionWarnings(spec.overhead, `${path}.overhead`, warnings);
  if (!spec.securityContext?.seccompProfile && annotations[SECCOMP_POD] !== undefined)
    warnings.push(`${noted}[${SECCOMP_POD}]: non-functional in v1.27+; use the "seccompProfile" field instead`);
  eachContainer(spec, path, (container, here) => {
    const seccomp = SECCOMP_CONTAINER + container.name;
    if (annotations[seccomp] !== undefined && !container.securityContext?.seccompProfile)
      warnings.push(`${noted}[${seccomp}]: non-functional in v1.27+; use the "seccompProfile" field instead`);
    const appArmor = APPARMOR_CONTAINER + container.name;
    const profile = spec.securityContext?.appArmorProfile ?? container.securityContext?.appArmorProfile;
    if (annotations[appArmor] !== undefined && !profile)
      warnings.push(`${noted}[${appArmor}]: deprecated since v1.30; use the "appArmorProfile" field instead`);
    fractionWarnings(container.resources?.limits, `${here}.resources.limits`, warnings);
    fractionWarnings(container.resources?.requests, `${here}.resources.requests`, warnings);
    envWarnings(container, here, warnings);
  });
  portWarnings(spec, path, warnings);
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0)
    warnings.push(
      `${path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`,
    );
  if (spec.affinity) affinityWarnings(spec, path, warnings);
  if (spec.dnsConfig)
    for (const [i, server] of (spec.dnsConfig.nameservers ?? []).entries())
      warnings.push(...ipWarnings(`${path}.dnsConfig.nameservers[${i}]`, server));
  return warnings;
}

/**
 * Labels of Kubernetes' own that a node may give itself; all others steer workloads and are people's to give
 * (https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction).
 */
const own = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/arch',
  'kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/instance-type',
  'beta.kubernetes.io/os',
  'failure-domain.beta.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'node.kubernetes.io/instance-type',
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
]);
const ownDomains = ['kubelet.kubernetes.io', 'node.kubernetes.io'];
const kubernetesDomains = ['kubernetes.io', 'k8s.io'];
const RESTRICTED = 'node-restriction.kubernetes.io';

type Labels = Readonly<Record<string, string>> | undefined;

/** Those of the labels that differ which a node may not touch, sorted. */
export function forbiddenLabels(labels: Labels, old: Labels): string[] {
  const changed = new Set([...Object.keys(labels ?? {}), ...Object.keys(old ?? {})]);
  return [...changed].filter(key => labels?.[key] !== old?.[key] && !mayBeOwn(key)).sort();
}

function mayBeOwn(key: string): boolean {
  const slash = key.indexOf('/');
  const domain = slash < 0 ? '' : key.slice(0, slash);
  if (isIn(domain, [RESTRICTED])) return false;
  return !isIn(domain, kubernetesDomains) || own.has(key) || isIn(domain, ownDomains);
}

const isIn = (domain: string, domains: readonly string[]): boolean =>
  domains.some(of => domain === of || domain.endsWith(`.${of}`));

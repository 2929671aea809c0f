/** The admission plugins by name: those that are there, in upstream's order, and what is to be said of upstream's others. */

export const pluginNames = [
  'NamespaceLifecycle',
  'LimitRanger',
  'ServiceAccount',
  'NodeRestriction',
  'TaintNodesByCondition',
  'AlwaysPullImages',
  'PodSecurity',
  'Priority',
  'DefaultTolerationSeconds',
  'ExtendedResourceToleration',
  'DefaultStorageClass',
  'StorageObjectInUseProtection',
  'OwnerReferencesPermissionEnforcement',
  'EventRateLimit',
  'PersistentVolumeClaimResize',
  'RuntimeClass',
  'CertificateApproval',
  'CertificateSigning',
  'ClusterTrustBundleAttest',
  'CertificateSubjectRestriction',
  'DefaultIngressClass',
  'DenyServiceExternalIPs',
  'PodTopologyLabels',
  'ResourceQuota',
] as const;

export type PluginName = (typeof pluginNames)[number];

/** Off unless asked for, as upstream's. */
export const offByDefault: ReadonlySet<string> = new Set<PluginName>([
  'AlwaysPullImages',
  'DenyServiceExternalIPs',
  'EventRateLimit',
  'ExtendedResourceToleration',
  'OwnerReferencesPermissionEnforcement',
]);

const LATER = 'admission webhooks and policies are not there yet';

/** Upstream's others, and why they cannot be asked for. */
const elsewhere: Readonly<Record<string, string>> = {
  AlwaysAdmit: 'it does nothing',
  AlwaysDeny: 'it is for tests',
  ImagePolicyWebhook: LATER,
  LimitPodHardAntiAffinityTopology: 'Atoll does not have it',
  MutatingAdmissionPolicy: LATER,
  MutatingAdmissionWebhook: LATER,
  NamespaceAutoProvision: 'Atoll does not have it; NamespaceLifecycle asks for namespaces that are there',
  NamespaceExists: 'NamespaceLifecycle, which is always on unless disabled, does its work',
  PodNodeSelector: 'Atoll does not have it',
  PodTolerationRestriction: 'Atoll does not have it',
  ValidatingAdmissionPolicy: LATER,
  ValidatingAdmissionWebhook: LATER,
};

/** Why an admission plugin cannot be switched on; undefined: it can. Empty: nobody knows such a plugin. */
export function whyNoPlugin(name: string): string | undefined {
  if (isPlugin(name)) return undefined;
  return Object.hasOwn(elsewhere, name) ? elsewhere[name] : '';
}

export const isPlugin = (name: string): name is PluginName => (pluginNames as readonly string[]).includes(name);

/** What is not there is off already. */
export const canBeDisabled = (name: string): boolean => isPlugin(name) || Object.hasOwn(elsewhere, name);

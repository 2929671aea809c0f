/**
 * Options that kube-apiserver has and this server has not: those that say what is so anyway are taken, the others are refused
 * with the reason. Nothing is ever ignored.
 */

/** What is so anyway, by option: its values in the forms people write it. */
export const alwaysSo: Readonly<Record<string, readonly string[]>> = {
  'allow-privileged': ['true'],
  'audit-log-format': ['json'],
  'audit-log-mode': ['batch'],
  'audit-log-version': ['audit.k8s.io/v1'],
  'enable-garbage-collector': ['true'],
  'event-ttl': ['1h', '1h0m', '1h0m0s', '60m', '60m0s'],
  profiling: ['false'],
  'service-account-lookup': ['true'],
  'tls-min-version': ['VersionTLS12'],
};

const OWN_KEYS = 'keys and certificates are made and renewed by Atoll itself; --tls-san adds names to them';
const OWN_STORE = 'the store is a file of Atoll’s own; the options under “Data at rest” are about it';
const ENCRYPTION = 'Secrets are encrypted unless --secrets-encryption=false; atoll secrets-encrypt changes the keys';
const NO_WEBHOOK = 'Atoll asks no other server about this';

/** The first that fits the name. */
const reasons: readonly (readonly [names: RegExp, reason: string])[] = [
  [/^(secure-port|port)$/, 'it is --https-listen-port here, as in K3s'],
  [/^advertise-address$/, 'it is --advertise-address here, as in K3s'],
  [/^service-cluster-ip-range$/, 'it is --service-cidr here, as in K3s'],
  [/^service-node-port-range$/, 'it is --service-node-port-range here, as in K3s'],
  [/^external-hostname$/, 'the addresses of the machine are found, and followed when they change'],
  [/^(etcd-|storage-|watch-cache|default-watch-cache|delete-collection-workers)/, OWN_STORE],
  [/^encryption-provider-config/, ENCRYPTION],
  [/^tls-cipher-suites$/, 'TLS 1.2 and 1.3 are spoken, with the cipher suites of the system'],
  [/^(tls-|cert-dir|client-ca-file|kubelet-|proxy-client-|peer-|service-account-.*key-file)/, OWN_KEYS],
  [/^(audit-webhook-|authentication-token-webhook|authorization-webhook|egress-)/, NO_WEBHOOK],
  [/^audit-log-/, 'the audit log is written in batches, whole, and uncompressed'],
  [/^(oidc-|authentication-config)/, 'users come with certificates and tokens; Atoll has no OIDC logins'],
  [
    /^(authorization-config|authorization-policy-file)/,
    'Atoll has the authorization modes Node, RBAC, AlwaysAllow, AlwaysDeny',
  ],
  [/^requestheader-/, 'users are not taken from the headers of a proxy before the server'],
  [
    /^(feature-gates|runtime-config|emulat|runtime-)/,
    'features and API versions are as Kubernetes 1.36 has them by default',
  ],
  [
    /^(max-.*inflight|enable-priority-and-fairness|goaway-chance|.*request-timeout|livez-|shutdown-)/,
    'the server sets its limits itself',
  ],
  [
    /^(v|vmodule|log.*|logging-format|stderrthreshold|logtostderr|alsologtostderr)$/,
    'set ATOLL_LOG=debug in the environment for more output',
  ],
  [
    /^(apiserver-count|cloud-|cors-|enable-aggregator-routing|endpoint-reconciler-type|event-ttl|.*profiling)/,
    'Atoll has no such choice',
  ],
];

/** Undefined: kube-apiserver has no such option either. */
export function whyNot(name: string): string | undefined {
  const reason = reasons.find(([names]) => names.test(name))?.[1];
  return reason === undefined ? undefined : `this option of kube-apiserver is none of Atoll's: ${reason}`;
}

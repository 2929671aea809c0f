/** The admin kubeconfig, as text (https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/). */

export interface KubeconfigParts {
  readonly server: string;
  readonly caPem: string;
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

export function kubeconfigOf(parts: KubeconfigParts): string {
  return `apiVersion: v1
kind: Config
clusters:
- name: default
  cluster:
    server: ${parts.server}
    certificate-authority-data: ${base64(parts.caPem)}
contexts:
- name: default
  context:
    cluster: default
    user: default
current-context: default
preferences: {}
users:
- name: default
  user:
    client-certificate-data: ${base64(parts.certificatePem)}
    client-key-data: ${base64(parts.privateKeyPem)}
`;
}

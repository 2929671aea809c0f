/**
 * Options of kube-apiserver that `kube-apiserver-arg` passes on: what the server takes (`cli/serverAccessOptions.ts`; a test
 * keeps the two lists the same), and what it says of the others when it starts.
 */

export const apiServerArguments: readonly string[] = [
  'anonymous-auth',
  'token-auth-file',
  'enable-bootstrap-token-auth',
  'authorization-mode',
  'service-account-issuer',
  'api-audiences',
  'service-account-jwks-uri',
  'service-account-max-token-expiration',
  'service-account-extend-token-expiration',
  'enable-admission-plugins',
  'disable-admission-plugins',
  'admission-control-config-file',
  'default-not-ready-toleration-seconds',
  'default-unreachable-toleration-seconds',
  'audit-policy-file',
  'audit-log-path',
  'audit-log-maxsize',
  'audit-log-maxbackup',
  'audit-log-maxage',
];

/** What is wrong with `NAME=VALUE`; undefined: nothing that can be seen from here. */
export function apiServerArgument(argument: string): string | undefined {
  const [, name = '', value] = /^-{0,2}([^=]*)(?:=([\s\S]*))?$/.exec(argument) ?? [];
  if (!apiServerArguments.includes(name)) return `kube-apiserver's option "${name}" is not available in Atoll`;
  if (value === undefined || value === '') return `"${argument}" must be ${name}=VALUE`;
  return undefined;
}

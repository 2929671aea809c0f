/**
 * The options of `atoll server` about who may come, what is let in, and what is written down of it: each is called as
 * kube-apiserver calls it (https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/), so that it can
 * also be given in K3s' way, `--kube-apiserver-arg name=value`.
 */
import type { Option } from './command.ts';

const IDENTITY = 'Who may come:';
const ADMISSION = 'What is let in (admission):';
const AUDIT = 'What is written down (audit):';

export const accessOptions: readonly Option[] = [
  {
    name: 'anonymous-auth',
    boolean: true,
    summary: 'whether requests without credentials are answered at all, as system:anonymous',
    default: 'true',
    section: IDENTITY,
  },
  {
    name: 'token-auth-file',
    value: 'FILE',
    summary: 'static tokens: lines of token,user,uid,"group1,group2"',
    section: IDENTITY,
  },
  {
    name: 'enable-bootstrap-token-auth',
    boolean: true,
    summary: 'whether Secrets of the type bootstrap.kubernetes.io/token in kube-system are credentials',
    default: 'true',
    section: IDENTITY,
  },
  {
    name: 'authorization-mode',
    value: 'MODES',
    summary: 'who decides, in this order: Node, RBAC, AlwaysAllow, AlwaysDeny',
    default: 'Node,RBAC',
    repeated: true,
    section: IDENTITY,
  },
  {
    name: 'service-account-issuer',
    value: 'URL',
    summary:
      'who service-account tokens are from; several: the first issues, tokens of all are good, so that it can be changed',
    default: 'https://kubernetes.default.svc.cluster.local',
    repeated: true,
    section: IDENTITY,
  },
  {
    name: 'api-audiences',
    value: 'NAMES',
    summary: 'for whom a token must be to be good here; the issuers when not given',
    repeated: true,
    section: IDENTITY,
  },
  {
    name: 'service-account-jwks-uri',
    value: 'URL',
    summary:
      'where others find the keys of tokens, for the OIDC discovery; openid/v1/jwks below the issuer when not given',
    section: IDENTITY,
  },
  {
    name: 'service-account-max-token-expiration',
    value: 'DURATION',
    summary: 'the longest life of a token that is asked for: 24h, at least 1h; 0: a year',
    default: '0',
    section: IDENTITY,
  },
  {
    name: 'service-account-extend-token-expiration',
    boolean: true,
    summary: "whether pods' own tokens live a year, for programs that do not read them again",
    default: 'true',
    section: IDENTITY,
  },
  {
    name: 'enable-admission-plugins',
    value: 'NAMES',
    summary: 'plugins besides those that are on by default: AlwaysPullImages,EventRateLimit',
    repeated: true,
    section: ADMISSION,
  },
  {
    name: 'disable-admission-plugins',
    value: 'NAMES',
    summary: 'plugins that are on by default and shall not be',
    repeated: true,
    section: ADMISSION,
  },
  {
    name: 'admission-control-config-file',
    value: 'FILE',
    summary:
      'an apiserver.config.k8s.io/v1 AdmissionConfiguration: defaults and exemptions of PodSecurity, limits of EventRateLimit and ResourceQuota',
    section: ADMISSION,
  },
  {
    name: 'default-not-ready-toleration-seconds',
    value: 'SECONDS',
    summary: 'how long a pod stays on a node that is not ready, unless it says itself',
    default: '300',
    section: ADMISSION,
  },
  {
    name: 'default-unreachable-toleration-seconds',
    value: 'SECONDS',
    summary: 'how long a pod stays on a node that is silent, unless it says itself',
    default: '300',
    section: ADMISSION,
  },
  {
    name: 'audit-policy-file',
    value: 'FILE',
    summary: 'write requests down as this audit.k8s.io/v1 Policy says',
    section: AUDIT,
  },
  {
    name: 'audit-log-path',
    value: 'FILE',
    summary: 'where to, - for standard output; server/logs/audit.log below the data directory when not given',
    section: AUDIT,
  },
  {
    name: 'audit-log-maxsize',
    value: 'MIB',
    summary: 'a larger audit log is rotated; 0: never',
    default: '16',
    section: AUDIT,
  },
  {
    name: 'audit-log-maxbackup',
    value: 'N',
    summary: 'rotated audit logs to keep; 0: all',
    default: '4',
    section: AUDIT,
  },
  {
    name: 'audit-log-maxage',
    value: 'DAYS',
    summary: 'how long to keep them; 0: for ever',
    default: '0',
    section: AUDIT,
  },
];

/** K3s hands options on to its kube-apiserver like this; here they are the server's own. */
export const passedOn: Option = {
  name: 'kube-apiserver-arg',
  value: 'NAME=VALUE',
  summary: 'any of the options above whose name is kube-apiserver’s, as K3s takes them',
  repeated: true,
  passesOn: accessOptions.map(({ name }) => name),
};

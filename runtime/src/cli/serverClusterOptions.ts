/** The options of `atoll server` about the cluster: its networks, who joins, what is started, what is written. */
import type { Option } from './command.ts';
import { configOption } from './configFile.ts';

const PLACE = 'Where it is:';
const CLUSTER = 'The cluster:';
const PARTS = 'What is started:';

export const clusterOptions: readonly Option[] = [
  { ...configOption, section: PLACE },
  {
    name: 'advertise-address',
    value: 'ADDRESS',
    summary: 'where pods reach the API; --node-ip, or found and followed, when not given',
    section: PLACE,
  },
  {
    name: 'advertise-port',
    value: 'PORT',
    summary: 'the port pods reach the API by; --https-listen-port when not given',
    section: PLACE,
  },
  { name: 'node-ip', value: 'ADDRESS', summary: "this machine's addresses", repeated: true, section: PLACE },
  {
    name: 'write-kubeconfig-mode',
    value: 'MODE',
    summary: 'the permissions of the kubeconfig, in octal',
    default: '0600',
    env: 'ATOLL_KUBECONFIG_MODE',
    section: PLACE,
  },
  { name: 'write-kubeconfig-group', value: 'GROUP', summary: 'the group of the kubeconfig', section: PLACE },
  { name: 'debug', boolean: true, summary: 'say more in the journal', section: PLACE },
  { name: 'v', value: 'LEVEL', summary: 'the same as a number: 4 and more is debug', section: PLACE },
  {
    name: 'token-file',
    value: 'FILE',
    summary: 'a file with the secret, instead of --token',
    env: 'ATOLL_TOKEN_FILE',
    section: CLUSTER,
  },
  {
    name: 'agent-token',
    value: 'SECRET',
    summary: 'another secret nodes may join with',
    env: 'ATOLL_AGENT_TOKEN',
    section: CLUSTER,
  },
  {
    name: 'agent-token-file',
    value: 'FILE',
    summary: 'a file with it',
    env: 'ATOLL_AGENT_TOKEN_FILE',
    section: CLUSTER,
  },
  {
    name: 'cluster-cidr',
    value: 'RANGE',
    summary: 'addresses of pods, a /24 a node',
    default: '10.42.0.0/16',
    section: CLUSTER,
  },
  {
    name: 'service-cidr',
    value: 'RANGE',
    summary: 'addresses of services',
    default: '10.43.0.0/16',
    section: CLUSTER,
  },
  {
    name: 'service-node-port-range',
    value: 'FIRST-LAST',
    summary: 'ports of NodePort services',
    default: '30000-32767',
    section: CLUSTER,
  },
  {
    name: 'cluster-domain',
    value: 'NAME',
    summary: 'the domain of services',
    default: 'cluster.local',
    section: CLUSTER,
  },
  {
    name: 'disable',
    value: 'NAMES',
    summary: 'manifests, by file name without .yaml, that are not applied, and removed where they were',
    repeated: true,
    section: PARTS,
  },
  {
    name: 'manifests-dir',
    value: 'DIR',
    summary: 'a further folder of manifests; the first is server/manifests below the data directory',
    default: '/etc/atoll/manifests',
    section: PARTS,
  },
  { name: 'disable-scheduler', boolean: true, summary: 'pods are given nodes by somebody else', section: PARTS },
  { name: 'disable-controller-manager', boolean: true, summary: 'controllers are somebody else’s', section: PARTS },
  {
    name: 'kube-controller-manager-arg',
    value: 'NAME=VALUE',
    summary: 'an option of kube-controller-manager: terminated-pod-gc-threshold, node-monitor-grace-period',
    repeated: true,
    section: PARTS,
  },
];

/** The options of `atoll server`. */
import { DEFAULT_KUBECONFIG } from '../machine/ownKubeconfig.ts';
import type { Option } from './command.ts';
import { accessOptions, passedOn } from './serverAccessOptions.ts';
import { atRestOptions } from './serverAtRestOptions.ts';
import { clusterOptions } from './serverClusterOptions.ts';

const PLACE = 'Where it is:';

export const serverOptions = (dataDir: Option, runDir: Option): readonly Option[] => [
  { ...dataDir, section: PLACE },
  { ...runDir, section: PLACE },
  { name: 'bind-address', value: 'ADDRESS', summary: 'listen on this address', default: '::', section: PLACE },
  { name: 'https-listen-port', value: 'PORT', summary: 'listen on this port', default: '6443', section: PLACE },
  {
    name: 'tls-san',
    value: 'NAME',
    summary: 'a further name or address in the serving certificate',
    repeated: true,
    section: PLACE,
  },
  {
    name: 'write-kubeconfig',
    value: 'FILE',
    summary: 'write the admin kubeconfig here',
    default: DEFAULT_KUBECONFIG,
    section: PLACE,
  },
  {
    name: 'token',
    value: 'SECRET',
    summary: 'the secret nodes join with; made up at the first start when not given',
    env: 'ATOLL_TOKEN',
    section: PLACE,
  },
  ...clusterOptions,
  ...atRestOptions.map(option => ({ ...option, section: 'Data at rest:' })),
  ...accessOptions,
  { ...passedOn, section: 'As in K3s:' },
];

export const serverNotes = `Examples:
  atoll server --tls-san kube.example.com --audit-policy-file /etc/atoll/audit.yaml
  atoll server --admission-control-config-file /etc/atoll/admission.yaml --enable-admission-plugins AlwaysPullImages
  atoll server --kube-apiserver-arg anonymous-auth=false --kube-apiserver-arg token-auth-file=/etc/atoll/tokens.csv`;

/** Wrong configurations and what is said of each: one problem a line, `line:column key message → hint`. Sections that do not go with each other, and what a node would not come through. */
import type { WrongCase } from './lines.ts';

const key =
  'ssh_authorized_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me]';

export const sections: readonly WrongCase[] = [
  [
    'atoll: {protect-kernel-defaults: true}\nmachine: {sysctls: {kernel.panic_on_oops: 0, vm/overcommit_memory: 2, vm.panic_on_oom: 0}}',
    [
      '3:43 machine.sysctls["kernel.panic_on_oops"] is "0", and with protect-kernel-defaults the agent starts only with 1 → remove one of them',
      '3:68 machine.sysctls["vm/overcommit_memory"] is "2", and with protect-kernel-defaults the agent starts only with 1 → remove one of them',
    ],
  ],
  // K3s' guide to hardening has people write these.
  [
    'atoll: {protect-kernel-defaults: true}\nmachine: {sysctls: {kernel.panic_on_oops: 1, vm.overcommit_memory: 1, vm.panic_on_oom: 0, kernel.panic: 10}}',
    [],
  ],
  ['atoll: {protect-kernel-defaults: false}\nmachine: {sysctls: {kernel.panic_on_oops: 0}}', []],
  [
    `atoll: {https-listen-port: 22}\n${key}`,
    '2:28 atoll.https-listen-port is the port of SSH, which is on where a key is given: 22 → take another port, or no key',
  ],
  ['atoll: {https-listen-port: 22}', []],
  [
    'atoll: {https-listen-port: 10250}',
    "2:28 atoll.https-listen-port is the port of the node's kubelet: 10250 → take another port",
  ],
  ['atoll: {https-listen-port: 10250, disable-agent: true}', []],
  [
    'atoll: {https-listen-port: 30500}',
    '2:28 warning: atoll.https-listen-port 30500 is a port of NodePort services (30000-32767): a service that gets it hides the API → take a port outside of service-node-port-range',
  ],
  ['atoll: {https-listen-port: 30500, service-node-port-range: 31000-32000}', []],
];

const file = (path: string): string => `write_files: [{path: ${path}}]`;
const notOne = (path: string, said: string): WrongCase => [file(path), `2:22 write_files[0].path "${path}" ${said}`];
const identity = 'is who this machine is → it is made at the first boot: atoll reset makes another';
const own = "is Atoll's own → use the keys of the section atoll";

/** What is the machine's, and what people may put beside it. */
export const ofTheMachine: readonly WrongCase[] = [
  notOne('/etc/machine-id', identity),
  notOne('/var/lib/atoll/machine-id', identity),
  notOne('/etc/localtime', 'is written from timezone → use timezone'),
  notOne('/etc/resolv.conf', 'is written from nameservers of network-config → use nameservers of network-config'),
  ...[
    '/var/lib/atoll',
    '/var/lib/atoll/agent',
    '/var/lib/atoll/agent/node.key',
    '/var/lib/atoll/agent/images',
    '/var/lib/atoll/server/node-token',
    '/var/lib/atoll/ssh/host_ed25519',
    '/var/lib/atoll/upgrade/state.json',
    '/var/lib/atoll/reset-requested',
    '/run/atoll/config.json',
  ].map(path => notOne(path, own)),
  ...[
    '/var/lib/atoll/server/manifests/site.yaml',
    '/var/lib/atoll/agent/images/app.txt',
    '/var/lib/atoll/site.json',
    '/run/atollo/x',
    '/etc/machine-info',
  ].map((path): WrongCase => [file(path), []]),
  [
    'atoll: {write-kubeconfig: /run/atoll/config.json, kube-apiserver-arg: [audit-policy-file=/etc/p, audit-log-path=/var/lib/atoll/server/logs/a]}\nwrite_files: [{path: /etc/p}]',
    '2:27 atoll.write-kubeconfig "/run/atoll/config.json" is Atoll\'s own → write below /etc (new at every boot), /var, /run, /tmp or /root',
  ],
];

const addIt = 'add it to write_files, unless the machine has it';
/** Files that something reads and nothing writes. */
export const files: readonly WrongCase[] = [
  [
    'atoll: {resolv-conf: /etc/nope.conf}',
    `2:22 warning: atoll.resolv-conf "/etc/nope.conf" is no file of write_files: pods with dnsPolicy: Default have no name servers without it → ${addIt}`,
  ],
  ['atoll: {resolv-conf: /etc/own.conf}\nwrite_files: [{path: /etc/own.conf}]', []],
  [
    'atoll: {registries: {configs: {r.example: {tls: {ca_file: /etc/ca.pem, cert_file: /etc/c.pem, key_file: /etc/k.pem}}}}}\nwrite_files: [{path: /etc/ca.pem}]',
    [
      `2:83 warning: atoll.registries.configs["r.example"].tls.cert_file "/etc/c.pem" is no file of write_files: nothing is pulled from r.example without it → ${addIt}`,
      `2:105 warning: atoll.registries.configs["r.example"].tls.key_file "/etc/k.pem" is no file of write_files: nothing is pulled from r.example without it → ${addIt}`,
    ],
  ],
];

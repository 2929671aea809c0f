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

/** What the sections of user-data must be to each other. */
import { kernelDefaults } from '../../../node/kernelDefaults.ts';
import { field, type Infer, mapping } from '../shape.ts';
import type { Rule } from '../types.ts';
import { atollShape } from './atoll.ts';
import { cloudInitFields, usersOf } from './cloudInit.ts';
import { machineShape, setsSysctl } from './machine.ts';

const { ssh_authorized_keys, ssh_pwauth, users, user } = cloudInitFields;
/** What the rules look at. */
export const togetherShape = mapping({
  ssh_authorized_keys,
  ssh_pwauth,
  users,
  user,
  atoll: field(atollShape, ''),
  machine: field(machineShape, ''),
});
type Together = Infer<typeof togetherShape>;

const SSH_PORT = 22;
/** The kubelet's, which is fixed. */
const KUBELET_PORT = 10_250;
const defaultNodePorts = '30000-32767';

/** The agent looks at the kernel when it starts, and ends. */
const protectedKernel: Rule<Together> = ({ atoll = {}, machine = {} }, report) => {
  if (atoll['protect-kernel-defaults'] !== true) return;
  for (const [given, value] of Object.entries(machine.sysctls ?? {}))
    for (const [name, wanted] of Object.entries(kernelDefaults))
      if (setsSysctl(given, name) && Number(value) !== wanted)
        report(
          ['machine', 'sysctls', given],
          `is "${value}", and with protect-kernel-defaults the agent starts only with ${wanted}`,
          { hint: 'remove one of them' },
        );
};

const ports: Rule<Together> = ({ atoll = {}, ...given }, report) => {
  const port = atoll['https-listen-port'];
  if (port === undefined) return;
  const path = ['atoll', 'https-listen-port'];
  const keys = [given.ssh_authorized_keys, ...usersOf(given).map(({ user: one }) => keysOf(one))];
  if (port === SSH_PORT && (given.ssh_pwauth === true || keys.some(some => (some?.length ?? 0) > 0)))
    report(path, 'is the port of SSH, which is on where a key is given: 22', { hint: 'take another port, or no key' });
  if (port === KUBELET_PORT && atoll['disable-agent'] !== true)
    report(path, `is the port of the node's kubelet: ${port}`, { hint: 'take another port' });
  const [first = 0, last = 0] = (atoll['service-node-port-range'] ?? defaultNodePorts).split('-').map(Number);
  if (port >= first && port <= last)
    report(path, `${port} is a port of NodePort services (${first}-${last}): a service that gets it hides the API`, {
      severity: 'warning',
      hint: 'take a port outside of service-node-port-range',
    });
};
const keysOf = (one: NonNullable<Together['users']>[number]): readonly string[] | undefined =>
  typeof one === 'string' ? undefined : one.ssh_authorized_keys;

export const togetherRules: readonly Rule<Together>[] = [protectedKernel, ports];

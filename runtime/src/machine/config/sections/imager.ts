/**
 * What Raspberry Pi Imager writes for its customisation besides keys that are served anyway, as it comes: a card it has customised must
 * not be refused for what has no meaning here. Anything else under these keys is an error with its reason, as it was.
 * Source: rpi-imager 2.0 (src/customization_generator.cpp: generateCloudInitUserData), and what 2.0.10 was seen to write.
 */
import { anything, boolean, either, field, type Infer, list, mapping, oneOf, text } from '../shape.ts';
import type { Rule } from '../types.ts';

export const NO_PACKAGES =
  'the root is read-only and verified, and has no package manager: software comes in containers';
const ALWAYS_IN_HOSTS = 'the host name is always in /etc/hosts';
const NAME_SERVERS = 'name servers are given in network-config: nameservers';

export const imagerFields = {
  manage_etc_hosts: field(
    either(boolean(), oneOf('localhost', 'template')),
    'the host name is always in /etc/hosts: always true',
  ),
  manage_resolv_conf: field(boolean(), 'name servers are given in network-config: always false'),
  enable_ssh: field(
    boolean(),
    'false: SSH does not run, whoever may log in by it; true: it runs where somebody may, as without it',
  ),
  packages: field(list(anything()), 'there are none; avahi-daemon, which Raspberry Pi Imager asks for, is passed over'),
  apt: field(anything(), 'there is none; conf and preserve_sources_list are passed over'),
  keyboard: field(
    mapping({
      model: field(text(), 'its model'),
      layout: field(text({ lenient: true }), 'its layout'),
      variant: field(text({ lenient: true }), 'its variant'),
      options: field(text({ lenient: true }), 'its options'),
    }),
    'nobody types on the console: passed over',
  ),
} as const;

const shape = mapping(imagerFields);
type Imager = Infer<typeof shape>;

const isPassedOver = (name: unknown): boolean => name === 'avahi-daemon';

export const imagerRules: readonly Rule<Imager>[] = [
  function software({ packages = [], apt }, report) {
    if (!packages.every(isPassedOver)) report(['packages'], `is not available: ${NO_PACKAGES}`);
    else if (packages.length > 0)
      report(['packages'], 'avahi-daemon is not installed: nobody finds the node as NAME.local', {
        severity: 'warning',
        hint: "use the name your router's name server knows, or the address on the console",
      });
    if (apt === undefined) return;
    const keys = typeof apt === 'object' && apt !== null ? Object.keys(apt) : [];
    if (keys.length === 0 || !keys.every(key => key === 'conf' || key === 'preserve_sources_list'))
      report(['apt'], `is not available: ${NO_PACKAGES}`);
  },

  function files({ manage_etc_hosts, manage_resolv_conf }, report) {
    if (manage_etc_hosts === false) report(['manage_etc_hosts'], `must be true: ${ALWAYS_IN_HOSTS}`);
    if (manage_resolv_conf === true) report(['manage_resolv_conf'], `must be false: ${NAME_SERVERS}`);
  },
];

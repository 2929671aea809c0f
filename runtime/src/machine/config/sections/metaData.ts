/** `meta-data`: who this instance is, as cloud-init's NoCloud has it. */
import { dictionary, either, field, type Infer, list, mapping, text, unsupported } from '../shape.ts';
import { hostName, sshKey } from './cloudInitWords.ts';

export const metaDataShape = mapping({
  'instance-id': field(
    text({ lenient: true, meaning: 'one word', pattern: /^\S{1,200}$/ }),
    'names this installation; runcmd runs once for each. Default: the same for ever',
    { aliases: ['instance_id'], examples: ['press-7-2026-11'] },
  ),
  'local-hostname': field(hostName, 'the host name, where user-data has neither hostname nor fqdn', {
    aliases: ['local_hostname', 'hostname'],
    examples: ['press-7'],
  }),
  'public-keys': field(
    either(sshKey, list(sshKey), dictionary({ kind: 'text' }, either(sshKey, list(sshKey)))),
    'SSH keys of the default user, besides ssh_authorized_keys',
    { aliases: ['public_keys'] },
  ),
  dsmode: unsupported('when the data source is read', 'local sources are read before the network is up, always'),
  seedfrom: unsupported('where to read on', 'give the URL on the kernel command line: atoll.config=<url>'),
  'network-interfaces': unsupported('interfaces, as Debian had them', 'the network is in the document network-config'),
  network: unsupported('the network', 'it is a document of its own: network-config'),
  'availability-zone': unsupported('the zone', 'give the node a label: atoll.node-label'),
  region: unsupported('the region', 'give the node a label: atoll.node-label'),
  'cloud-name': unsupported('the cloud', 'there is none'),
  platform: unsupported('the platform', 'it is found'),
  'launch-index': unsupported('the number of the instance', 'every node has its own configuration'),
  tags: unsupported('tags', 'give the node labels: atoll.node-label'),
});
export type MetaData = Infer<typeof metaDataShape>;

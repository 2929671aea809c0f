/** Devices that are there, or come and go: wired and wireless interfaces. */
import {
  boolean,
  dictionary,
  either,
  field,
  type Infer,
  integer,
  list,
  mapping,
  oneOf,
  text,
  unsupported,
} from '../../shape.ts';
import { deviceFields } from './device.ts';
import { hardwareAddress, refuseInterfaceName } from './values.ts';

const glob = () => text({ pattern: /^!?[A-Za-z0-9_.@*?[\]-]+$/, meaning: 'a name or a pattern such as enp2*' });

export const match = mapping({
  name: field(glob(), 'its name or a pattern', { examples: ['enp2*'] }),
  macaddress: field(hardwareAddress(), 'its permanent MAC address'),
  driver: field(either(glob(), list(glob(), { maxItems: 32 })), 'its kernel driver, or several'),
});
export type Match = Infer<typeof match>;

const noSriov = 'virtual functions of SR-IOV cards are not made by Atoll';

/** `auth` of an access point or a wired port (802.1X). */
export const authentication = mapping({
  'key-management': field(
    oneOf('none', 'psk', 'psk-sha256', 'eap', 'eap-sha256', 'eap-suite-b-192', 'sae', '802.1x'),
    'how keys are agreed on',
  ),
  password: field(text({ secret: true, lenient: true, maxLength: 256 }), 'the passphrase, or the password of EAP'),
  method: field(oneOf('tls', 'peap', 'leap', 'pwd', 'ttls'), 'the method of EAP'),
  identity: field(text({ maxLength: 256 }), 'who the node says it is'),
  'anonymous-identity': field(text({ maxLength: 256 }), 'who it says it is before the connection is encrypted'),
  'ca-certificate': field(file('trusted certificates'), 'the file with the certificates to trust'),
  'client-certificate': field(file('a certificate'), "the file with the node's certificate"),
  'client-key': field(file('a key'), 'the file with the key of that certificate'),
  'client-key-password': field(text({ secret: true, lenient: true, maxLength: 256 }), 'the password of the key'),
  'phase2-auth': field(text({ pattern: /^[A-Za-z0-9]+$/, meaning: 'a method such as MSCHAPV2' }), 'the inner method'),
});
export type Authentication = Infer<typeof authentication>;

function file(of: string) {
  return text({ pattern: /^\/[^"\n]+$/, maxLength: 1024, meaning: `the absolute path of a file with ${of}` });
}

const offload = (of: string) => field(boolean(), `let the card do ${of}`);

/** Names given by `set-name`. */
const newName = () => text({ lenient: true, refuse: refuseInterfaceName, like: /^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,14}$/ });

export const physicalFields = {
  ...deviceFields,
  match: field(match, 'which device, by what it is; without it the key is its name'),
  'set-name': field(newName(), 'the name it gets; needs match'),
  wakeonlan: field(boolean(), 'let a magic packet wake the node'),
  'emit-lldp': field(boolean(), 'say who is here to switches (LLDP)'),
  'receive-checksum-offload': offload('checksums of what comes in'),
  'transmit-checksum-offload': offload('checksums of what goes out'),
  'tcp-segmentation-offload': offload('TCP segmentation'),
  'tcp6-segmentation-offload': offload('TCP segmentation for IPv6'),
  'generic-segmentation-offload': offload('segmentation'),
  'generic-receive-offload': offload('putting packets together'),
  'large-receive-offload': offload('putting large packets together'),
} as const;

export const ethernet = mapping({
  ...physicalFields,
  auth: field(authentication, 'how the switch lets the node in (802.1X)'),
  link: unsupported('the card a virtual function belongs to', noSriov),
  'virtual-function-count': unsupported('how many virtual functions', noSriov),
  'embedded-switch-mode': unsupported('the mode of the switch in the card', noSriov),
  'delay-virtual-functions-rebind': unsupported('when virtual functions appear', noSriov),
  'infiniband-mode': unsupported('InfiniBand', 'the image has no drivers for InfiniBand'),
});
export type Ethernet = Infer<typeof ethernet>;

export const accessPoint = mapping({
  password: field(
    text({ secret: true, lenient: true, maxLength: 256 }),
    'the passphrase of 8 to 63 characters, or the key as 64 hexadecimal digits; empty for an open network',
  ),
  auth: field(authentication, 'how the access point lets the node in, where a password alone does not say it'),
  mode: field(
    text({
      like: /^(?:infrastructure|adhoc)$/,
      refuse: mode => {
        if (mode === 'infrastructure' || mode === 'adhoc') return undefined;
        return mode === 'ap' ? 'is not available: a node is no access point' : 'must be infrastructure or adhoc';
      },
    }),
    'infrastructure by default',
  ),
  bssid: field(hardwareAddress(), 'only the access point with this MAC address'),
  band: field(oneOf('5GHz', '5G', '2.4GHz', '2.4G'), 'only this band'),
  channel: field(integer(1, 196), 'only this channel; needs band'),
  hidden: field(boolean(), 'ask for it by name, as it does not announce itself'),
  networkmanager: unsupported('NetworkManager', 'the image has no NetworkManager'),
});
export type AccessPoint = Infer<typeof accessPoint>;

const wakeReasons = [
  'any',
  'disconnect',
  'magic_pkt',
  'gtk_rekey_failure',
  'eap_identity_req',
  'four_way_handshake',
  'rfkill_release',
  'default',
] as const;

export const wifi = mapping({
  ...physicalFields,
  'access-points': field(
    dictionary(
      {
        kind: 'text',
        lenient: true,
        like: /^[\s\S]{1,32}$/,
        refuse: ssid => {
          const { length } = Buffer.from(ssid);
          return length >= 1 && length <= 32 ? undefined : `has ${length} bytes: a network's name has 1 to 32`;
        },
      },
      accessPoint,
    ),
    'the networks, by their names',
  ),
  wakeonwlan: field(list(oneOf(...wakeReasons)), 'what wakes the node'),
  'regulatory-domain': field(
    text({ pattern: /^([A-Z]{2}|00)$/, meaning: 'a country such as DE, or 00' }),
    'the country, for its channels and powers',
  ),
});
export type Wifi = Infer<typeof wifi>;

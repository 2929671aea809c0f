import type { Ethernet, Match, Wifi } from '../schema/physical.ts';
import { type IniSection, section } from './ini.ts';

/** `[Match]` of a physical device for networkd: what `match` says, or the name. */
export function matchSection(id: string, value: Ethernet | Wifi): IniSection {
  const { match, 'set-name': newName } = value;
  if (match === undefined) return section('Match', { Name: id });
  const name = newName === undefined ? match.name : newName;
  return section('Match', {
    PermanentMACAddress: match.macaddress?.toLowerCase(),
    Driver: driversOf(match),
    Name: name,
    // A driver or a pattern fits radios, the loopback and interfaces of containers too. The last have a kind (veth, bridge), cards none.
    ...(match.macaddress === undefined && newName === undefined ? { Type: 'ether', Kind: '!*' } : {}),
  });
}

const driversOf = ({ driver }: Match): string | undefined =>
  driver === undefined || driver.length === 0 ? undefined : typeof driver === 'string' ? driver : driver.join(' ');

/** Sections of the `.link` file, by which udev names and prepares a card; undefined where it has nothing to do. */
export function linkSections(id: string, value: Ethernet | Wifi): IniSection[] | undefined {
  const { match } = value;
  const link = {
    Name: value['set-name'],
    MTUBytes: value.mtu,
    ReceiveChecksumOffload: value['receive-checksum-offload'],
    TransmitChecksumOffload: value['transmit-checksum-offload'],
    TCPSegmentationOffload: value['tcp-segmentation-offload'],
    TCP6SegmentationOffload: value['tcp6-segmentation-offload'],
    GenericSegmentationOffload: value['generic-segmentation-offload'],
    GenericReceiveOffload: value['generic-receive-offload'],
    LargeReceiveOffload: value['large-receive-offload'],
  };
  const address = value.macaddress === 'random' || value.macaddress === 'permanent' ? value.macaddress : undefined;
  const settings = [...Object.values(link), address, value.wakeonlan];
  if (settings.every(setting => setting === undefined)) return undefined;
  const matching = match
    ? {
        PermanentMACAddress: match.macaddress?.toLowerCase(),
        Driver: driversOf(match),
        OriginalName: match.name,
      }
    : { OriginalName: id };
  // The first file that matches is the only one: what the image's default says of names and addresses is said again.
  const names = link.Name === undefined ? { NamePolicy: 'keep kernel database onboard slot path' } : {};
  const kept = {
    MACAddressPolicy: address === 'random' ? 'random' : 'persistent',
    WakeOnLan: value.wakeonlan ? 'magic' : 'off',
  };
  return [section('Match', matching), section('Link', { ...names, ...link, ...kept })];
}

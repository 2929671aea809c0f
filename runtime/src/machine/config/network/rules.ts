/** What must hold of a network as a whole. Every rule says what is wrong where it stands, and what to do. */
import type { Report, Rule } from '../types.ts';
import { type Devices, devicesOf } from './devices.ts';
import { addressRules } from './rules/addresses.ts';
import { bondRules } from './rules/bonds.ts';
import { bridgeRules } from './rules/bridges.ts';
import { dynamicRules } from './rules/dynamic.ts';
import { matchRules } from './rules/match.ts';
import { memberRules } from './rules/members.ts';
import { mtuRules } from './rules/mtu.ts';
import { nameRules } from './rules/names.ts';
import { routeRules } from './rules/routes.ts';
import { tunnelRules } from './rules/tunnels.ts';
import { vlanRules } from './rules/vlans.ts';
import { vrfRules } from './rules/vrfs.ts';
import { wifiRules } from './rules/wifis.ts';
import { type NetworkDocument, networkOf, version1 } from './schema.ts';

/** A rule over all devices; paths start below `network`. */
export type DeviceRule = (devices: Devices, report: Report) => void;

const rules: readonly DeviceRule[] = [
  nameRules,
  matchRules,
  addressRules,
  routeRules,
  dynamicRules,
  mtuRules,
  memberRules,
  vlanRules,
  bondRules,
  bridgeRules,
  vrfRules,
  tunnelRules,
  wifiRules,
];

function documentRule(document: NetworkDocument, report: Report): void {
  const { network, path } = networkOf(document);
  const { version = 2 } = network;
  if (version !== 2) report([...path, 'version'], `must be 2, not ${version}`, version === 1 ? { hint: version1 } : {});
  if (document.network === undefined) return;
  for (const key of Object.keys(document))
    if (key !== 'network') report([key], 'belongs under network', { hint: 'indent it under network:' });
}

function devicesRule(document: NetworkDocument, report: Report): void {
  const { network, path } = networkOf(document);
  const devices = devicesOf(network);
  for (const rule of rules) rule(devices, (at, message, options) => report([...path, ...at], message, options));
}

export const networkRules: readonly Rule<NetworkDocument>[] = [documentRule, devicesRule];

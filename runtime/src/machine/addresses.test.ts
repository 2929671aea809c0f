import assert from 'node:assert/strict';
import type { NetworkInterfaceInfo } from 'node:os';
import { test } from 'node:test';
import { hostAddresses } from './addresses.ts';

const address = (text: string, internal = false): NetworkInterfaceInfo =>
  ({
    address: text,
    internal,
    family: text.includes(':') ? 'IPv6' : 'IPv4',
    netmask: '',
    mac: '',
    cidr: null,
    scopeid: 0,
  }) as NetworkInterfaceInfo;

test('addresses others can reach, IPv4 first', () => {
  const table: [Record<string, NetworkInterfaceInfo[]>, string[]][] = [
    [{}, []],
    [{ lo: [address('127.0.0.1', true), address('::1', true)] }, []],
    [{ eth0: [address('2001:db8::1'), address('192.0.2.1')] }, ['192.0.2.1', '2001:db8::1']],
    [{ eth0: [address('fe80::1'), address('169.254.3.4')] }, []],
    [{ cni0: [address('10.42.0.1')], veth12: [address('10.42.0.9')], eth0: [address('192.0.2.7')] }, ['192.0.2.7']],
    [{ eth1: [address('198.51.100.2')], eth0: [address('192.0.2.7')] }, ['198.51.100.2', '192.0.2.7']],
  ];
  for (const [interfaces, expected] of table) assert.deepEqual(hostAddresses(interfaces), expected);
});

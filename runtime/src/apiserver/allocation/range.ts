/** An IPv4 range: `10.43.0.0/16`. */

export interface AddressRange {
  readonly text: string;
  /** How many addresses, with network and broadcast address. */
  readonly size: number;
  /** 0 is the network address. */
  at(offset: number): string;
  contains(address: string): boolean;
}

/** @throws RangeError for what is no IPv4 CIDR. */
export function parseRange(text: string): AddressRange {
  const [address = '', bits = ''] = text.split('/');
  const length = Number(bits);
  const value = parseAddress(address);
  if (value === undefined || !/^\d+$/.test(bits) || length < 8 || length > 30) {
    throw new RangeError(`${JSON.stringify(text)} is no IPv4 range such as 10.43.0.0/16 (prefix length 8 to 30)`);
  }
  const size = 2 ** (32 - length);
  const first = value - (value % size);
  return {
    text,
    size,
    at: offset => formatAddress(first + offset),
    contains: candidate => {
      const parsed = parseAddress(candidate);
      return parsed !== undefined && parsed > first && parsed < first + size - 1;
    },
  };
}

function parseAddress(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (!match) return undefined;
  let value = 0;
  for (const part of match.slice(1)) {
    const octet = Number(part);
    if (octet > 255 || (part.length > 1 && part.startsWith('0'))) return undefined;
    value = value * 256 + octet;
  }
  return value;
}

const formatAddress = (value: number): string =>
  [24, 16, 8, 0].map(shift => Math.floor(value / 2 ** shift) % 256).join('.');

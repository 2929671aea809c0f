/** Key usages of the certificates API in X.509 (RFC 5280 §4.2.1.3, §4.2.1.12; upstream: `pkg/apis/certificates/v1/helpers.go`). */

/** Bits of KeyUsage. */
const BITS: Readonly<Record<string, number>> = {
  signing: 0,
  'digital signature': 0,
  'content commitment': 1,
  'key encipherment': 2,
  'data encipherment': 3,
  'key agreement': 4,
  'cert sign': 5,
  'crl sign': 6,
  'encipher only': 7,
  'decipher only': 8,
};

const PURPOSES: Readonly<Record<string, 'client' | 'server' | `${number}.${string}`>> = {
  any: '2.5.29.37.0',
  'server auth': 'server',
  'client auth': 'client',
  'code signing': '1.3.6.1.5.5.7.3.3',
  'email protection': '1.3.6.1.5.5.7.3.4',
  's/mime': '1.3.6.1.5.5.7.3.4',
  'ipsec end system': '1.3.6.1.5.5.7.3.5',
  'ipsec tunnel': '1.3.6.1.5.5.7.3.6',
  'ipsec user': '1.3.6.1.5.5.7.3.7',
  timestamping: '1.3.6.1.5.5.7.3.8',
  'ocsp signing': '1.3.6.1.5.5.7.3.9',
  'microsoft sgc': '1.3.6.1.4.1.311.10.3.3',
  'netscape sgc': '2.16.840.1.113730.4.1',
};

export const usageBits = (usages: readonly string[]): number[] => [
  ...new Set(usages.map(usage => BITS[usage]).filter(bit => bit !== undefined)),
];

export const usagePurposes = (usages: readonly string[]): NonNullable<(typeof PURPOSES)[string]>[] => [
  ...new Set(usages.map(usage => PURPOSES[usage]).filter(purpose => purpose !== undefined)),
];

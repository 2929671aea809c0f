/**
 * The formats a schema may ask of strings and numbers, as upstream checks them (kube-openapi's `strfmt`); names of others are no
 * error and are not checked.
 */
import { isIPv4, isIPv6 } from 'node:net';

type Check = (text: string) => boolean;

const pattern =
  (expression: RegExp): Check =>
  text =>
    expression.test(text);

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const HOSTNAME =
  /^([a-zA-Z0-9\p{S}\p{L}]((-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?)|([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9\-\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.)){1,}([a-zA-Z\p{L}]){2,63})$/u;
const CREDIT_CARD =
  /^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|6(?:011|5\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11})$/;
const BYTE = '(0|[1-9]\\d?|1\\d\\d?|2[0-4]\\d|25[0-5])';
const RGB = new RegExp(`^rgb\\(\\s*${BYTE}\\s*,\\s*${BYTE}\\s*,\\s*${BYTE}\\s*\\)$`);

const isDate: Check = text => {
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (!match) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.getUTCDate() === Number(match[3]);
};

const isDateTime: Check = text => {
  const [date = '', time = ''] = text.toLowerCase().split('t');
  const match = /^(\d\d):(\d\d):(\d\d)(.\d+)?(z|([+-]\d\d:\d\d))$/.exec(time);
  if (!match || !isDate(date)) return false;
  const [, hour = '', minute = '', second = ''] = match;
  return hour <= '23' && minute <= '59' && second <= '59';
};

/** Go's own (`1h30m`, `1.5s`), or Scala's (`2 days`, `22 ns`). */
const isDuration: Check = text => {
  if (/^[-+]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)$/.test(text)) return true;
  return [...text.matchAll(/\d+\s*([A-Za-zµ]+)/g)].some(([, unit = '']) =>
    /^(ns|us|µs|ms|s|m|h|d|w|hr|wk|(nano|micro|milli|sec|min|hour|day|week).*)$/i.test(unit),
  );
};

/** Leading zeros are tolerated, as before Go 1.17. */
const withoutZeros = (text: string): string => text.replace(/(^|\.)0+(?=\d)/g, '$1');
const isIp6: Check = text => isIPv6(text) && !text.includes('%');
const isIp4: Check = text => isIPv4(withoutZeros(text)) || (text.includes('.') && isIp6(text));

const isCidr: Check = text => {
  const [address = '', bits = '', ...rest] = text.split('/');
  if (rest.length > 0 || !/^\d{1,3}$/.test(bits)) return false;
  return isIPv4(withoutZeros(address)) ? Number(bits) <= 32 : isIp6(address) && Number(bits) <= 128;
};

const isMac: Check = text => {
  const octets = /^([0-9a-f]{2}(?::[0-9a-f]{2})+|[0-9a-f]{2}(?:-[0-9a-f]{2})+|[0-9a-f]{4}(?:\.[0-9a-f]{4})+)$/i.test(
    text,
  );
  return octets && [12, 16, 40].includes(text.replace(/[:.-]/g, '').length);
};

/** Go's `url.ParseRequestURI`: an absolute URI or an absolute path. */
const isRequestUri: Check = text => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  if (text === '' || /[\x00-\x1f\x7f]/.test(text) || /%(?![0-9a-f]{2})/i.test(text)) return false;
  const [, scheme, rest = text] = /^([a-z][a-z0-9+.-]*):([\s\S]*)$/i.exec(text) ?? [];
  if (scheme === undefined) return text === '*' || (text.startsWith('/') && isAuthority(text));
  return !rest.startsWith('//') || isAuthority(rest);
};

function isAuthority(text: string): boolean {
  if (!text.startsWith('//')) return true;
  const [authority = ''] = text.slice(2).split(/[/?]/, 1);
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  return !/[ <>"^`{|}\\]/.test(host) && /^(\[[0-9a-f:.%a-z]*\]|[^:[\]]*)(:\d*)?$/i.test(host);
}

/** Go's `mail.ParseAddress`, but for comments and folded lines. */
const isEmail: Check = text => {
  const named = /^\s*(?:"(?:[^"\\]|\\.)*"|[^<>"@,;:]*)\s*<([^<>]+)>\s*$/.exec(text);
  const address = named?.[1] ?? text.trim();
  return /^([^\s()<>[\]:;@\\,."]+(\.[^\s()<>[\]:;@\\,."]+)*|"(?:[^"\\]|\\.)*")@([^\s()<>[\]:;@\\,."]+(\.[^\s()<>[\]:;@\\,."]+)*|\[[^\]]*\])$/.test(
    address,
  );
};

const isHostname: Check = text =>
  HOSTNAME.test(text) &&
  Buffer.byteLength(text) <= 255 &&
  text.split('.').every(label => Buffer.byteLength(label) <= 63);

const isCreditCard: Check = text => {
  const digits = text.replace(/[^0-9]+/g, '');
  if (!CREDIT_CARD.test(digits)) return false;
  let sum = 0;
  [...digits].reverse().forEach((digit, i) => {
    const value = Number(digit) * (i % 2 === 1 ? 2 : 1);
    sum += value >= 10 ? value - 9 : value;
  });
  return sum % 10 === 0;
};

const digitsOf = (text: string): string => text.replace(/[\s-]+/g, '');

const isIsbn10: Check = text => {
  const digits = digitsOf(text);
  if (!/^(?:\d{9}X|\d{10})$/.test(digits)) return false;
  const sum = [...digits].reduce((total, digit, i) => total + (i + 1) * (digit === 'X' ? 10 : Number(digit)), 0);
  return sum % 11 === 0;
};

const isIsbn13: Check = text => {
  const digits = digitsOf(text);
  if (!/^\d{13}$/.test(digits)) return false;
  const sum = [...digits].reduce((total, digit, i) => total + Number(digit) * (i % 2 === 0 ? 1 : 3), 0);
  return sum % 10 === 0;
};

/** By their names without hyphens, which do not count. */
const checks: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['bsonobjectid', pattern(/^[0-9a-f]{24}$/i)],
  ['uri', isRequestUri],
  ['email', isEmail],
  ['hostname', isHostname],
  ['ipv4', isIp4],
  ['ipv6', isIp6],
  ['cidr', isCidr],
  ['mac', isMac],
  ['uuid', pattern(/^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i)],
  ['uuid3', pattern(/^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i)],
  ['uuid4', pattern(/^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i)],
  ['uuid5', pattern(/^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i)],
  ['isbn', text => isIsbn10(text) || isIsbn13(text)],
  ['isbn10', isIsbn10],
  ['isbn13', isIsbn13],
  ['creditcard', isCreditCard],
  ['ssn', text => text.length === 11 && /^\d{3}[- ]?\d{2}[- ]?\d{4}$/.test(text)],
  ['hexcolor', pattern(/^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/)],
  ['rgbcolor', pattern(RGB)],
  ['byte', pattern(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/)],
  ['password', () => true],
  ['date', isDate],
  ['duration', isDuration],
  ['datetime', isDateTime],
  ['k8sshortname', text => text.length <= 63 && new RegExp(`^${LABEL}$`).test(text)],
  ['k8slongname', text => text.length <= 253 && new RegExp(`^${LABEL}(\\.${LABEL})*$`).test(text)],
]);

const normalized = (format: string): string => format.replaceAll('-', '');

/** Whether a format means anything for values of this type; the others are stored, published and ignored. */
export function isCheckedFormat(type: string, format: string): boolean {
  switch (type) {
    case '':
    case 'string':
      return checks.has(normalized(format));
    case 'integer':
      return format === 'int32' || format === 'int64';
    case 'number':
      return format === 'float' || format === 'double';
    default:
      return false;
  }
}

/** `undefined`: the format is none of strings. */
export function matchesFormat(format: string, text: string): boolean | undefined {
  return checks.get(normalized(format))?.(text);
}

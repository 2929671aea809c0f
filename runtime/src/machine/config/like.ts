/** Patterns for `like` of text shapes (shape.ts): they take every text that is right, and show an editor most that are not. */

const OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
export const IP4 = `${OCTET}(?:\\.${OCTET}){3}`;
export const IP6 = '[\\da-fA-F:]*:[\\da-fA-F:.]*';
export const IP = `(?:${IP4}|${IP6})`;
/** An IPv4 address as programs differ about it: with leading zeros. */
export const LOOSE_IP = `(?:\\d{1,3}(?:\\.\\d{1,3}){3}|${IP6})`;
export const CIDR = `(?:${IP4}/(?:3[0-2]|[12]?\\d)|${IP6}/\\d{1,3})`;
export const MAC = '[\\da-fA-F]{2}(?::[\\da-fA-F]{2}){5}';

export const exactly = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`);
/** One, or several with commas between them. */
export const severalOf = (pattern: string): RegExp =>
  new RegExp(`^[\\s,]*(?:${pattern})(?:\\s*,[\\s,]*(?:${pattern}))*[\\s,]*$`);

/**
 * The order of versions as the boot loader sees it, so that nobody here thinks another entry goes first than the one that does.
 * Source: UAPI.10 Version Format Specification, which systemd-boot 257 implements.
 */
const valid = /[0-9A-Za-z~^.-]/;
const digits = /^[0-9]*/;
const letters = /^[A-Za-z]*/;

const sign = (a: number | string | boolean, b: number | string | boolean): number => (a < b ? -1 : a > b ? 1 : 0);

/** Negative: `a` is older than `b`. */
export function compareVersions(a: string, b: string): number {
  let [left, right] = [a, b];
  for (;;) {
    left = withoutInvalid(left);
    right = withoutInvalid(right);
    // Pre-releases come before everything, also before the end.
    const pre = separated('~', left, right);
    if (pre.order !== 0) return pre.order;
    ({ left, right } = pre);
    if (left === '' || right === '') return sign(left !== '', right !== '');
    for (const separator of ['-', '^', '.']) {
      const next = separated(separator, left, right);
      if (next.order !== 0) return next.order;
      ({ left, right } = next);
    }
    const number = digits.exec(left)?.[0] !== '' || digits.exec(right)?.[0] !== '';
    const [one = '', other = ''] = [left, right].map(text => (number ? digits : letters).exec(text)?.[0]);
    const order = number ? compareNumbers(one, other) : compareWords(one, other);
    if (order !== 0) return order;
    left = left.slice(one.length);
    right = right.slice(other.length);
  }
}

function withoutInvalid(text: string): string {
  let at = 0;
  while (at < text.length && !valid.test(text.charAt(at))) at++;
  return text.slice(at);
}

/** What has the separator is older than what has not. */
function separated(separator: string, left: string, right: string): { order: number; left: string; right: string } {
  const [a, b] = [left.startsWith(separator), right.startsWith(separator)];
  if (a !== b) return { order: a ? -1 : 1, left, right };
  return a ? { order: 0, left: left.slice(1), right: right.slice(1) } : { order: 0, left, right };
}

/** No number at all is older than any. */
function compareNumbers(a: string, b: string): number {
  if ((a === '') !== (b === '')) return a === '' ? -1 : 1;
  const [one, other] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')];
  return sign(one.length, other.length) || sign(one, other);
}

function compareWords(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  return sign(a.slice(0, shared), b.slice(0, shared)) || sign(a.length, b.length);
}

/** Figures as a person reads them: three digits that count, in the unit that needs no exponent. */
import type { Unit } from './figures.ts';

/** `0.123`, `1.23`, `12.3`, `123`, `4,567`. */
export function digits(value: number): string {
  const decimals = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
  return value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/** The number and its unit, chosen so that `like` is easy to read. */
function scaled(value: number, unit: Unit, like: number = value): { number: string; unit: string } {
  switch (unit) {
    case 'ms':
      return like >= 1000 ? { number: digits(value / 1000), unit: 's' } : { number: digits(value), unit: 'ms' };
    case 'bytes':
      return { number: digits(value / 1024 ** 2), unit: 'MiB' };
    case 'per second':
      return { number: digits(value), unit: '/s' };
    case 'ms CPU':
      return { number: digits(value), unit: 'ms CPU' };
    case 'KiB':
      return { number: digits(value), unit: 'KiB' };
    case '%':
      return { number: digits(value), unit: '%' };
    case 'count':
      return { number: digits(value), unit: '' };
  }
}

export function amount(value: number, unit: Unit): string {
  const { number, unit: word } = scaled(value, unit);
  return word === '' ? number : `${number} ${word}`;
}

/** `1.20 – 1.35`, in the unit that `like` is shown in. */
export function range(min: number, max: number, unit: Unit, like: number): string {
  return `${scaled(min, unit, like).number} – ${scaled(max, unit, like).number}`;
}

/** `0.44 ×` */
export function times(ratio: number): string {
  return `${ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(2)} ×`;
}

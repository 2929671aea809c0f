/** What a schema demands of numbers (kube-openapi's `numberValidator`, with what it makes of whole and of broken numbers). */
import type { Structural } from './model.ts';

export interface NumberFaults {
  /** Texts that name the field themselves and stand for none. */
  readonly composite: readonly string[];
  readonly faults: readonly { readonly value: unknown; readonly text: string }[];
}

const none: NumberFaults = { composite: [], faults: [] };
const MAX_FLOAT = 3.4028234663852886e38;

/** `undefined`: the value is in the range of the type. */
function rangeFault(value: number, type: string, format: string, prefix: string, path: string): string | undefined {
  const fits =
    type === 'integer'
      ? Number.isInteger(value) &&
        (format === 'int32' ? value >= -(2 ** 31) && value < 2 ** 31 : value >= -(2 ** 63) && value <= 2 ** 63)
      : format !== 'float' || Math.abs(value) <= MAX_FLOAT;
  if (fits) return undefined;
  const said = format === '' ? `${type} (default format)` : `${type} with format ${format}`;
  return `${prefix} value must be of type ${said} in ${path}`;
}

/** Go's `%v` of a float. */
function goFloat(value: number): string {
  if (value === 0 || (Math.abs(value) >= 1e-4 && Math.abs(value) < 1e21)) return String(value);
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}

export function numberFaults(value: number, { types, format, rules }: Structural, path: string): NumberFaults {
  const type = types.length === 1 && (types[0] === 'integer' || types[0] === 'number') ? types[0] : '';
  const ownFormat = type === '' ? '' : format;
  const composite: string[] = [];
  const faults: { value: unknown; text: string }[] = [];
  const isWhole = Number.isInteger(value);
  const range = (of: number, prefix: string): boolean => {
    const fault = rangeFault(of, type, ownFormat, prefix, path);
    if (fault !== undefined) composite.push(fault);
    return fault === undefined;
  };
  range(value, 'Checked');
  if (!rules) return composite.length === 0 ? none : { composite, faults };
  const { multipleOf, maximum, exclusiveMaximum, minimum, exclusiveMinimum } = rules;
  if (multipleOf !== undefined) {
    const factor = range(multipleOf, 'MultipleOf') && isWhole ? Math.trunc(multipleOf) : multipleOf;
    if (factor <= 0) {
      faults.push({
        value: factor,
        text: `factor MultipleOf declared for ${path} must be positive: ${goFloat(factor)}`,
      });
    } else if (!isMultiple(value, factor))
      faults.push({ value, text: `${path} in body should be a multiple of ${goFloat(factor)}` });
  }
  if (maximum !== undefined) {
    const limit = range(maximum, 'Maximum boundary') && isWhole ? Math.trunc(maximum) : maximum;
    if (exclusiveMaximum ? value >= limit : value > limit) {
      faults.push({
        value,
        text: `${path} in body should be less than ${exclusiveMaximum ? '' : 'or equal to '}${goFloat(limit)}`,
      });
    }
  }
  if (minimum !== undefined) {
    const limit = range(minimum, 'Minimum boundary') && isWhole ? Math.trunc(minimum) : minimum;
    if (exclusiveMinimum ? value <= limit : value < limit) {
      const words = exclusiveMinimum ? 'greater than' : 'greater than or equal to';
      faults.push({ value, text: `${path} in body should be ${words} ${goFloat(limit)}` });
    }
  }
  return { composite, faults };
}

/** As near as floating point can tell. */
function isMultiple(value: number, factor: number): boolean {
  const quotient = factor < 1 ? (1 / factor) * value : value / factor;
  if (Number.isInteger(quotient)) return true;
  const difference = Math.abs(quotient - Math.round(quotient));
  return difference < Number.EPSILON * Math.max(1, Math.abs(quotient)) || difference / Math.abs(quotient) < 1e-9;
}

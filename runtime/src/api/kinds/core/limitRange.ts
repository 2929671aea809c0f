/** LimitRanges (upstream: `ValidateLimitRange`). */
import type { LimitRange, LimitRangeItem } from '../../generated/types/core.v1.ts';
import { qualifiedNameErrors } from '../../names.ts';
import { compareQuantities, parseQuantity } from '../../quantity.ts';
import { column } from '../columns.ts';
import { defineKind } from '../define.ts';
import { at, child, duplicate, forbidden, invalid, invalidEach, keyed, required } from '../errors.ts';
import type { FieldError } from '../kind.ts';
import { anyResourceNameErrors, containerResourceNameErrors, isOvercommitAllowed } from './resourceValidation.ts';

const TYPES = new Set(['Pod', 'Container', 'PersistentVolumeClaim']);
type Amounts = 'max' | 'min' | 'default' | 'defaultRequest' | 'maxLimitRequestRatio';

function typeErrors(type: string, path: string): FieldError[] {
  const errors = invalidEach(path, type, qualifiedNameErrors(type));
  if (errors.length === 0 && !type.includes('/') && !TYPES.has(type))
    errors.push(invalid(path, type, 'must be a standard limit type or fully qualified'));
  return errors;
}

/** What the amounts of one resource say must fit together. */
function amountErrors(item: LimitRangeItem, name: string, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const of = (field: Amounts): string | undefined => item[field]?.[name];
  const [min, max, limit, request] = [of('min'), of('max'), of('default'), of('defaultRequest')];
  const ordered = (
    small: string | undefined,
    large: string | undefined,
    field: Amounts,
    shown: string | undefined,
    words: readonly [string, string],
  ): void => {
    if (small === undefined || large === undefined || compareQuantities(small, large) <= 0) return;
    const text = `${words[0]} value ${small} is greater than ${words[1]} value ${large}`;
    errors.push(invalid(keyed(child(path, field), name), shown, text));
  };
  ordered(min, max, 'min', min, ['min', 'max']);
  ordered(min, request, 'defaultRequest', request, ['min', 'default request']);
  ordered(request, max, 'defaultRequest', request, ['default request', 'max']);
  ordered(request, limit, 'defaultRequest', request, ['default request', 'default limit']);
  ordered(min, limit, 'default', min, ['min', 'default']);
  ordered(limit, max, 'default', max, ['default', 'max']);
  const ratio = of('maxLimitRequestRatio');
  if (ratio !== undefined) {
    const field = keyed(child(path, 'maxLimitRequestRatio'), name);
    if (compareQuantities(ratio, '1') < 0) errors.push(invalid(field, ratio, `ratio ${ratio} is less than 1`));
    if (min !== undefined && max !== undefined) {
      const highest = Number(parseQuantity(max).nanos) / Number(parseQuantity(min).nanos);
      if (Number(parseQuantity(ratio).nanos) / 1e9 > highest)
        errors.push(invalid(field, ratio, `ratio ${ratio} is greater than max/min = ${highest.toFixed(6)}`));
    }
  }
  if (
    !isOvercommitAllowed(name) &&
    limit !== undefined &&
    request !== undefined &&
    compareQuantities(limit, request) !== 0
  )
    errors.push(
      invalid(
        keyed(child(path, 'defaultRequest'), name),
        request,
        `default value ${limit} must equal to defaultRequest value ${request} in ${name}`,
      ),
    );
  return errors;
}

function itemErrors(item: LimitRangeItem, path: string): FieldError[] {
  const { type = '' } = item;
  const errors: FieldError[] = [];
  const rule = type === 'Pod' || type === 'Container' ? containerResourceNameErrors : anyResourceNameErrors;
  const names = new Set<string>();
  const check = (field: Amounts): void => {
    for (const name of Object.keys(item[field] ?? {})) {
      errors.push(...rule(name, keyed(child(path, field), name)));
      names.add(name);
    }
  };
  check('max');
  check('min');
  for (const field of ['default', 'defaultRequest'] as const) {
    if (type !== 'Pod') check(field);
    else if (Object.keys(item[field] ?? {}).length > 0)
      errors.push(forbidden(child(path, field), "may not be specified when `type` is 'Pod'"));
  }
  if (type === 'PersistentVolumeClaim' && item.min?.storage === undefined && item.max?.storage === undefined)
    errors.push(
      required(child(path, 'limits'), 'either minimum or maximum storage value is required, but neither was provided'),
    );
  check('maxLimitRequestRatio');
  for (const name of names) errors.push(...amountErrors(item, name, path));
  return errors;
}

export const limitRange = defineKind<LimitRange>({
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  shortNames: ['limits'],
  columns: [column('Created At', 'date', 'When this object was created.', o => o.metadata.creationTimestamp ?? null)],
  defaults: ({ spec }) => {
    for (const item of spec?.limits ?? []) {
      if (item.type !== 'Container') continue;
      const limits = { ...item.max, ...item.default };
      const requests = { ...item.min, ...limits, ...item.defaultRequest };
      if (Object.keys(limits).length > 0) item.default = limits;
      // A minimum is asked for where nothing else is.
      for (const [name, min] of Object.entries(item.min ?? {}))
        if (item.defaultRequest?.[name] === undefined && limits[name] === undefined) requests[name] = min;
      if (Object.keys(requests).length > 0) item.defaultRequest = requests;
    }
  },
  prepareForCreate: () => undefined,
  prepareForUpdate: () => undefined,
  validate: ({ spec }) => {
    const types = new Set<string>();
    return (spec?.limits ?? []).flatMap((item, i) => {
      const path = at('spec.limits', i);
      const { type = '' } = item;
      const errors = typeErrors(type, child(path, 'type'));
      if (types.has(type)) errors.push(duplicate(child(path, 'type'), type));
      types.add(type);
      return [...errors, ...itemErrors(item, path)];
    });
  },
});

/** What cells of `kubectl get` are made of, in the forms upstream's printers give them. */
import type { LabelSelector } from '../generated/types/apimachinery.pkg.apis.meta.v1.ts';
import { formatLabelSelector } from '../selectors.ts';
import type { Column } from './kind.ts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

/** `0s` to `119s`, `2m5s`, `10m`, `3h20m`, `8h`, `2d3h`, `8d`, `2y30d`: two parts where one would be coarse. */
export function humanDuration(durationMs: number): string {
  const seconds = Math.trunc(durationMs / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  const two = (large: number, unit: string, small: number, part: string): string =>
    small === 0 ? `${large}${unit}` : `${large}${unit}${small}${part}`;
  const whole = (of: number): number => Math.floor(seconds / of);
  if (seconds < 2 * MINUTE) return `${seconds}s`;
  if (seconds < 10 * MINUTE) return two(whole(MINUTE), 'm', seconds % MINUTE, 's');
  if (seconds < 3 * HOUR) return `${whole(MINUTE)}m`;
  if (seconds < 8 * HOUR) return two(whole(HOUR), 'h', whole(MINUTE) % 60, 'm');
  if (seconds < 2 * DAY) return `${whole(HOUR)}h`;
  if (seconds < 8 * DAY) return two(whole(DAY), 'd', whole(HOUR) % 24, 'h');
  if (seconds < 2 * YEAR) return `${whole(DAY)}d`;
  if (seconds < 8 * YEAR) return two(whole(YEAR), 'y', whole(DAY) % 365, 'd');
  return `${whole(YEAR)}y`;
}

/** How long ago `timestamp` was; `<unknown>` where there is none. */
export function age(timestamp: string | undefined, nowMs: number): string {
  const then = timestamp === undefined ? Number.NaN : Date.parse(timestamp);
  return Number.isNaN(then) ? '<unknown>' : humanDuration(nowMs - then);
}

type Cell = string | number | boolean | null;

export function column<T>(
  name: string,
  type: Column['type'],
  description: string,
  cell: (object: T, nowMs: number) => Cell,
  priority = 0,
): Column<T> {
  return { name, type, description, priority, cell };
}

/** Shown with `-o wide` only. */
export function wide<T>(
  name: string,
  type: Column['type'],
  description: string,
  cell: (object: T, nowMs: number) => Cell,
): Column<T> {
  return column(name, type, description, cell, 1);
}

interface Aged {
  readonly metadata: { readonly creationTimestamp?: string | undefined };
}

/** The column nearly every table ends with. */
export const ageColumn: Column<Aged> = column(
  'Age',
  'string',
  'CreationTimestamp is a timestamp representing the server time when this object was created.',
  (object, nowMs) => age(object.metadata.creationTimestamp, nowMs),
);

/** `a=b,c=d`, `<none>` for none, `<error>` for a selector that cannot be read. */
export function selectorText(selector: LabelSelector | Readonly<Record<string, string>> | undefined): string {
  if (selector === undefined) return '<none>';
  const isLabels = !('matchLabels' in selector || 'matchExpressions' in selector);
  try {
    const text = formatLabelSelector(
      isLabels ? { matchLabels: selector as Record<string, string> } : (selector as LabelSelector),
    );
    return text === '' ? '<none>' : text;
  } catch {
    return '<error>';
  }
}

/** `a,b`, or `<none>`. */
export const joined = (items: readonly string[] | undefined): string => (items?.length ? items.join(',') : '<none>');

interface PodTemplate {
  readonly spec?:
    | { readonly containers?: readonly { readonly name: string; readonly image?: string | undefined }[] }
    | undefined;
}

/** Containers and Images, the wide columns of everything with a pod template. */
export function containerColumns<T>(templateOf: (object: T) => PodTemplate | undefined): Column<T>[] {
  const containers = (object: T) => templateOf(object)?.spec?.containers ?? [];
  return [
    wide('Containers', 'string', 'Names of each container in the template.', object =>
      containers(object)
        .map(c => c.name)
        .join(','),
    ),
    wide('Images', 'string', 'Images referenced by each container in the template.', object =>
      containers(object)
        .map(c => c.image ?? '')
        .join(','),
    ),
  ];
}

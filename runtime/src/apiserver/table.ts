/** `meta.k8s.io/v1` Table and PartialObjectMetadata: what `kubectl get` prints, and metadata without the rest. */
import type { Column, KindModule } from '../api/kinds/kind.ts';
import type { KubeObject } from '../api/object.ts';
import { badRequest } from '../api/status.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Of `meta.k8s.io`; both have the same fields. */
export type MetaVersion = 'v1' | 'v1beta1';

export type IncludeObject = 'None' | 'Metadata' | 'Object';

export interface TableColumn {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
}

export interface TableRow {
  readonly cells: readonly unknown[];
  readonly object?: unknown;
}

const nameColumn: TableColumn = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description:
    'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically.',
  priority: 0,
};

const defaultColumns: readonly Column[] = [
  {
    name: 'Age',
    type: 'string',
    description: 'CreationTimestamp is a timestamp representing the server time when this object was created.',
    priority: 0,
    cell: (object, nowMs) => age(object.metadata.creationTimestamp, nowMs),
  },
];

/** @throws StatusError 400 for another word. */
export function includeObjectOf(query: URLSearchParams): IncludeObject {
  const asked = query.get('includeObject') ?? '';
  if (asked === '') return 'Metadata';
  if (asked === 'None' || asked === 'Metadata' || asked === 'Object') return asked;
  throw badRequest(
    `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(asked)}: must be 'Metadata', 'Object', 'None', or empty`,
  );
}

export function columnsOf(kind: KindModule | undefined): TableColumn[] {
  const own = (kind?.columns ?? defaultColumns).map(({ name, type, format, description, priority }) => ({
    name,
    type,
    format: format ?? '',
    description,
    priority,
  }));
  return kind?.ownNameColumn ? own : [nameColumn, ...own];
}

export function rowOf(
  object: KubeObject,
  kind: KindModule | undefined,
  nowMs: number,
  include: IncludeObject,
  metaVersion: MetaVersion = 'v1',
): TableRow {
  const cells: unknown[] = kind?.ownNameColumn ? [] : [object.metadata.name ?? ''];
  for (const column of kind?.columns ?? defaultColumns) cells.push(column.cell(object, nowMs));
  if (include === 'None') return { cells, object: null };
  return { cells, object: include === 'Object' ? object : partialMetadata(object, metaVersion) };
}

export function tableOf(
  columns: readonly TableColumn[] | null,
  rows: readonly TableRow[],
  metadata: Readonly<Record<string, unknown>>,
  metaVersion: MetaVersion = 'v1',
): Record<string, unknown> {
  return { kind: 'Table', apiVersion: `meta.k8s.io/${metaVersion}`, metadata, columnDefinitions: columns, rows };
}

export function partialMetadata(object: KubeObject, metaVersion: MetaVersion = 'v1'): KubeObject {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${metaVersion}`, metadata: object.metadata };
}

/** How long ago, in one or two units, as kubectl prints it (upstream: `duration.HumanDuration`). */
export function age(time: string | undefined | null, nowMs: number): string {
  if (time === undefined || time === null) return '<unknown>';
  return humanDuration(nowMs - Date.parse(time));
}

export function humanDuration(ms: number): string {
  if (Number.isNaN(ms) || ms < -SECOND) return '<invalid>';
  if (ms < 0) return '0s';
  if (ms < 2 * MINUTE) return `${Math.floor(ms / SECOND)}s`;
  const two = (large: number, largeUnit: string, small: number, smallUnit: string): string => {
    const rest = Math.floor((ms % large) / small);
    return `${Math.floor(ms / large)}${largeUnit}${rest === 0 ? '' : `${rest}${smallUnit}`}`;
  };
  if (ms < 10 * MINUTE) return two(MINUTE, 'm', SECOND, 's');
  if (ms < 3 * HOUR) return `${Math.floor(ms / MINUTE)}m`;
  if (ms < 8 * HOUR) return two(HOUR, 'h', MINUTE, 'm');
  if (ms < 2 * DAY) return `${Math.floor(ms / HOUR)}h`;
  if (ms < 8 * DAY) return two(DAY, 'd', HOUR, 'h');
  if (ms < 2 * 365 * DAY) return `${Math.floor(ms / DAY)}d`;
  if (ms < 8 * 365 * DAY) return two(365 * DAY, 'y', DAY, 'd');
  return `${Math.floor(ms / (365 * DAY))}y`;
}
